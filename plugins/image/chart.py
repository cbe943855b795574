"""Draws a picture beside its most probable classes, in one image. Imported by the worker only: it needs Pillow."""

import io
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from plugins.image.model import Guess, Words
from shared.canvas import DARK, Canvas, mix
from shared.fonts import BOLD, forget_words, width
from shared.pictures import encode

if TYPE_CHECKING:
    from shared.pictures import Pixels

PAD: Final = 24
PANEL: Final = 352
BARS: Final = 480
ROW: Final = 62
NAME: Final = 19
OTHER: Final = 15
FIGURE: Final = 92
"""Pixels that a probability takes beside its bar."""
SMALL: Final = 320
SMALL_BYTES: Final = 45_000
QUALITIES: Final = (85, 72, 58, 40, 25)


def beside(pixels: "Pixels", guesses: list[Guess], known: bool, words: Words) -> bytes:
    """Draw a picture with bars of its guesses, each named in both languages; return a JPEG.

    Bars are grey where nothing is `known`.
    """
    canvas = Canvas(PAD * 3 + PANEL + BARS, PAD * 2 + PANEL, DARK)
    canvas.box((PAD, PAD, PAD + PANEL, PAD + PANEL), DARK.panel, 10)
    left, right = PAD * 2 + PANEL, PAD * 2 + PANEL + BARS
    try:
        canvas.text((left, PAD + 18), words.caption, 16, DARK.faint, room=BARS)
        for row, guess in enumerate(guesses):
            _row(canvas, guess, (left, PAD + 38 + row * ROW, right), row == 0, known, words.chinese)
        with Image.open(io.BytesIO(canvas.png())) as drawn:
            image = drawn.convert("RGB")
    finally:
        forget_words()
    shown = _within(pixels, PANEL)
    place = (PAD + (PANEL - shown.width) // 2, PAD + (PANEL - shown.height) // 2)
    image.paste(shown, place)
    return encode(np.asarray(image), "jpeg", 92)


def small(pixels: "Pixels") -> bytes:
    """Return a picture as a JPEG of 320 pixels and 45 kB at most."""
    shown = np.asarray(_within(pixels, SMALL))
    found = b""
    for quality in QUALITIES:
        found = encode(shown, "jpeg", quality)
        if len(found) <= SMALL_BYTES:
            break
    return found


def _row(
    canvas: Canvas, guess: Guess, place: tuple[float, float, float], first: bool, known: bool, chinese: bool
) -> None:
    left, top, right = place
    weight = BOLD if first else 450
    name, other = guess.name(chinese), guess.other(chinese)
    long = canvas.text((left, top + 20), name, NAME, weight=weight, room=BARS - 8)
    beside = left + long + 12
    if other != name and right - beside > width("…", OTHER) * 3:
        canvas.text((beside, top + 20), other, OTHER, DARK.faint, room=right - beside)
    end = right - FIGURE
    canvas.box((left, top + 31, end, top + 45), DARK.track, 5)
    tone = DARK.warm if first else DARK.cool
    # Never so short that it is not seen.
    reach = left + max((end - left) * guess.probability, 4)
    canvas.box((left, top + 31, reach, top + 45), tone if known else mix(DARK.track, DARK.faint, 0.75), 5)
    canvas.text((right, top + 45), share(guess.probability), 17, weight=weight, align=1)


def share(probability: float) -> str:
    """Write a probability in per cent, never rounded up to certainty or down to nothing."""
    if probability < 0.001:
        return "< 0.1%"
    return "> 99.9%" if probability > 0.999 else f"{probability:.1%}"


def _within(pixels: "Pixels", side: int) -> Image.Image:
    """Scale a picture down, or a tiny one up by whole steps, so that it fits into a square."""
    image = Image.fromarray(pixels)
    scale = min(side / image.width, side / image.height)
    if scale > 1:
        # So that the pixels of a tiny picture stay what they are.
        scale = max(1, int(scale)) if scale >= 2 else 1
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    way = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS
    return image.resize(size, way) if size != image.size else image
