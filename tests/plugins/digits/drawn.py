"""Digits of fonts and of strokes, from which a network can be trained, and pages drawn, in seconds."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from plugins.digits.data import Digits
from plugins.digits.idx import write_idx
from plugins.digits.nondigits import packaged_fonts, printed_digits

Pixels = NDArray[np.uint8]


def printed(count: int, seed: int = 1) -> Digits:
    """Return digits of five fonts, bent a little."""
    images, labels = printed_digits(count, packaged_fonts()[:5], np.random.default_rng(seed))
    return Digits(images, labels)


def write_mnist(folder: Path, train: Digits, test: Digits | None = None, suffix: str = "") -> Path:
    """Write idx files as MNIST has them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, digits in (("train", train), ("t10k", test)):
        if digits is not None:
            write_idx(folder / f"{name}-images-idx3-ubyte{suffix}", digits.images)
            write_idx(folder / f"{name}-labels-idx1-ubyte{suffix}", digits.labels.astype(np.uint8))
    return folder


def written(
    lines: list[str],
    ink: tuple[int, int, int] = (25, 25, 40),
    paper: tuple[int, int, int] = (240, 238, 230),
    size: float = 2.0,
) -> Pixels:
    """Return a picture of lines of text, written with strokes of even width."""
    step = round(45 * size)
    wide = max(cv2.getTextSize(line, cv2.FONT_HERSHEY_SIMPLEX, size, 5)[0][0] for line in lines) + 60
    picture = np.full((step * len(lines) + 40, wide, 3), paper, np.uint8)
    for row, line in enumerate(lines, 1):
        place = (30, step * row)
        cv2.putText(picture, line, place, cv2.FONT_HERSHEY_SIMPLEX, size, ink, 5, cv2.LINE_AA)
    return picture
