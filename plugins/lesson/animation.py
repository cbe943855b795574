"""The boundary between two kinds of points while it is learned, beside the accuracy: a GIF. Drawn by the worker."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from plugins.lesson.perceptrons import PictureWords
from shared.canvas import DARK, SMOOTH, Canvas, Colour, mix
from shared.fonts import BOLD, REGULAR, face, fit, forget_words, printable, runs, width

Floats = NDArray[np.float64]
Field = Callable[[Floats], Floats]
"""What is answered at places, (n, 2): 0 to 1."""
WIDE: Final = 840
HIGH: Final = 486
PAD: Final = 24
TOP: Final = 92
SIDE: Final = 320
"""Pixels of the plane's side, and of the curve's height."""
LEFT: Final = 452
"""Where the curve begins."""
RIGHT: Final = WIDE - 40
FINE: Final = 2
"""Pixels of a side of the plane that share one computed answer, before they are smoothed."""
BANDS: Final = 11
MOST_FRAMES: Final = 48
FRAME_MS: Final = 110
LAST_MS: Final = 4000
COLOURS: Final = 96


@dataclass(frozen=True)
class Film:
    """What is shown: points, their kinds (0 or 1, called `names`), the answer after some epochs, curves over all."""

    places: Floats
    kinds: NDArray[np.int64]
    frames: Sequence[tuple[int, Field]]
    accuracy: Sequence[float]
    words: PictureWords
    axes: tuple[str, str]
    names: Sequence[str]
    loss: Sequence[float] = ()

    @cached_property
    def bounds(self) -> tuple[Floats, Floats]:
        """The lower left and the upper right corner of the plane: a square around all points."""
        low, high = self.places.min(axis=0), self.places.max(axis=0)
        half = max(float((high - low).max()) / 2, 1e-9) * 1.3
        middle = (low + high) / 2
        return middle - half, middle + half


def chosen_epochs(last: int, most: int = MOST_FRAMES) -> list[int]:
    """Return which epochs of 0…`last` are shown: the first ones densely, for there most happens; the last always."""
    if last < most:
        return list(range(last + 1))
    shares = np.linspace(0, 1, most) ** 2
    return sorted({round(share * last) for share in shares})


def animate(film: Film) -> bytes:
    """Return the film as a GIF that repeats, its last picture held for four seconds."""
    try:
        ground = _ground(film)
        marks, mask = _marks(film)
        pictures = [_picture(film, ground, marks, mask, epoch, field) for epoch, field in film.frames]
    finally:
        forget_words()
    # One palette for all, of the last picture, which has every colour: so only what changes is stored.
    palette = pictures[-1].quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    flat = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    out = io.BytesIO()
    flat[0].save(
        out, "GIF", save_all=True, append_images=flat[1:], loop=0, optimize=False,
        duration=[FRAME_MS] * (len(flat) - 1) + [LAST_MS],
    )  # fmt: skip
    return out.getvalue()


def _ground(film: Film) -> Image.Image:
    """Draw what stays the same: title, names, axes."""
    words, theme = film.words, DARK
    canvas = Canvas(WIDE, HIGH, theme)
    canvas.text((PAD, 46), words.title, 24, weight=BOLD, room=WIDE - 2 * PAD)
    for at, (kind, colour) in enumerate(zip(film.names, (theme.cool, theme.warm), strict=True)):
        x = PAD + at * SIDE / 2
        _mark(canvas, x + 8, TOP - 16, 7, at, colour)
        canvas.text((x + 22, TOP - 9), kind, 19, room=SIDE / 2 - 30)
    canvas.text((PAD + SIDE / 2, TOP + SIDE + 30), film.axes[0], 19, theme.faint, align=0.5, room=SIDE)
    canvas.text((PAD + SIDE + 8, TOP + SIDE / 2), film.axes[1], 19, theme.faint, room=LEFT - PAD - SIDE - 60)
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = TOP + SIDE * (1 - share)
        canvas.line((LEFT, y), (RIGHT, y), theme.track)
        canvas.text((LEFT - 8, y + 7), f"{share:.0%}", 17, theme.faint, align=1)
    last = len(film.accuracy) - 1
    canvas.text((LEFT, TOP + SIDE + 30), "0", 19, theme.faint)
    canvas.text((RIGHT, TOP + SIDE + 30), f"{last} ({words.epoch})", 19, theme.faint, align=1)
    x = LEFT + canvas.text((LEFT, TOP + SIDE + 58), f"— {words.accuracy}", 19, theme.warm, weight=BOLD) + 24
    if film.loss:
        canvas.text((x, TOP + SIDE + 58), f"— {words.loss}", 19, theme.cool, weight=BOLD, room=RIGHT - x)
    with Image.open(io.BytesIO(canvas.png())) as drawn:
        return drawn.convert("RGB")


def _marks(film: Film) -> tuple[Image.Image, Image.Image]:
    """Draw the points on a square of their own; return them, and where they are."""
    shapes, mask = Canvas(SIDE, SIDE, DARK), Canvas(SIDE, SIDE, DARK)
    radius = 8 if len(film.places) <= 12 else 4.5 if len(film.places) <= 400 else 3
    low, high = film.bounds
    white: Colour = (255, 255, 255)
    mask.box((0, 0, SIDE, SIDE), (0, 0, 0))
    for (x, y), kind in zip((film.places - low) / (high - low) * SIDE, film.kinds, strict=True):
        _mark(shapes, x, SIDE - y, radius + 1.5, int(kind), DARK.ground)
        _mark(mask, x, SIDE - y, radius + 1.5, int(kind), white)
    for (x, y), kind in zip((film.places - low) / (high - low) * SIDE, film.kinds, strict=True):
        _mark(shapes, x, SIDE - y, radius, int(kind), DARK.warm if kind else DARK.cool)
    with Image.open(io.BytesIO(shapes.png())) as drawn, Image.open(io.BytesIO(mask.png())) as where:
        return drawn.convert("RGB"), where.convert("L")


def _mark(canvas: Canvas, x: float, y: float, radius: float, kind: int, colour: Colour) -> None:
    """Draw a point: kind 0 a square, kind 1 a disc, so that colour alone does not tell them apart."""
    if kind:
        canvas.disc(x, y, radius, colour)
    else:
        side = radius * 0.9
        canvas.box((x - side, y - side, x + side, y + side), colour)


def _picture(
    film: Film, ground: Image.Image, marks: Image.Image, mask: Image.Image, epoch: int, field: Field
) -> Image.Image:
    picture = ground.copy()
    picture.paste(_plane(film, field), (PAD, TOP))
    picture.paste(marks, (PAD, TOP), mask)
    curves = [(film.accuracy, DARK.warm), *([(film.loss, DARK.cool)] if film.loss else [])]
    strip = ground.crop((LEFT, TOP - 8, RIGHT + 8, TOP + SIDE + 8))
    strip = strip.resize((strip.width * SMOOTH, strip.height * SMOOTH), Image.Resampling.NEAREST)
    pen = ImageDraw.Draw(strip)
    steps = max(1, len(film.accuracy) - 1)
    for values, colour in reversed(curves):
        line = [
            ((RIGHT - LEFT) * at / steps * SMOOTH, (8 + SIDE * (1 - min(max(value, 0.0), 1.0))) * SMOOTH)
            for at, value in enumerate(values[: epoch + 1])
        ]
        if len(line) > 1:
            pen.line(line, fill=colour, width=3 * SMOOTH, joint="curve")
        x, y = line[-1]
        pen.ellipse((x - 5 * SMOOTH, y - 5 * SMOOTH, x + 5 * SMOOTH, y + 5 * SMOOTH), fill=colour)
    picture.paste(strip.reduce(SMOOTH), (LEFT, TOP - 8))
    words = film.words
    now = f"{words.epoch} {epoch} · {words.accuracy} {film.accuracy[epoch]:.0%}"
    _write(picture, (LEFT, TOP - 20), now, 20, RIGHT - LEFT)
    return picture


def _plane(film: Film, field: Field) -> Image.Image:
    """Draw what is answered everywhere, in bands of equal answers."""
    low, high = film.bounds
    count = SIDE // FINE
    steps = (np.arange(count) + 0.5) / count
    across, up = np.meshgrid(low[0] + steps * (high[0] - low[0]), high[1] - steps * (high[1] - low[1]))
    answers = field(np.column_stack([across.ravel(), up.ravel()])).reshape(count, count)
    smooth = Image.fromarray(answers.astype(np.float32)).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    bands = np.clip(np.asarray(smooth) * BANDS, 0, BANDS - 1).astype(np.uint8)
    shades = [
        mix(mix(DARK.panel, DARK.cool, 0.62), mix(DARK.panel, DARK.warm, 0.62), band / (BANDS - 1))
        for band in range(BANDS)
    ]
    return Image.fromarray(np.array(shades, dtype=np.uint8)[bands])


def _write(picture: Image.Image, at: tuple[float, float], text: str, size: int, room: float) -> None:
    pen, (x, y) = ImageDraw.Draw(picture), at
    weight = BOLD if width(printable(text), size, BOLD) <= room else REGULAR
    for run in runs(fit(printable(text), size, room, weight)):
        font = face(run.face, size, weight)
        pen.text((x, y), run.text, font=font, fill=DARK.ink, anchor="ls")
        x += font.getlength(run.text)
