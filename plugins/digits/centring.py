"""Brings ink into the form of MNIST: 20 x 20 at most, its centre of mass in the middle of 28 x 28, bright on dark.

The data set was made so (LeCun et al. 1998), and a network that learned from it reads nothing else well.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE: Final = 28
INNER: Final = 20
FAINT: Final = 0.02
"""Ink below this share of the strongest does not count for the box."""
Floats = NDArray[np.float32]
Images = NDArray[np.uint8]


def centred(ink: Floats) -> Floats:
    """Return 28 x 28 of a crop of ink (any size, 0…1, bright is ink): scaled to fit 20 x 20, centred by mass."""
    rows, columns = np.flatnonzero(ink.max(1) > FAINT), np.flatnonzero(ink.max(0) > FAINT)
    if not len(rows):
        return np.zeros((SIDE, SIDE), np.float32)
    tight = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    high, wide = tight.shape
    scale = INNER / max(high, wide)
    size = (max(1, round(wide * scale)), max(1, round(high * scale)))
    small = cv2.resize(tight, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    return _by_mass(np.clip(small, 0.0, 1.0))


def _by_mass(small: Floats) -> Floats:
    high, wide = small.shape
    total = float(small.sum()) or 1.0
    y = float(small.sum(1) @ np.arange(high)) / total
    x = float(small.sum(0) @ np.arange(wide)) / total
    # To the nearest pixel, as there, and never so far that ink leaves the picture.
    top = min(max(0, round((SIDE - 1) / 2 - y)), SIDE - high)
    left = min(max(0, round((SIDE - 1) / 2 - x)), SIDE - wide)
    out = np.zeros((SIDE, SIDE), np.float32)
    out[top : top + high, left : left + wide] = small
    return out


def unit(values: Images) -> Floats:
    """Return bytes as 0…1."""
    return np.asarray(values.astype(np.float32) / 255, np.float32)


def settled(images: Images) -> Floats:
    """Return n x 28 x 28 in 0…1 of images that may be inverted, dim or off their place; MNIST's stay as they are.

    The ground is the median of the border: where it is bright, the image is turned to its negative. Then the ground
    is taken off and the strongest ink made 1; and where the ink's centre of mass is two pixels or more from the
    middle, the image is moved.
    """
    x = unit(images)
    border = np.concatenate([x[:, 0], x[:, -1], x[:, 1:-1, 0], x[:, 1:-1, -1]], 1)
    ground = np.median(border, 1)[:, None, None]
    inverted = ground > (x.max((1, 2), keepdims=True) + x.min((1, 2), keepdims=True)) / 2
    x = np.where(inverted, 1 - x, x)
    ground = np.where(inverted, 1 - ground, ground)
    x = np.maximum(x - ground, 0)
    # The strongest but a few: specks of noise are not the ink.
    strongest = np.partition(x.reshape(len(x), -1), -5, axis=1)[:, -5][:, None, None]
    x = np.where(strongest > 0.04, np.minimum(x / np.maximum(strongest, 0.04), 1), x)
    return _moved(x.astype(np.float32))


def _moved(x: Floats) -> Floats:
    """Move to the middle what is off it; weak ink, such as noise of the ground, has no say in where that is."""
    strong = np.where(x > 0.5, x, 0)
    total = np.maximum(strong.sum((1, 2)), 1e-6)
    steps = np.arange(SIDE)
    y = (strong.sum(2) @ steps) / total
    z = (strong.sum(1) @ steps) / total
    middle = (SIDE - 1) / 2
    for at in np.flatnonzero((np.hypot(y - middle, z - middle) >= 2) & (strong.sum((1, 2)) > 0)):
        down, right = round(middle - float(y[at])), round(middle - float(z[at]))
        move = np.array([[1, 0, right], [0, 1, down]], np.float32)
        x[at] = cv2.warpAffine(x[at], move, (SIDE, SIDE), flags=cv2.INTER_NEAREST)
    return x
