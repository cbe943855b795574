"""Lays a map of what decided over a picture. Imported by the worker only: it needs Pillow."""

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shared.pictures import encode

if TYPE_CHECKING:
    from shared.pictures import Pixels

LONGEST: Final = 640
OUTSIDE: Final = 0.35
"""Brightness of what the network did not look at."""
GROUND: Final = 0.6
STRONGEST: Final = 0.72
# From dark to bright, so that it reads in grey and with any colour blindness (after matplotlib's inferno).
STOPS: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
REDS: Final = (20, 87, 188, 249, 252)
GREENS: Final = (11, 16, 55, 142, 255)
BLUES: Final = (53, 110, 84, 9, 164)


def heated(pixels: "Pixels", heat: NDArray[np.float32], window: tuple[float, float, float, float]) -> bytes:
    """Return a JPEG of a picture with a map (h x w, 0 to 1) over the window that was looked at; the rest is darker.

    `window` is left, top, right, bottom in pixels of the picture.
    """
    high, wide = pixels.shape[:2]
    scale = LONGEST / max(high, wide)
    size = (max(1, round(wide * scale)), max(1, round(high * scale)))
    picture = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC)).astype(np.float32)
    left, top, right, bottom = (round(edge * scale) for edge in window)
    right, bottom = max(right, left + 1), max(bottom, top + 1)
    smooth = np.asarray(
        Image.fromarray(heat).resize((right - left, bottom - top), Image.Resampling.BICUBIC)
    ).clip(0, 1)
    shown = picture * OUTSIDE
    inside = picture[top:bottom, left:right]
    smooth = smooth[: inside.shape[0], : inside.shape[1]]
    colour = np.stack([np.interp(smooth, STOPS, channel) for channel in (REDS, GREENS, BLUES)], -1)
    cover = (STRONGEST * np.sqrt(smooth))[..., None]
    # Where little decided, the picture itself shows, in grey.
    grey = inside.mean(-1, keepdims=True) * GROUND
    shown[top:bottom, left:right] = grey * (1 - cover) + (0.35 * inside + 0.65 * colour) * cover
    return encode(shown.clip(0, 255).astype(np.uint8), "jpeg", 88)
