"""The packaged EfficientNet-Lite0 as a judge that is never trained: its maps at four scales, its pooled features.

Imported by the trainer only: it needs torch.
"""

from typing import Final

from torch import Tensor, nn
from torch.nn import functional

from shared.lite0 import MIDDLE, SPREAD, lite_network

CHANNELS: Final = (16, 24, 40, 112)
"""Channels of the maps at strides 2, 4, 8 and 16."""
ENDS: Final = (0, 2, 4, 10)
"""The blocks that end with those maps."""


class LiteFeatures(nn.Module):
    """Takes pictures n x 3 x h x w in -1…1, of any size that is a multiple of 16."""

    def __init__(self) -> None:
        super().__init__()
        self.network = lite_network()

    def maps(self, x: Tensor, side: int) -> list[Tensor]:
        """Return the maps at strides 2, 4, 8 and 16 of the pictures scaled to `side`."""
        return self.network.maps_after(_scaled(x, side), ENDS)

    def pooled(self, x: Tensor, side: int) -> Tensor:
        """Return the features before the classifier (n x 1280) of the pictures scaled to `side`."""
        return self.network.features(_scaled(x, side))


def _scaled(x: Tensor, side: int) -> Tensor:
    if x.shape[-1] != side:
        x = functional.interpolate(x, size=side, mode="bilinear", align_corners=False)
    # From -1…1 to bytes, and to what the network reads.
    return x * (127.5 / SPREAD) + (127.5 - MIDDLE) / SPREAD
