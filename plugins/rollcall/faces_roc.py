"""Draws the curve of verification: what share of strangers, and of photos of one person, a threshold lets in."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from shared.canvas import LIGHT, Canvas

SIDE: Final = 360
LEFT, TOP, RIGHT, BOTTOM = 64, 44, 24, 56
TICKS: Final = (0.0, 0.25, 0.5, 0.75, 1.0)


def roc_png(points: Sequence[tuple[float, float, float]], threshold: float, title: str) -> bytes:
    """Return a PNG of the ROC; `points` as `match_figures.roc` gives them, a disc at the threshold."""
    canvas = Canvas(LEFT + SIDE + RIGHT, TOP + SIDE + BOTTOM, LIGHT)
    ink, faint = LIGHT.ink, LIGHT.faint

    def place(false: float, true: float) -> tuple[float, float]:
        return LEFT + false * SIDE, TOP + (1 - true) * SIDE

    canvas.text((LEFT, TOP - 18), title, 15, ink, room=SIDE)
    for tick in TICKS:
        canvas.line(place(tick, 0), place(tick, 1), LIGHT.track)
        canvas.line(place(0, tick), place(1, tick), LIGHT.track)
        x, y = place(tick, 0)
        canvas.text((x, y + 18), f"{tick:g}", 12, faint, align=0.5)
        x, y = place(0, tick)
        canvas.text((x - 8, y + 4), f"{tick:g}", 12, faint, align=1.0)
    canvas.line(place(0, 0), place(1, 1), LIGHT.track, 2)
    steps = [(0.0, 0.0), *((false, true) for _, false, true in points)]
    for one, other in pairwise(steps):
        canvas.line(place(*one), place(*other), LIGHT.cool, 3)
    within = [(0.0, 0.0), *((false, true) for distance, false, true in points if distance <= threshold)]
    canvas.disc(*place(*within[-1]), 6, LIGHT.warm)
    x, y = place(*within[-1])
    canvas.text((x + 14, y + 18), f"threshold {threshold:g}", 13, LIGHT.warm)
    canvas.text((LEFT + SIDE / 2, TOP + SIDE + 42), "share of strangers accepted", 13, ink, align=0.5)
    canvas.text((8, TOP - 18), "accepted", 12, faint)
    return canvas.png()
