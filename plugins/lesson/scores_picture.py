"""ROC and precision-recall curves side by side, with the best threshold marked. Drawn by the worker."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from plugins.lesson.scores import CurveWords, Threshold
from shared.canvas import DARK, Canvas, Colour
from shared.fonts import BOLD, forget_words

SIDE: Final = 330
LEFT: Final = 62
TOP: Final = 100
GAP: Final = 84
MOST: Final = 600
"""Points of a curve that are drawn; of more, some are left out."""
Points = Sequence[tuple[float, float]]


def draw(
    positive: NDArray[np.bool_],
    score: NDArray[np.float64],
    roc_auc: float,
    average_precision: float,
    best: Threshold,
    words: CurveWords,
) -> bytes:
    """Return both curves as PNG."""
    from sklearn.metrics import precision_recall_curve, roc_curve

    false_alarms, found, _ = roc_curve(positive, score)
    precision, recall, _ = precision_recall_curve(positive, score)
    share = float(positive.mean())
    theme = DARK
    canvas = Canvas(LEFT + 2 * SIDE + GAP + 26, TOP + SIDE + 92, theme)
    second = LEFT + SIDE + GAP
    try:
        chosen = (best.fp / max(1, best.fp + best.tn), best.tp / max(1, best.tp + best.fn))
        _panel(canvas, LEFT, words.roc.format(area=f"{roc_auc:.3f}"), words.false_alarms, words.recall)
        _curve(canvas, LEFT, [(0.0, 0.0), (1.0, 1.0)], theme.faint, 1.5)
        _curve(canvas, LEFT, _thinned(false_alarms, found), theme.warm, 3)
        _mark(canvas, LEFT, chosen)
        _panel(
            canvas, second, words.pr.format(area=f"{average_precision:.3f}"), words.recall, words.precision
        )
        _curve(canvas, second, [(0.0, share), (1.0, share)], theme.faint, 1.5)
        # A step of recall is reached at once: the curve is not joined by slopes, which would promise too much.
        _curve(canvas, second, _steps(_thinned(recall[::-1], precision[::-1])), theme.cool, 3)
        _mark(canvas, second, (chosen[1], best.tp / max(1, best.tp + best.fp)))
        y = TOP + SIDE + 76
        canvas.line((LEFT, y - 5), (LEFT + 26, y - 5), theme.faint, 1.5)
        x = LEFT + 34 + canvas.text((LEFT + 34, y), words.chance, 16, theme.faint, room=SIDE)
        _diamond(canvas, x + 32, y - 5)
        canvas.text((x + 46, y), words.chosen, 16, theme.faint, room=canvas.wide - x - 60)
        return canvas.png()
    finally:
        forget_words()


def _panel(canvas: Canvas, left: float, title: str, across: str, up: str) -> None:
    theme = canvas.theme
    canvas.text((left, 40), title, 21, weight=BOLD, room=SIDE + GAP / 2)
    canvas.text((left, TOP - 16), f"↑ {up}", 16, theme.faint, room=SIDE)
    canvas.box((left, TOP, left + SIDE, TOP + SIDE), theme.panel, 4)
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, y = left + SIDE * share, TOP + SIDE * (1 - share)
        canvas.line((left, y), (left + SIDE, y), theme.track)
        canvas.line((x, TOP), (x, TOP + SIDE), theme.track)
        canvas.text((left - 8, y + 6), f"{share:.0%}", 15, theme.faint, align=1)
        canvas.text((x, TOP + SIDE + 22), f"{share:.0%}", 15, theme.faint, align=0.5)
    canvas.text((left + SIDE, TOP + SIDE + 46), f"{across} →", 16, theme.faint, align=1, room=SIDE)


def _curve(canvas: Canvas, left: float, points: Points, colour: Colour, thick: float) -> None:
    placed = [(left + SIDE * x, TOP + SIDE * (1 - y)) for x, y in points]
    for start, end in pairwise(placed):
        canvas.line(start, end, colour, thick)


def _mark(canvas: Canvas, left: float, at: tuple[float, float]) -> None:
    _diamond(canvas, left + SIDE * at[0], TOP + SIDE * (1 - at[1]))


def _diamond(canvas: Canvas, x: float, y: float) -> None:
    for radius, colour in ((10.0, canvas.theme.ground), (7.0, canvas.theme.ink)):
        canvas.polygon([(x - radius, y), (x, y - radius), (x + radius, y), (x, y + radius)], colour)


def _thinned(x: NDArray[np.float64], y: NDArray[np.float64]) -> Points:
    kept = np.unique(np.linspace(0, len(x) - 1, min(MOST, len(x))).astype(int))
    return [(float(a), float(b)) for a, b in zip(x[kept], y[kept], strict=True)]


def _steps(points: Points) -> Points:
    stairs = [points[0]]
    for before, after in pairwise(points):
        stairs += [(before[0], after[1]), after]
    return stairs
