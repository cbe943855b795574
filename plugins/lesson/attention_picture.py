"""Heat maps with words on both sides, one or several beside each other. Drawn by the worker."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from shared.canvas import DARK, Canvas, mix
from shared.fonts import BOLD, REGULAR, face, fit, forget_words, printable, runs, width

WIDE: Final = 800
PAD: Final = 24
GAP: Final = 26
TOP: Final = 88
LABEL: Final = 16
LONGEST: Final = 116
"""Pixels of a word beside or below a grid at most."""
CORNER: Final = 56
"""Pixels that the word in the corner needs."""
LARGEST: Final = 64
"""Pixels of a cell at most."""
NUMBERED: Final = 27
"""From how many pixels of a cell on its figure is written in it."""


@dataclass(frozen=True)
class Grid:
    """Values of 0 to 1 between words (rows) and the same words (columns). What is below 0 is drawn as 0."""

    title: str
    labels: Sequence[str]
    values: NDArray[np.float64]
    rows: str = ""
    columns: str = ""
    percent: bool = False


def draw(grids: Sequence[Grid]) -> bytes:
    """Return grids of the same words as PNG, the words to the left of the first and below each."""
    labels = [fit(printable(label), LABEL, LONGEST) for label in grids[0].labels]
    try:
        return _drawn(grids, labels)
    finally:
        forget_words()


def _drawn(grids: Sequence[Grid], labels: Sequence[str]) -> bytes:
    count, theme = len(labels), DARK
    longest = max(width(label, LABEL) for label in labels)
    left = PAD + max(longest, CORNER if grids[0].rows else 0.0) + 10
    room = (WIDE - left - PAD - GAP * (len(grids) - 1)) / len(grids)
    cell = min(room / count, LARGEST)
    side = cell * count
    lying = longest <= cell - 4
    below = 26 if lying else longest + 14
    across = bool(grids[0].columns)
    top = TOP + (26 if across else 0)
    canvas = Canvas(WIDE, round(top + side + below + PAD / 2), theme)
    standing: list[tuple[float, float, str]] = []
    for number, grid in enumerate(grids):
        x = left + number * (side + GAP)
        begin = PAD if len(grids) == 1 else x
        wide = WIDE - begin - PAD if number + 1 == len(grids) else side + GAP - 8
        canvas.text((begin, 44), grid.title, 22, weight=BOLD, room=wide)
        if across:
            canvas.text((PAD, top - 14), f"{grid.rows} ↓", 15, theme.faint, room=left - PAD - 4)
            canvas.text((x, top - 14), f"{grid.columns} →", 15, theme.faint, room=side)
        for row, label in enumerate(labels):
            if number == 0:
                canvas.text((x - 10, top + (row + 0.5) * cell + 6), label, LABEL, align=1)
            middle = x + (row + 0.5) * cell
            if lying:
                canvas.text((middle, top + side + 20), label, LABEL, align=0.5)
            else:
                standing.append((middle, top + side + 8, label))
            for column in range(count):
                _cell(canvas, grid, row, column, (x, top), cell)
    with Image.open(io.BytesIO(canvas.png())) as drawn:
        picture = drawn.convert("RGB")
    for middle, y, label in standing:
        _stand(picture, label, middle, y)
    out = io.BytesIO()
    picture.save(out, "PNG", compress_level=1)
    return out.getvalue()


def _cell(
    canvas: Canvas, grid: Grid, row: int, column: int, corner: tuple[float, float], size: float
) -> None:
    theme = canvas.theme
    value = min(max(float(grid.values[row, column]), 0.0), 1.0)
    x, y = corner[0] + column * size, corner[1] + row * size
    # The root lets small shares be told from none.
    fill = mix(theme.panel, theme.warm, value**0.6)
    canvas.box((x + 0.75, y + 0.75, x + size - 0.75, y + size - 0.75), fill, 3)
    if size < NUMBERED:
        return
    if grid.percent:
        figure = f"{value * 100:.0f}"
    else:
        figure = "1" if value > 0.995 else "0" if value < 0.005 else f"{value:.2f}"[1:]
    ink = (24, 26, 30) if value > 0.5 else theme.ink if value > 0.02 else theme.faint
    canvas.text((x + size / 2, y + size / 2 + 5), figure, 15 if size > 34 else 13, ink, align=0.5)


def _stand(picture: Image.Image, label: str, middle: float, top: float) -> None:
    """Write a word from bottom to top, ending under a column."""
    long, high = round(width(label, LABEL)) + 2, LABEL + 8
    strip = Image.new("RGB", (long, high), DARK.ground)
    pen, x = ImageDraw.Draw(strip), 0.0
    for run in runs(label):
        font = face(run.face, LABEL, REGULAR)
        pen.text((x, LABEL + 1), run.text, font=font, fill=DARK.ink, anchor="ls")
        x += font.getlength(run.text)
    turned = strip.rotate(90, expand=True)
    picture.paste(turned, (round(middle - high / 2), round(top)))
