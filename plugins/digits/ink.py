"""Tells ink from ground in a photo or drawing, whatever the light: several ways, each an answer to be tried.

Imported by the worker and the trainer only: it needs OpenCV.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
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
SKETCH: Final = 320
"""Pixels of the longest side of the copy in which light and shade are looked for."""
WIDEST_STROKE: Final = 0.25
"""Width of a stroke at most, as a share of the shorter side."""
LEANING: Final = 0.4
"""From which skewness on it is plain whether the ink is dark or bright."""
BEYOND_DOUBT: Final = 1.0
UNLIKELY: Final = 0.5
"""What the other way round then counts."""
FLAT: Final = 0.05
"""A picture whose values differ by less holds nothing to see."""
Masks = NDArray[np.bool_]
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Ink:
    """One way to see a picture: how strong the ink is in each pixel (0…1), and which pixels count as ink.

    `prior` is how likely that way is by the picture as a whole.
    """

    strength: Floats
    mask: Masks
    bright: bool
    way: str
    prior: float = 1.0


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
    leaning = _leaning(grey)
    for bright in (False, True):
        turned = smooth if bright else 1 - smooth
        plain = abs(leaning) >= LEANING and bright != (leaning > 0)
        if plain and abs(leaning) >= BEYOND_DOUBT:
            continue
        for ink in (*_by_otsu(turned, bright), *_by_sauvola(turned, bright)):
            yield replace(ink, prior=UNLIKELY if plain else 1.0)


def _by_otsu(turned: Floats, bright: bool) -> Iterator[Ink]:
    """Cut what stands out of its wide surroundings at one threshold (Otsu 1979)."""
    raised = np.maximum(turned - _ground(turned), 0)
    top = float(np.percentile(raised, 99.7))
    if top < FLAT:
        return
    scaled = np.minimum(raised / top, 1)
    level, _ = cv2.threshold((scaled * 255).astype(np.uint8), 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    level = max(level / 255, 0.2)
    mask, strength = scaled > level, _strength(scaled, level)
    # The middle of what is wider than a stroke was taken for ground.
    wide = _enclosed(~mask & (_between(turned, mask, min(turned.shape) // 2 | 1) > 0.9))
    yield Ink(np.where(wide, 1, strength).astype(np.float32), mask | wide, bright, "otsu")


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
    # Inside of what is wider than the window the mask is hollow; what is as strong as the ink near it is ink too.
    strength = _between(turned, mask, 4 * side)
    filled = mask | _enclosed(~mask & (strength > 0.9))
    yield Ink(
        np.where(filled, np.maximum(strength, 0.5), np.minimum(strength, 0.5)), filled, bright, "sauvola"
    )


def _enclosed(mask: Masks) -> Masks:
    """Return a mask without the pieces at the picture's edge, which are shade and not ink."""
    _, numbered = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    edge = np.concatenate([numbered[0], numbered[-1], numbered[:, 0], numbered[:, -1]])
    return np.asarray(mask & ~np.isin(numbered, np.unique(edge)))


def _between(turned: Floats, mask: Masks, side: int) -> Floats:
    """Return how far each pixel is from the ground to the ink near it, which are averages outside and inside a mask."""
    inside = mask.astype(np.float32)

    def mean(weight: Floats) -> Floats:
        whole = cv2.boxFilter(weight, cv2.CV_32F, (side, side), borderType=cv2.BORDER_REFLECT)
        share = cv2.boxFilter(turned * weight, cv2.CV_32F, (side, side), borderType=cv2.BORDER_REFLECT)
        return np.asarray(share / np.maximum(whole, 1e-4), np.float32)

    ink, ground = mean(inside), mean(1 - inside)
    apart = np.maximum(ink - ground, FLAT)
    return np.asarray(np.clip(((turned - ground) / apart - 0.2) / 0.6, 0, 1), np.float32)


def _strength(scaled: Floats, level: float) -> Floats:
    """Return full ink from well above the threshold on, and none from half the threshold down."""
    low, high = level * 0.5, level + (1 - level) * 0.4
    return np.asarray(np.clip((scaled - low) / (high - low), 0, 1), np.float32)


def _ground(turned: Floats) -> Floats:
    """Return the ground: what is left when all that is bright and thinner than a quarter of the picture is taken off.

    Light and shade stay in it, strokes do not (morphological opening, on a small copy).
    """
    high, wide = turned.shape
    scale = min(1.0, SKETCH / max(high, wide))
    size = (max(1, round(wide * scale)), max(1, round(high * scale)))
    small = cv2.medianBlur(cv2.resize(turned, size, interpolation=cv2.INTER_AREA), 3)
    side = max(3, round(min(size) * WIDEST_STROKE)) | 1
    opened = cv2.morphologyEx(
        small, cv2.MORPH_OPEN, np.ones((side, side), np.uint8), borderType=cv2.BORDER_REPLICATE
    )
    smooth = cv2.GaussianBlur(opened, (0, 0), side / 8)
    return np.asarray(cv2.resize(smooth, (wide, high), interpolation=cv2.INTER_LINEAR), np.float32)


def _leaning(grey: Floats) -> float:
    """Return the skewness of a picture without its light: below 0 where little is dark on much that is bright."""
    small = cv2.resize(
        grey, (min(SKETCH, grey.shape[1]), min(SKETCH, grey.shape[0])), interpolation=cv2.INTER_AREA
    )
    side = max(3, min(small.shape) // 2) | 1
    rest = small - cv2.blur(small, (side, side), borderType=cv2.BORDER_REPLICATE)
    rest -= np.median(rest)
    return float((rest**3).mean() / max(float((rest**2).mean()) ** 1.5, 1e-9))
