"""A network that classifies pictures: prepares them, gives probabilities in batches, and says where it looked.

Where it looked is Grad-CAM (Selvaraju et al. 2017, arXiv:1610.02391) on the last feature map of the network. Imported
by the worker and the trainer only: it needs torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from plugins.image.familiar import Bools, Familiarity
from plugins.image.labels import Labels

if TYPE_CHECKING:
    from shared.pictures import Pixels

CHUNK: Final = 32
"""Pictures that go through the network at once on a GPU."""
CPU_CHUNK: Final = 4
"""The same on a CPU, whose cache holds the maps of so many: 1.7 times as fast as 32 at once."""
LARGEST: Final = 1024
"""Pixels of a side that a network may want."""
TOGETHER: Final = 3
MANY: Final = 100
Floats = NDArray[np.float64]
Window = tuple[float, float, float, float]


@dataclass(frozen=True)
class Preparation:
    """How a picture becomes a network's input: the middle `share` of its shorter side, as a square of `side` pixels.

    Values of 0 to 1 less `mean` over `spread`, a channel each.
    """

    side: int = 224
    share: float = 0.875
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    spread: tuple[float, ...] = (0.229, 0.224, 0.225)
    bilinear: bool = False

    def __post_init__(self) -> None:
        if not (16 <= self.side <= LARGEST and 0 < self.share <= 1 and all(s > 0 for s in self.spread)):
            raise ValueError("the preparation of pictures is out of bounds")
        if not len(self.mean) == len(self.spread) == 3:
            raise ValueError("the network does not take pictures in colour")

    def window(self, pixels: "Pixels") -> Window:
        """Return what is looked at: left, top, right and bottom in pixels of the picture."""
        high, wide = pixels.shape[:2]
        side = min(high, wide) * self.share
        return (wide - side) / 2, (high - side) / 2, (wide + side) / 2, (high + side) / 2

    def squares(self, pictures: Sequence["Pixels"]) -> NDArray[np.uint8]:
        """Cut and scale pictures to n x side x side x 3."""
        way = Image.Resampling.BILINEAR if self.bilinear else Image.Resampling.BICUBIC
        return np.stack(
            [
                np.asarray(Image.fromarray(p).resize((self.side, self.side), way, box=self.window(p)))
                for p in pictures
            ]
        )


class Readings(NamedTuple):
    """Of each picture: the probabilities of its classes (n x classes), and whether the likeliest are to be named."""

    probabilities: Floats
    known: Bools


class Classifier:
    """A network with what belongs to it.

    `temperature`: what logits are divided by (Guo et al. 2017). `threshold`: the probability below which nothing is
    named; of the three likeliest together where there are a hundred classes or more, for those are finely divided: a
    tabby is as likely a tiger cat. `familiar`: what else must know a picture, if anything; then the network answers
    with its features too. `name` is that of a network that settings name. Raises `ValueError` where the network does
    not give one logit a class.
    """

    def __init__(
        self,
        network: nn.Module,
        labels: Labels,
        preparation: Preparation,
        *,
        name: str = "",
        threshold: float = 0.0,
        temperature: float = 1.0,
        familiar: Familiarity | None = None,
        device: str = "cpu",
    ) -> None:
        self.familiar = familiar
        self.labels, self.preparation, self.name = labels, preparation, name
        self.threshold, self._temperature, self._device = threshold, temperature, device
        self._chunk = CPU_CHUNK if device == "cpu" else CHUNK
        network.eval().requires_grad_(False).to(device)
        self._network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        shape = (1, 1, 3)
        self._mean = torch.tensor(preparation.mean, device=device).reshape(shape)
        self._spread = torch.tensor(preparation.spread, device=device).reshape(shape)
        blank = np.zeros((1, preparation.side, preparation.side, 3), np.uint8)
        self._mapping = _last_map(self._network, self._prepared(blank))
        found, _ = self._answered(self._prepared(blank))
        if found.shape != (1, len(labels)):
            raise ValueError(f"the network gives {tuple(found.shape)}, not 1 × {len(labels)} classes")

    @property
    def mapped(self) -> bool:
        """Tell whether the network has a last feature map, which a heat map is made of."""
        return self._mapping is not None

    def window(self, pixels: "Pixels") -> Window:
        """Return what part of a picture is looked at; see `Preparation.window`."""
        return self.preparation.window(pixels)

    def probabilities(self, pictures: Sequence["Pixels"]) -> Floats:
        """Return the probability of each class (n x classes)."""
        return self.read(pictures).probabilities

    def read(self, pictures: Sequence["Pixels"]) -> Readings:
        """Look at pictures, and say of each what it shows and whether that is to be named."""
        return self.read_squares(self.preparation.squares(pictures))

    def read_squares(self, squares: NDArray[np.uint8]) -> Readings:
        """The same of squares (n x side x side x 3) that are prepared already."""
        found, familiar = [np.zeros((0, len(self.labels)))], [np.zeros(0, bool)]
        with torch.inference_mode():
            for first in range(0, len(squares), self._chunk):
                logits, features = self._answered(self._prepared(squares[first : first + self._chunk]))
                found.append((logits.double() / self._temperature).softmax(1).cpu().numpy())
                if self.familiar is not None and features is not None:
                    familiar.append(self.familiar.knows(features.cpu().numpy()))
        probabilities = np.concatenate(found)
        together = TOGETHER if len(self.labels) >= MANY else 1
        known = np.sort(probabilities, axis=1)[:, -together:].sum(1) >= self.threshold
        return Readings(probabilities, known if self.familiar is None else known & np.concatenate(familiar))

    def heat(self, pixels: "Pixels", place: int) -> NDArray[np.float32]:
        """Return how much each part of the window speaks for a class, 0 to 1, as a map h x w of some cells.

        All is 0 where nothing speaks for it. Raises `ValueError` where the network has no map.
        """
        if self._mapping is None:
            raise ValueError("the network has no feature map")
        kept: list[Tensor] = []

        def keep(module: nn.Module, given: Any, output: Tensor) -> Tensor:
            # The graph begins here: what lies before is not run backwards.
            kept.append(output.detach().requires_grad_())
            return kept[-1].clone()

        hook = self._mapping.register_forward_hook(keep)
        try:
            with torch.enable_grad():
                logits, _ = self._answered(self._prepared(self.preparation.squares([pixels])))
                (slope,) = torch.autograd.grad(logits[0, place], kept[-1])
        finally:
            hook.remove()
        maps, slopes = _channels_first(kept[-1].detach())[0], _channels_first(slope)[0]
        heat = functional.relu((maps * slopes.mean((1, 2), keepdim=True)).sum(0))
        most = float(heat.max())
        return (heat / most if most > 0 else heat * 0).float().cpu().numpy()

    def _prepared(self, squares: NDArray[np.uint8]) -> Tensor:
        x = torch.from_numpy(np.ascontiguousarray(squares)).to(self._device).float() / 255
        # A view of pictures n x h x w x 3 already lies in memory as channels-last does.
        return ((x - self._mean) / self._spread).permute(0, 3, 1, 2)

    def _answered(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return logits, and features where the network answers with them."""
        match self._network(x):
            case (Tensor() as logits, Tensor() as features) if self.familiar is not None:
                return logits, features
            # Some networks of torchvision answer with a named tuple, the logits first.
            case (Tensor() as logits, *_):
                return logits, None
            case Tensor() as logits:
                return logits, None
            case other:
                raise ValueError(f"the network answers with {type(other).__name__}")


def _last_map(network: nn.Module, x: Tensor) -> nn.Module | None:
    """Return the module whose output is the last feature map; None where tokens follow it, as in a ViT."""
    last: list[nn.Module | None] = [None]

    def note(module: nn.Module, given: Any, output: Any) -> None:
        match output:
            case Tensor(ndim=4) if _channels_first(output).shape[-1] > 1:
                last[0] = module
            case Tensor(ndim=3):
                last[0] = None

    hooks = [module.register_forward_hook(note) for module in network.modules() if module is not network]
    try:
        with torch.inference_mode():
            network(x)
    finally:
        for hook in hooks:
            hook.remove()
    return last[0]


def _channels_first(maps: Tensor) -> Tensor:
    """Return maps as n x c x h x w; some transformers of windows have channels last. Maps are square here."""
    _, one, two, three = maps.shape
    return maps.permute(0, 3, 1, 2) if one == two != three else maps
