"""Describes faces by 128 numbers each: dlib's residual network, run on all aligned faces of a batch at once.

Two faces of one person are near each other (Euclidean distance); a new person therefore needs no training.
Imported by the worker and the trainer only: it needs dlib.
"""

from collections.abc import Sequence
from threading import Lock
from typing import Any, Final

import dlib
import numpy as np
from numpy.typing import NDArray

from plugins.rollcall.align import Aligner, packaged
from shared.pictures import Pixels

NETWORK: Final = "dlib_face_recognition_resnet_model_v1.dat"
SIZE: Final = 128
TOGETHER: Final = 16
"""Faces that go through the network at once: more are no faster, and take memory."""
Vectors = NDArray[np.float32]


class Embedder:
    """Aligns faces and describes them."""

    def __init__(self, aligner: Aligner, network: Any) -> None:
        self.aligner = aligner
        self.network = network
        # A network of dlib keeps its activations in itself.
        self.lock = Lock()

    @classmethod
    def open(cls) -> "Embedder":
        """Read points and network out of their package. Raises `ModelUnavailable`."""
        return cls(Aligner(), dlib.face_recognition_model_v1(str(packaged(NETWORK))))

    def vectors(self, faces: Sequence[tuple[Pixels, Any]]) -> Vectors:
        """Return faces × 128; a face is its picture and its points."""
        return self.of_chips([self.aligner.chip(pixels, points) for pixels, points in faces])

    def of_chips(self, chips: Sequence[Pixels]) -> Vectors:
        """Return chips × 128, for faces that are aligned already."""
        found = np.zeros((len(chips), SIZE), np.float32)
        for start in range(0, len(chips), TOGETHER):
            batch = [np.ascontiguousarray(chip) for chip in chips[start : start + TOGETHER]]
            with self.lock:
                found[start : start + len(batch)] = self.network.compute_face_descriptor(batch)
        return found
