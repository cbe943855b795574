"""A trained network for 32-pixel pictures, with its files. Imported by the worker and the trainer only: needs torch."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

from plugins.image.cifar_data import LABELS, Pixels
from plugins.image.cifar_networks import CourseNetwork, StrongNetwork
from plugins.image.familiar import FILE, Bools, Familiarity
from shared.errors import ModelUnavailable
from shared.model import Device

FORMAT: Final = 1
CHUNK: Final = 250
"""Pictures that go through the network at once."""
WIDEST: Final = 1024
Views = Literal["one", "mirrored", "moved"]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """What the logits are divided by (Guo et al. 2017), and the probability below which there is no answer."""

    temperature: float = 1.0
    threshold: float = 0.0


class CifarReader:
    """Gives the probability of each of the ten classes for pictures of 32 x 32.

    `views`: how often each picture is looked at: once, mirrored too, or also moved by a pixel either way (the
    test-time augmentation of airbench94), six times in all; logits are averaged. `familiar`: what else must know a
    picture for it to be named, if anything.
    """

    def __init__(
        self,
        network: StrongNetwork | CourseNetwork,
        calibration: Calibration,
        views: Views = "moved",
        device: str = "cpu",
        familiar: Familiarity | None = None,
    ) -> None:
        self.familiar = familiar
        self.calibration, self.views, self._device = calibration, views, device
        network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.network = network.eval()

    def logits(self, pixels: Pixels, views: Views | None = None) -> Floats:
        """Return the logits (n x 10) of pictures n x 32 x 32 x 3, before the temperature."""
        return self._looked(self.network, pixels, views, len(LABELS))

    def features(self, pixels: Pixels) -> Floats:
        """Return what the strong network's last layer decides on (n x 256), averaged over views."""
        assert isinstance(self.network, StrongNetwork)
        return self._looked(self.network.features, pixels, None, self.network.widths[-1])

    def judge(self, pixels: Pixels) -> tuple[Floats, Bools]:
        """Return the calibrated probabilities (n x 10), and for which pictures the likeliest class is to be named."""
        if self.familiar is None or not isinstance(self.network, StrongNetwork):
            probabilities = self.probabilities(pixels)
            return probabilities, probabilities.max(1) >= self.calibration.threshold
        features = self.features(pixels)
        # The last layer has no bias, so that logits of mean features are mean logits.
        with torch.inference_mode():
            x = torch.from_numpy(features).float().to(self._device)
            logits = self.network.decided(x).double().cpu().numpy()
        probabilities = softmax(logits / self.calibration.temperature)
        return probabilities, (probabilities.max(1) >= self.calibration.threshold) & self.familiar.knows(
            features
        )

    def _looked(
        self, network: Callable[[Tensor], Tensor], pixels: Pixels, views: Views | None, width: int
    ) -> Floats:
        found = [np.zeros((0, width))]
        with torch.inference_mode():
            for first in range(0, len(pixels), CHUNK):
                part = torch.from_numpy(np.ascontiguousarray(pixels[first : first + CHUNK])).to(self._device)
                # A view of bytes n x h x w x 3 already lies in memory as channels-last does.
                x = part.permute(0, 3, 1, 2).float() / 255
                found.append(_viewed(network, x, views or self.views).double().cpu().numpy())
        return np.concatenate(found)

    def probabilities(self, pixels: Pixels) -> Floats:
        """Return the calibrated probabilities (n x 10) of pictures n x 32 x 32 x 3."""
        return softmax(self.logits(pixels) / self.calibration.temperature)

    def write(self, folder: Path) -> None:
        """Write parameters as safetensors in half precision, the rest as JSON."""
        folder.mkdir(parents=True, exist_ok=True)
        state = self.network.state_dict()
        # Half precision changes no probability by more than a thousandth; counts of batches are of no use later.
        tensors = {
            name: value.detach().cpu().half().contiguous()
            for name, value in state.items()
            if not name.endswith("num_batches_tracked")
        }
        save_file(tensors, folder / "weights.safetensors")
        strong = isinstance(self.network, StrongNetwork)
        document = {
            "format": FORMAT,
            "network": "strong" if strong else "course",
            "widths": list(self.network.widths) if isinstance(self.network, StrongNetwork) else [],
            "labels": list(LABELS),
            "views": self.views,
            "temperature": self.calibration.temperature,
            "threshold": self.calibration.threshold,
        }
        (folder / "model.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        if self.familiar is not None:
            self.familiar.write(folder)

    @classmethod
    def read(cls, folder: Path, device: Device) -> Self:
        """Read what `write` wrote. Raises `ModelUnavailable` where it is something else."""
        try:
            document = json.loads((folder / "model.json").read_text(encoding="utf-8"))
            if document["format"] != FORMAT or document["labels"] != list(LABELS):
                raise ValueError("it is of another format, or of other classes")
            network: StrongNetwork | CourseNetwork
            match document["network"], document["widths"]:
                case "strong", [int(a), int(b), int(c)] if all(0 < width <= WIDEST for width in (a, b, c)):
                    network = StrongNetwork((a, b, c))
                case "course", []:
                    network = CourseNetwork()
                case _:
                    raise ValueError("it is of an unknown network")
            views = document["views"]
            if views not in ("one", "mirrored", "moved"):
                raise ValueError("it is looked at in an unknown way")
            found = Calibration(float(document["temperature"]), float(document["threshold"]))
            if not (0.01 <= found.temperature <= 100 and 0 <= found.threshold <= 1):
                raise ValueError("its calibration is out of bounds")
            tensors = load_file(folder / "weights.safetensors")
            counts = {
                name: value
                for name, value in network.state_dict().items()
                if name.endswith("num_batches_tracked")
            }
            network.load_state_dict({name: value.float() for name, value in tensors.items()} | counts)
            familiar = None
            # What is trained here has none: data of the ten classes show nothing else.
            if isinstance(network, StrongNetwork) and (folder / FILE).is_file():
                familiar = Familiarity.read(folder, network.widths[-1])
            return cls(network, found, views, device.name, familiar)
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
            raise ModelUnavailable(
                "The weights of image-cifar10 cannot be read: {reason}", reason=repr(error)[:500]
            ) from error


def _viewed(network: Callable[[Tensor], Tensor], x: Tensor, views: Views) -> Tensor:
    def both(z: Tensor) -> Tensor:
        found: Tensor = (network(z) + network(z.flip(-1))) / 2
        return found

    match views:
        case "one":
            found: Tensor = network(x)
            return found
        case "mirrored":
            return both(x)
        case "moved":
            side = x.shape[-1]
            wide = functional.pad(x, (1, 1, 1, 1), "reflect")
            return both(x) / 2 + both(wide[..., :side, :side]) / 4 + both(wide[..., 2:, 2:]) / 4


def softmax(logits: Floats) -> Floats:
    """Return probabilities (n x classes)."""
    shifted = np.exp(logits - logits.max(1, keepdims=True))
    found: Floats = shifted / shifted.sum(1, keepdims=True)
    return found
