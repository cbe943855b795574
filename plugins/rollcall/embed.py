"""Describes faces by 128 numbers each: dlib's network, run on all aligned faces of a batch and on their mirror images.

Two faces of one person are near each other (Euclidean distance); a new person therefore needs no training.
Imported by the worker and the trainer only: it needs torch and dlib.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from plugins.rollcall.align import Aligner
from plugins.rollcall.embed_network import VECTOR, FaceNetwork
from shared.pictures import Pixels

TOGETHER: Final = 16
"""Faces that go through the network at once: more are no faster, and take memory."""
Vectors = NDArray[np.float32]


class Embedder:
    """Aligns faces and describes them."""

    def __init__(self, aligner: Aligner, network: FaceNetwork, device: str) -> None:
        self.aligner = aligner
        self.network = network.to(device)
        self.device = device

    @classmethod
    def open(cls, device: str = "cpu") -> "Embedder":
        """Read points and network out of their package. Raises `ModelUnavailable`."""
        return cls(Aligner(), FaceNetwork.packaged(), device)

    def vectors(self, faces: Sequence[tuple[Pixels, Any]]) -> Vectors:
        """Return faces × 128; a face is its picture and its points."""
        return self.of_chips([self.aligner.chip(pixels, points) for pixels, points in faces])

    @torch.inference_mode()
    def of_chips(self, chips: Sequence[Pixels]) -> Vectors:
        """Return chips × 128, for faces that are aligned already: the mean over a face and its mirror image."""
        found = np.zeros((len(chips), VECTOR), np.float32)
        for start in range(0, len(chips), TOGETHER):
            batch = torch.from_numpy(np.stack(chips[start : start + TOGETHER])).to(self.device)
            both = self.network(torch.cat([batch, batch.flip(2)])).reshape(2, len(batch), VECTOR)
            found[start : start + len(batch)] = both.mean(0).float().cpu().numpy()
        return found
