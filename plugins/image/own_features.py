"""Features of pictures by the packaged EfficientNet-Lite0, whose last layer is left out.

The network stays as it is: only a head is trained on what it sees. Imported by the worker and the trainer only: it
needs torch.
"""

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from plugins.image.lite import shipped
from shared.lite0 import WIDTH, LiteNetwork, prepared
from shared.model import Device

CHUNK: Final = 32
"""Pictures that go through the network at once."""
Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]


class Features:
    """Turns squares of 224 pixels into rows of 1,280 numbers of length one."""

    def __init__(self, network: LiteNetwork, device: str) -> None:
        self._network, self._device = network, device

    @classmethod
    def load(cls, device: Device) -> "Features":
        """Load the packaged network. Raises `ModelUnavailable` where it is damaged."""
        return cls(shipped().to(device.name), device.name)

    def __call__(self, pixels: Pixels) -> Floats:
        """Return the features (n x 1280) of pictures n x 224 x 224 x 3."""
        found = [np.zeros((0, WIDTH), np.float32)]
        with torch.inference_mode():
            for first in range(0, len(pixels), CHUNK):
                part = torch.from_numpy(np.ascontiguousarray(pixels[first : first + CHUNK])).to(self._device)
                rows = self._network.features(prepared(part))
                found.append(torch.nn.functional.normalize(rows).cpu().numpy())
        return np.concatenate(found)
