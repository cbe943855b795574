"""Tells ink from ground in a photo or drawing, whatever the light: several ways, each an answer to be tried.

Imported by the worker and the trainer only: it needs OpenCV.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from plugins.digits.centring import Floats

SMALLEST: Final = 160
"""Pixels of the longest side that a small picture is enlarged to."""
LARGEST: Final = 1400
SAUVOLA: Final = 0.2
SAUVOLA_RANGE: Final = 0.5
FLAT: Final = 0.05
"""A picture whose values differ by less holds nothing to see."""
Masks = NDArray[np.bool_]
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Ink:
    """One way to see a picture: how strong the ink is in each pixel (0…1), and which pixels count as ink."""

    strength: Floats
    mask: Masks
    bright: bool
    way: str


def prepared(pixels: Pixels) -> tuple[Floats, float]:
    """Return one channel of a picture in 0…1, of a size to work with, and by how much it was enlarged.

    That channel is brightness, unless the colours differ far more than it does: then it is their main axis.
    """
    high, wide = pixels.shape[:2]
    longest = max(high, wide)
    scale = min(1.0, LARGEST / longest) if longest >= SMALLEST else SMALLEST / longest
    size = (max(1, round(wide * scale)), max(1, round(high * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    sized = cv2.resize(pixels, size, interpolation=how) if size != (wide, high) else pixels
    colours = sized.astype(np.float32) / 255
    grey = colours @ np.array([0.299, 0.587, 0.114], np.float32)
    sample = colours.reshape(-1, 3)[:: max(1, grey.size // 20_000)]
    spread = np.cov(sample.T) if len(sample) > 1 else np.zeros((3, 3))
    values, axes = np.linalg.eigh(spread)
    if values[-1] > 4 * max(float(grey.var()), 1e-6) and values[-1] > FLAT**2:
        main = colours @ axes[:, -1].astype(np.float32)
        low, high_end = np.percentile(main[:: max(1, len(main) // 400)], [0.5, 99.5])
        grey = np.clip((main - low) / max(float(high_end - low), 1e-6), 0, 1)
    return np.ascontiguousarray(grey, np.float32), scale


def ways(grey: Floats) -> Iterator[Ink]:
    """Yield each way to see the ink: dark on bright and bright on dark, by one threshold and by local ones."""
    smooth = np.asarray(cv2.GaussianBlur(grey, (0, 0), 0.8), np.float32)
    for bright in (False, True):
        turned = smooth if bright else 1 - smooth
        yield from _by_otsu(turned, bright)
        yield from _by_sauvola(turned, bright)


def _by_otsu(turned: Floats, bright: bool) -> Iterator[Ink]:
    """Cut what stands out of its wide surroundings at one threshold (Otsu 1979)."""
    raised = np.maximum(turned - _ground(turned), 0)
    top = float(np.percentile(raised, 99.7))
    if top < FLAT:
        return
    scaled = np.minimum(raised / top, 1)
    level, _ = cv2.threshold((scaled * 255).astype(np.uint8), 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    level = max(level / 255, 0.2)
    yield Ink(_strength(scaled, level), scaled > level, bright, "otsu")


def _by_sauvola(turned: Floats, bright: bool) -> Iterator[Ink]:
    """Cut at a threshold that follows mean and spread of the near surroundings (Sauvola & Pietikäinen 2000)."""
    side = max(15, min(turned.shape) // 8) | 1
    mean = cv2.boxFilter(turned, cv2.CV_32F, (side, side), borderType=cv2.BORDER_REFLECT)
    square = cv2.boxFilter(turned * turned, cv2.CV_32F, (side, side), borderType=cv2.BORDER_REFLECT)
    spread = np.sqrt(np.maximum(square - mean * mean, 0))
    # Sauvola's formula is for dark ink; turned round it asks that ink lie above the mean by a share of the spread.
    level = 1 - (1 - mean) * (1 + SAUVOLA * (spread / SAUVOLA_RANGE - 1))
    mask = (turned > level) & (spread > 0.4 * FLAT)
    if not mask.any():
        return
    contrast = np.maximum(2.5 * spread, FLAT)
    yield Ink(np.clip((turned - level) / contrast + 0.5, 0, 1).astype(np.float32), mask, bright, "sauvola")


def _strength(scaled: Floats, level: float) -> Floats:
    """Return full ink from well above the threshold on, and none from half the threshold down."""
    low, high = level * 0.5, level + (1 - level) * 0.4
    return np.asarray(np.clip((scaled - low) / (high - low), 0, 1), np.float32)


def _ground(turned: Floats) -> Floats:
    """Return the ground: what most of wide surroundings lies above, smooth, as light and shade are."""
    high, wide = turned.shape
    rows = max(1, min(6, min(high, wide) // 24))
    columns = max(1, min(24, round(rows * wide / high)))
    thin = turned[:: max(1, high // 400), :: max(1, wide // 400)]
    bands = [np.array_split(band, columns, axis=1) for band in np.array_split(thin, rows, axis=0)]
    small = np.array([[np.percentile(cell, 30) for cell in band] for band in bands], np.float32)
    # A cell that ink fills takes its ground from its neighbours.
    small = np.minimum(small, cv2.blur(np.pad(small, 1, mode="edge"), (3, 3))[1:-1, 1:-1])
    return np.asarray(cv2.resize(small, (wide, high), interpolation=cv2.INTER_LINEAR), np.float32)
