"""EfficientNet-Lite0 (Tan & Le 2019, "Lite" form of 2020) with batch norms folded in, and its weights that ship.

Imported by the worker and the trainer only: it needs torch. `LiteNetwork.features` is for transfer learning.
"""

from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from shared.errors import ModelUnavailable

SIDE: Final = 224
MIDDLE: Final = 127.0
SPREAD: Final = 128.0
"""Pixels of 0 to 255 go in as (value - 127) / 128."""
WIDTH: Final = 1280
CLASSES: Final = 1000
# Of each stage: blocks, kernel, stride of the first, expansion, channels (table 1 of the paper; stem and head are
# not scaled, there is no squeeze-and-excitation, and ReLU6 stands for swish).
STAGES: Final = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
FOLDER: Final = Path(__file__).parent / "weights" / "imagenet"


class SameConv(nn.Conv2d):
    """A convolution padded as TensorFlow does: the odd pixel goes right and below."""

    def forward(self, x: Tensor) -> Tensor:
        """Convolve n x c x h x w."""
        (kernel, _), (stride, _) = self.kernel_size, self.stride
        down, right = (max((-(-side // stride) - 1) * stride + kernel - side, 0) for side in x.shape[-2:])
        if down or right:
            x = functional.pad(x, (right // 2, right - right // 2, down // 2, down - down // 2))
        found: Tensor = functional.conv2d(x, self.weight, self.bias, self.stride, 0, 1, self.groups)
        return found


class Block(nn.Module):
    """An inverted residual block: expand, filter each channel, project."""

    def __init__(self, before: int, after: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = before * expansion
        self.expand = nn.Conv2d(before, wide, 1) if expansion > 1 else None
        self.depthwise = SameConv(wide, wide, kernel, stride, groups=wide)
        self.project = nn.Conv2d(wide, after, 1)
        self._adds = stride == 1 and before == after

    def forward(self, x: Tensor) -> Tensor:
        """Transform n x c x h x w."""
        y = x if self.expand is None else functional.relu6(self.expand(x), inplace=True)
        y = self.project(functional.relu6(self.depthwise(y), inplace=True))
        found: Tensor = x + y if self._adds else y
        return found


class LiteNetwork(nn.Module):
    """The network; its norms are folded into its convolutions, so it is for answering, not for training."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = SameConv(3, 32, 3, 2)
        blocks, before = [], 32
        for count, kernel, stride, expansion, after in STAGES:
            for index in range(count):
                blocks.append(Block(before, after, kernel, 1 if index else stride, expansion))
                before = after
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Conv2d(before, WIDTH, 1)
        # A module, so that its output can be found: a map of what decided is made of it.
        self.last = nn.ReLU6()
        self.classifier = nn.Linear(WIDTH, CLASSES)

    def maps(self, x: Tensor) -> Tensor:
        """Return the last feature maps (n x 1280 x 7 x 7) of pictures n x 3 x 224 x 224, as `prepared` makes them."""
        x = self.blocks(functional.relu6(self.stem(x), inplace=True))
        found: Tensor = self.last(self.head(x))
        return found

    def features(self, x: Tensor) -> Tensor:
        """Return the features (n x 1280) of pictures n x 3 x 224 x 224."""
        return self.maps(x).mean((2, 3))

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits (n x 1000) of pictures n x 3 x 224 x 224."""
        found: Tensor = self.classifier(self.features(x))
        return found


def prepared(pixels: Tensor) -> Tensor:
    """Bring bytes n x h x w x 3 into the form that the network reads, n x 3 x h x w, channels last in memory."""
    return (pixels.permute(0, 3, 1, 2).float() - MIDDLE) / SPREAD


def lite_network(folder: Path = FOLDER) -> LiteNetwork:
    """Read the weights that ship. Raises `ModelUnavailable` where the file is missing or is something else."""
    try:
        state = load_file(folder / "weights.safetensors")
        network = LiteNetwork()
        network.load_state_dict({name: value.float() for name, value in state.items()})
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise ModelUnavailable(
            "The weights of EfficientNet-Lite0 cannot be read: {reason}", reason=repr(error)[:300]
        ) from error
    # As functions of the input alone: a map of what decided needs no gradient of weights.
    return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]
