"""Composes pages of handwritten digits as a camera or a screen shows them, to judge the finder from end to end.

Imported by the trainer and the command line only.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from plugins.digits.centring import unit
from plugins.digits.data import Digits
from plugins.digits.ink import Pixels

MOST_LINES: Final = 5
MOST_DIGITS: Final = 9
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Page:
    """A picture, and the lines of digits that are written in it."""

    pixels: Pixels
    lines: list[str]


def compose(digits: Digits, random: np.random.Generator) -> Page:
    """Write rows of the digits on a page of random size, ink and paper, and photograph it in uneven light.

    Digits of one line stand near each other but do not touch; three pages in ten are bright ink on a dark ground.
    """
    high, wide = int(random.integers(500, 900)), int(random.integers(700, 1200))
    side = int(random.integers(28, 80))
    ink, lines, top = np.zeros((high, wide), np.float32), list[str](), 20
    for _ in range(int(random.integers(1, MOST_LINES + 1))):
        if top + 1.4 * side > high:
            break
        lines.append(_line(ink, digits, top, side, random))
        top += int(1.4 * side)
    return Page(photographed(ink, random), lines)


def _line(ink: Floats, digits: Digits, top: int, side: int, random: np.random.Generator) -> str:
    left, line = 20, ""
    for _ in range(int(random.integers(1, MOST_DIGITS + 1))):
        if left + 1.3 * side > ink.shape[1]:
            break
        at = int(random.integers(len(digits)))
        image = unit(digits.images[at])
        columns = np.flatnonzero(image.max(0) > 0.1)
        cut = image[:, columns[0] : columns[-1] + 1]
        scale = side / image.shape[0] * random.uniform(0.9, 1.1)
        sized = np.clip(cv2.resize(cut, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC), 0, 1)
        down = top + int(random.integers(0, max(1, side // 8)))
        place = ink[down : down + sized.shape[0], left : left + sized.shape[1]]
        np.maximum(place, sized[: place.shape[0]], out=place)
        line += str(digits.labels[at])
        left += sized.shape[1] + int(random.integers(2, max(3, side // 3)))
    return line


def photographed(ink: Floats, random: np.random.Generator) -> Pixels:
    """Return ink (0…1) on paper in uneven light, with grain; three in ten are bright on dark."""
    high, wide = ink.shape
    down, right = np.mgrid[:high, :wide].astype(np.float32)
    angle = random.uniform(0, 2 * np.pi)
    light = 0.75 + 0.2 * np.cos(angle) * (down / high - 0.5) + 0.3 * np.sin(angle) * (right / wide - 0.5)
    paper = np.array([1.0, 0.98, 0.93]) * random.uniform(0.85, 1)
    pen = random.uniform(0, 0.35, 3)
    picture = paper * (1 - ink[..., None]) + pen * ink[..., None]
    picture = picture * light[..., None] + random.normal(0, random.uniform(0, 0.03), picture.shape)
    if random.random() < 0.3:
        picture = 1 - picture
    return np.asarray(np.clip(picture, 0, 1) * 255, np.uint8)
