"""Turns a face upright: dlib's five points (corners of the eyes, below the nose), and the crop that follows from them.

Imported by the worker and the trainer only: it needs dlib.
"""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import dlib
import numpy as np

from shared.errors import ModelUnavailable
from shared.pictures import Pixels

POINTS: Final = "shape_predictor_5_face_landmarks.dat"
SIDE: Final = 150
"""Pixels of an aligned face, as dlib's network takes it."""
ROOM: Final = 0.25
"""What an aligned face shows around itself, as a share of its size; that which the network was trained with."""


def packaged(name: str) -> Path:
    """Return a file of the package face_recognition_models. Raises `ModelUnavailable`.

    The package itself cannot be imported without setuptools, so it is only looked up.
    """
    spec = find_spec("face_recognition_models")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "models" / name
        if path.is_file():
            return path
    raise ModelUnavailable(
        "The face networks are missing: install the package {name}.", name="face_recognition_models"
    )


class Aligner:
    """Finds the five points of a face, and cuts it out by them."""

    def __init__(self) -> None:
        self.predictor = dlib.shape_predictor(str(packaged(POINTS)))

    def points(self, pixels: Pixels, box: Sequence[float]) -> Any:
        """Return dlib's points for the face in `box` (left, top, right, bottom in pixels)."""
        left, top, right, bottom = (round(each) for each in box)
        return self.predictor(pixels, dlib.rectangle(left, top, right - 1, bottom - 1))

    def chip(self, pixels: Pixels, points: Any, side: int = SIDE) -> Pixels:
        """Return the aligned face, `side` × `side` pixels; what lies outside the picture is black."""
        return np.asarray(dlib.get_face_chip(pixels, points, side, ROOM), np.uint8)
