"""Draws losses over epochs, with what was found marked in them, and the key figures of a version below.

Drawn by the worker and the command line; see `shared.drawing`.
"""

import math
from itertools import pairwise
from typing import Final

from shared.canvas import Canvas, Theme
from shared.charts import Losses, Measured
from shared.fonts import BOLD, fit, printable, width
from shared.plots import colour_of
from shared.training_report_scale import Scale

WIDTH: Final = 900
PAD: Final = 28
LEFT: Final = 104
HIGH: Final = 360
TITLE: Final = 25
LABEL: Final = 19
ROW: Final = 62
MOST_CURVES: Final = 4
MOST_EPOCHS: Final = 10_000
MOST_MARKS: Final = 8
MOST_FIGURES: Final = 12


def losses(chart: Losses, theme: Theme) -> Canvas:
    """Draw curves, marks and figures. Raises `ValueError` where the parts do not fit each other."""
    epochs = max(map(len, chart.values), default=0)
    if len(chart.labels) != len(chart.values) or len(chart.labels) > MOST_CURVES or epochs > MOST_EPOCHS:
        raise ValueError(f"{len(chart.labels)} names for {len(chart.values)} curves of {epochs} epochs")
    if len(chart.figures) > MOST_FIGURES or len(chart.marks) > MOST_MARKS:
        raise ValueError(f"{len(chart.figures)} figures, {len(chart.marks)} marks")
    if not all(math.isfinite(v) for each in chart.figures for v in (each.value, each.low, each.high)):
        raise ValueError("a figure is not finite")
    top = 66 + 30 * len(chart.notes)
    # The names of the curves, and a line for each mark, so that none lies over another.
    head = 40 + 26 * len(chart.marks) if epochs else 0
    plot = head + HIGH + 70 if epochs else 8
    canvas = Canvas(WIDTH, top + plot + ROW * len(chart.figures) + PAD, theme)
    canvas.text((PAD, 50), chart.title, TITLE, weight=BOLD, room=WIDTH - 2 * PAD)
    for at, note in enumerate(chart.notes):
        canvas.text((PAD, 82 + 30 * at), note, LABEL, theme.faint, room=WIDTH - 2 * PAD)
    if epochs:
        _curves(canvas, chart, epochs, top, head)
    for at, figure in enumerate(chart.figures):
        _figure(canvas, figure, top + plot + ROW * at, theme)
    return canvas


def _curves(canvas: Canvas, chart: Losses, epochs: int, top: float, head: float) -> None:
    theme = canvas.theme
    left, right, upper = float(LEFT), float(WIDTH - PAD - 8), top + head
    ground = upper + HIGH
    scale = Scale.of(value for values in chart.values for value in values)
    x = left
    for at, label in enumerate(chart.labels):
        canvas.line((x, top + 16), (x + 26, top + 16), colour_of(at, theme), 4)
        x += 36 + canvas.text((x + 34, top + 23), label, LABEL, weight=BOLD, room=300) + 24
    for tick in scale.ticks:
        y = ground - HIGH * scale.share(tick)
        canvas.line((left, y), (right, y), theme.track)
        canvas.text((left - 10, y + 7), scale.label(tick), LABEL, theme.faint, align=1)

    def across(epoch: int) -> float:
        return left + (right - left) * ((epoch - 1) / (epochs - 1) if epochs > 1 else 0.5)

    for epoch in _epochs_named(epochs):
        canvas.text((across(epoch), ground + 30), str(epoch), LABEL, theme.faint, align=0.5)
    canvas.text((right, ground + 56), f"{chart.epoch_label} →", LABEL, theme.faint, align=1, room=300)
    canvas.text((left, ground + 56), f"↑ {chart.loss_label}", LABEL, theme.faint, room=300)
    for at, mark in enumerate(chart.marks):
        x, y = across(min(max(mark.epoch, 1), epochs)), top + 54 + 26 * at
        _dashed(canvas, x, y + 8, ground)
        said = f"{mark.label} ({mark.epoch})"
        long = width(printable(said), LABEL, BOLD)
        leftwards = x + 8 + long > right
        canvas.text(
            (x - 8 if leftwards else x + 8, y + 4), said, LABEL, weight=BOLD, align=1 if leftwards else 0
        )
        canvas.disc(x, y - 3, 5, theme.ink)
    for at, values in enumerate(chart.values):
        points = [
            (across(epoch), ground - HIGH * scale.share(value)) if math.isfinite(value) else None
            for epoch, value in enumerate(values, 1)
        ]
        colour = colour_of(at, theme)
        for one, other in pairwise(points):
            if one is not None and other is not None:
                canvas.line(one, other, colour, 3 if len(points) <= 500 else 2)
        if len(points) <= 40:
            for point in points:
                if point is not None:
                    canvas.disc(*point, 4, colour)


def _dashed(canvas: Canvas, x: float, top: float, bottom: float) -> None:
    y = top
    while y < bottom:
        canvas.line((x, y), (x, min(y + 7, bottom)), canvas.theme.faint, 2)
        y += 13


def _epochs_named(epochs: int) -> list[int]:
    """Return about six epochs to write below: the first, the last, and round ones between."""
    if epochs <= 8:
        return list(range(1, epochs + 1))
    power = 10 ** math.floor(math.log10(epochs / 5))
    step = next(power * times for times in (1, 2, 5, 10) if power * times >= epochs / 5)
    between = [epoch for epoch in range(step, epochs, step) if step / 3 < epoch < epochs - step / 3]
    return [1, *between, epochs]


def _figure(canvas: Canvas, figure: Measured, top: float, theme: Theme) -> None:
    """Write a figure and its interval; where it is a share, as a point on a line too, with those beside it."""
    left, right = float(PAD), float(WIDTH - PAD)
    said = f"{figure.value:.4g} ({figure.low:.4g} – {figure.high:.4g})"
    long = canvas.text((right, top + 22), said, LABEL, weight=BOLD, align=1)
    canvas.text((left, top + 22), figure.name, LABEL, weight=BOLD, room=right - left - long - 24)
    beside = " · ".join(f"{fit(printable(name), LABEL, 330)} {value:.4g}" for name, value in figure.beside)
    if beside:
        canvas.text((left, top + 48), beside, LABEL - 2, theme.faint, room=520)
    values = [figure.value, figure.low, figure.high, *(value for _, value in figure.beside)]
    if not all(0 <= value <= 1 for value in values):
        return
    start, room, y = 570.0, right - 570.0, top + 42
    canvas.box((start, y - 3, right, y + 3), theme.track, 3)
    canvas.box((start + room * figure.low, y - 5, start + room * figure.high + 1, y + 5), theme.cool, 4)
    for _, value in figure.beside:
        x = start + room * value
        canvas.polygon([(x - 6, y), (x, y - 7), (x + 6, y), (x, y + 7)], theme.faint)
    canvas.disc(start + room * figure.value, y, 6, theme.warm)
