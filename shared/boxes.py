"""Draws boxes with labels on a picture: faces with names, digits with what they were read as."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from shared.canvas import Colour
from shared.fonts import BOLD, face, fit, printable, runs, width
from shared.pictures import Pixels
from shared.reply import Tone

COLOURS: Final[dict[Tone, Colour]] = {
    # Told apart with any colour blindness (Okabe & Ito 2008).
    "good": (0, 158, 115),
    "bad": (213, 94, 0),
    "neutral": (86, 180, 233),
    "unsure": (240, 200, 40),
}
INK: Final[dict[Tone, Colour]] = {
    "good": (255, 255, 255),
    "bad": (255, 255, 255),
    "neutral": (16, 18, 24),
    "unsure": (16, 18, 24),
}
SMALLEST: Final = 480
"""Smaller pictures are enlarged until their longer side has so many pixels: else labels hide what they name."""


class Box(NamedTuple):
    """A box in pixels of the picture it is drawn on, with words above it."""

    left: float
    top: float
    right: float
    bottom: float
    label: str = ""
    tone: Tone = "neutral"


def boxed(pixels: Pixels, boxes: Sequence[Box], longest: int = 1280) -> Pixels:
    """Return the picture with its boxes, no side longer than `longest`."""
    high, wide = pixels.shape[:2]
    scale = min(longest / max(high, wide), max(1.0, SMALLEST / max(high, wide)))
    size = (max(1, round(wide * scale)), max(1, round(high * scale)))
    image = Image.fromarray(pixels)
    if size != image.size:
        image = image.resize(size, Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(image)
    thick = max(2, round(max(size) / 400))
    text = max(13, round(max(size) / 55))
    for box in boxes:
        left, top, right, bottom = (value * scale for value in box[:4])
        corners = (min(left, right), min(top, bottom), max(left, right), max(top, bottom))
        pen.rectangle(corners, outline=COLOURS[box.tone], width=thick)
    # Labels last: a box never hides the words of another.
    for box in boxes:
        if box.label:
            _label(pen, box, scale, size, text, thick)
    return np.array(image, dtype=np.uint8)


def _label(
    pen: ImageDraw.ImageDraw, box: Box, scale: float, size: tuple[int, int], text: int, thick: int
) -> None:
    shown = fit(printable(box.label).replace("\n", " "), text, size[0] / 2, BOLD)
    long, tall = width(shown, text, BOLD) + 2 * thick + 4, round(text * 1.35)
    x = min(max(0.0, box.left * scale), max(0.0, size[0] - long))
    above = box.top * scale - tall
    # Inside where there is no room above.
    y = above if above >= 0 else min(box.top * scale, size[1] - tall)
    pen.rectangle((x, y, x + long, y + tall), fill=COLOURS[box.tone])
    at = x + thick + 2
    for run in runs(shown):
        font = face(run.face, text, BOLD)
        pen.text((at, y + tall * 0.76), run.text, font=font, fill=INK[box.tone], anchor="ls")
        at += font.getlength(run.text)
