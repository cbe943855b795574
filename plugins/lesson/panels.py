"""Pictures of the same points side by side, each named, with groups told apart. Drawn by the worker."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared.canvas import DARK, Canvas
from shared.fonts import BOLD, fit, forget_words, printable, width
from shared.plots import COLOURS, colour_of

Floats = NDArray[np.float64]
SIDE: Final = 380
PAD: Final = 24
GAP: Final = 20
HEAD: Final = 78
ABOVE: Final = 46
"""Pixels above a panel, for its name."""
BELOW: Final = 50
"""Pixels below it, for what is said of it."""
INSET: Final = 16
NAME: Final = 20
NAMED: Final = 12
"""Groups at most whose names are written on their points."""


@dataclass(frozen=True)
class Panel:
    """One picture: a name, a line below, and places (n, 2) with a group each; -1: none.

    `marked` is the place of a point that is ringed, `names` are written on the groups.
    """

    name: str
    below: str
    places: Floats
    groups: Sequence[int]
    names: Sequence[str] = ()
    marked: int | None = None


def side_by_side(title: str, rows: Sequence[Sequence[Panel]]) -> bytes:
    """Draw rows of panels; return a PNG."""
    across = max(len(row) for row in rows)
    wide = 2 * PAD + across * SIDE + (across - 1) * GAP
    canvas = Canvas(wide, HEAD + len(rows) * (ABOVE + SIDE + BELOW) + 4, DARK)
    try:
        canvas.text((PAD, 54), title, 32, weight=BOLD, room=wide - 2 * PAD)
        for down, row in enumerate(rows):
            for at, panel in enumerate(row):
                _panel(canvas, panel, PAD + at * (SIDE + GAP), HEAD + down * (ABOVE + SIDE + BELOW) + ABOVE)
        return canvas.png()
    finally:
        forget_words()


def _panel(canvas: Canvas, panel: Panel, left: float, top: float) -> None:
    canvas.text((left, top - 14), panel.name, 27, weight=BOLD, room=SIDE)
    canvas.text((left, top + SIDE + 30), panel.below, 23, DARK.faint, room=SIDE)
    canvas.box((left, top, left + SIDE, top + SIDE), DARK.panel, 10)
    low, high = panel.places.min(axis=0), panel.places.max(axis=0)
    # One scale for both axes: else what is round would not look so.
    half = max(float((high - low).max()) / 2, 1e-9)
    spread = (panel.places - (low + high) / 2) / half * (SIDE / 2 - INSET)
    places = [(left + SIDE / 2 + float(x), top + SIDE / 2 - float(y)) for x, y in spread]
    radius = 5.0 if len(places) <= 250 else 3.8
    # Those of no group below, then turn by turn, so that no group hides another.
    for at in sorted(range(len(places)), key=lambda at: (panel.groups[at] >= 0, at * 7919 % len(places))):
        _mark(canvas, *places[at], radius, panel.groups[at])
    if panel.marked is not None:
        x, y = places[panel.marked]
        canvas.disc(x, y, radius + 8, DARK.ink)
        canvas.disc(x, y, radius + 4, DARK.panel)
        _mark(canvas, x, y, radius + 1, panel.groups[panel.marked])
    if panel.names:
        _names(canvas, panel, np.array(places), (left, top))


def _mark(canvas: Canvas, x: float, y: float, radius: float, group: int) -> None:
    """Draw a point: a disc, a square where colours come again, and a small cross where it is of no group."""
    if group < 0:
        arm = radius * 0.8
        canvas.line((x - arm, y - arm), (x + arm, y + arm), DARK.faint, 1.5)
        canvas.line((x - arm, y + arm), (x + arm, y - arm), DARK.faint, 1.5)
    elif group // len(COLOURS) % 2:
        canvas.box((x - radius, y - radius, x + radius, y + radius), colour_of(group, DARK))
    else:
        canvas.disc(x, y, radius, colour_of(group, DARK))


def _names(canvas: Canvas, panel: Panel, places: Floats, corner: tuple[float, float]) -> None:
    """Write each group's name over its points, lower where another is there already."""
    groups = np.array(panel.groups)
    taken: list[tuple[float, float, float]] = []
    tall = 27.0
    for group, name in enumerate(panel.names[:NAMED]):
        if not (groups == group).any():
            continue
        shown = fit(printable(name), NAME, 130, BOLD)
        wide = width(shown, NAME, BOLD) + 14
        own = places[groups == group]
        x, y = float(np.median(own[:, 0])), float(np.quantile(own[:, 1], 0.2)) - tall / 2 - 6
        x = min(max(x, corner[0] + wide / 2 + 3), corner[0] + SIDE - wide / 2 - 3)
        y = min(max(y, corner[1] + tall / 2 + 3), corner[1] + SIDE - tall / 2 - 3)
        while any(abs(x - a) < (wide + w) / 2 and abs(y - b) < tall for a, b, w in taken):
            y += 4
        taken.append((x, y, wide))
        canvas.box(
            (x - wide / 2 - 2, y - tall / 2 - 2, x + wide / 2 + 2, y + tall / 2 + 2),
            colour_of(group, DARK),
            8,
        )
        canvas.box((x - wide / 2, y - tall / 2, x + wide / 2, y + tall / 2), DARK.ground, 6)
        canvas.text((x, y + 7), shown, NAME, weight=BOLD, align=0.5)
