"""How each chart is drawn. Imported by the worker, the trainer and the command line only.

With Pillow rather than a plotting library: tinted text in any script is set by hand in both, and this way it is crisp,
takes some ten milliseconds, and needs 60 MiB less of the worker's memory.
"""

import math
from typing import Final

from shared.canvas import DARK, LIGHT, Canvas, Colour, Theme, mix
from shared.charts import (
    AnyChart,
    Bars,
    Candles,
    ConfusionMatrix,
    Drawn,
    Highlights,
    Histogram,
    Intervals,
    Lines,
    Losses,
    Reliability,
    Scatter,
)
from shared.fonts import BOLD, fit, forget_words, printable, width
from shared.loss_charts import losses
from shared.plots import lines, scatter
from shared.price_charts import candles, intervals
from shared.typeset import Piece, typeset

WIDTH: Final = 800
PAD: Final = 28
TITLE: Final = 26
LONGEST: Final = 1500
"""Characters of a highlighted text that are shown."""
LINES: Final = 30
BODY: Final = 20
LEADING: Final = 34
MOST_LABELS: Final = 60
MOST_STEPS: Final = 100


def draw(chart: AnyChart) -> Drawn:
    """Draw a chart. Raises `ValueError` where its parts do not fit each other, or it would be too large."""
    theme = DARK if chart.dark else LIGHT
    try:
        match chart:
            case Highlights():
                canvas = _highlights(chart, theme)
            case Bars():
                canvas = _bars(chart, theme)
            case ConfusionMatrix():
                canvas = _confusion(chart, theme)
            case Reliability():
                canvas = _reliability(chart, theme)
            case Histogram():
                canvas = _histogram(chart, theme)
            case Scatter():
                canvas = scatter(chart, theme)
            case Lines():
                canvas = lines(chart, theme)
            case Candles():
                canvas = candles(chart, theme)
            case Intervals():
                canvas = intervals(chart, theme)
            case Losses():
                canvas = losses(chart, theme)
        return Drawn(canvas.png(), canvas.wide, canvas.high)
    finally:
        forget_words()


def _highlights(chart: Highlights, theme: Theme) -> Canvas:
    text = _shown(chart.text)
    weights = _weights(chart.spans, len(text))
    cuts = frozenset(end for span in weights for end in span)
    lines = typeset(text, BODY, WIDTH - 4 * PAD + 6, LINES, cuts)
    top = 96 if chart.gauge is None else 138
    high = top + 2 * 18 + LEADING * len(lines) + PAD
    legend = bool(chart.positive_label and chart.gauge is None and chart.spans)
    canvas = Canvas(WIDTH, high + (32 if legend else 0), theme)
    room = float(WIDTH - 2 * PAD)
    if chart.gauge is not None:
        room -= _gauge(canvas, chart, theme) + 24
    canvas.text((PAD, 56), chart.title, TITLE, weight=BOLD, room=room)
    top -= 18 if chart.gauge is None else 0
    canvas.box((PAD, top, WIDTH - PAD, top + 2 * 18 + LEADING * len(lines)), theme.panel, 12)
    for row, line in enumerate(lines):
        _tinted_line(canvas, line, weights, 2 * PAD - 8, top + 18 + row * LEADING)
    if legend:
        _legend(canvas, chart, theme, canvas.high - 22)
    return canvas


def _gauge(canvas: Canvas, chart: Highlights, theme: Theme) -> float:
    """Draw the gauge; return the width of its figure, at the right of the title."""
    share = min(max(chart.gauge or 0.0, 0.0), 1.0)
    accent = theme.warm if share >= 0.5 else theme.cool
    figure = canvas.text((WIDTH - PAD, 58), _percent(share), 34, accent, weight=BOLD, align=1)
    label = canvas.text(
        (WIDTH - PAD - figure - 12, 57), chart.gauge_label, 17, theme.faint, align=1, room=260
    )
    left, right = float(PAD), float(WIDTH - PAD)
    canvas.gradient((left, 82, right, 92), theme.cool, theme.warm, 5)
    at = left + 9 + (right - left - 18) * share
    canvas.disc(at, 87, 13, theme.ground)
    canvas.disc(at, 87, 10, accent)
    canvas.disc(at, 87, 4, theme.ground)
    canvas.text((left, 120), chart.negative_label, 16, theme.cool, room=320)
    canvas.text((right, 120), chart.positive_label, 16, theme.warm, align=1, room=320)
    return figure + label + 12


def _legend(canvas: Canvas, chart: Highlights, theme: Theme, y: float) -> None:
    x = float(PAD)
    for colour, label in ((theme.warm, chart.positive_label), (theme.cool, chart.negative_label)):
        canvas.box((x, y - 13, x + 16, y + 3), colour, 4)
        x += 24 + canvas.text((x + 24, y), label, 16, theme.faint, room=300) + 24


def _shown(text: str) -> str:
    shown = printable(text[: LONGEST + 1])
    return shown if len(text) <= LONGEST else shown[:LONGEST] + "…"


def _weights(spans: list[tuple[int, int, float]], length: int) -> dict[tuple[int, int], float]:
    """Return the spans that are in the text, each with its weight as a share of the largest."""
    inside = {
        (max(start, 0), min(end, length)): weight
        for start, end, weight in spans
        if start < length and end > start and math.isfinite(weight) and weight
    }
    largest = max((abs(weight) for weight in inside.values()), default=1.0)
    return {span: weight / largest for span, weight in inside.items()}


def _tinted_line(
    canvas: Canvas, line: list[Piece], weights: dict[tuple[int, int], float], x: float, y: float
) -> None:
    theme = canvas.theme
    joined: dict[tuple[int, int], tuple[float, float]] = {}
    for piece in line:
        span = next((s for s in weights if s[0] <= piece.start < s[1]), None)
        if span is not None:
            left, right = joined.get(span, (piece.x, piece.x + piece.width))
            joined[span] = min(left, piece.x), max(right, piece.x + piece.width)
    for span, (left, right) in joined.items():
        share = weights[span]
        base = theme.warm if share > 0 else theme.cool
        box = (x + left - 2, y + 2, x + right + 2, y + LEADING - 3)
        canvas.box(box, mix(theme.panel, base, 0.14 + 0.46 * abs(share)), 6)
        if share > 0:
            # A second sign beside the colour, for those who cannot tell the two apart.
            canvas.box((x + left + 1, y + LEADING - 7, x + right - 1, y + LEADING - 5), base, 1)
    for piece in line:
        canvas.text((x + piece.x, y + 24), piece.text, BODY)


def _bars(chart: Bars, theme: Theme) -> Canvas:
    if len(chart.labels) != len(chart.values) or len(chart.labels) > MOST_LABELS:
        raise ValueError(f"{len(chart.labels)} labels for {len(chart.values)} bars ({MOST_LABELS} at most)")
    if not all(math.isfinite(value) for value in chart.values):
        raise ValueError("a bar has no length")
    row, top = 40, 88
    canvas = Canvas(WIDTH, top + row * len(chart.values) + PAD - 8, theme)
    canvas.text((PAD, 56), chart.title, TITLE, weight=BOLD, room=WIDTH - 2 * PAD)
    names = [fit(printable(label), 18, 300) for label in chart.labels]
    figures = [_percent(value) if chart.percent else f"{value:.4g}" for value in chart.values]
    left = PAD + max((width(name, 18) for name in names), default=0.0) + 16
    right = WIDTH - PAD - max((width(figure, 18, BOLD) for figure in figures), default=0.0) - 16
    low = min(0.0, *chart.values, 0.0)
    high = max(1.0 if chart.percent else 0.0, *chart.values, 0.0)
    scale = (right - left) / ((high - low) or 1.0)
    zero = left - low * scale
    for index, (name, value, figure) in enumerate(zip(names, chart.values, figures, strict=True)):
        y = top + index * row
        canvas.text((left - 16, y + 20), name, 18, align=1)
        canvas.box((left, y + 5, right, y + 23), theme.track, 5)
        ends = sorted((zero, zero + value * scale))
        canvas.box((ends[0], y + 5, ends[1], y + 23), theme.warm if index == 0 else theme.cool, 5)
        canvas.text((WIDTH - PAD, y + 20), figure, 18, weight=BOLD, align=1)
    return canvas


def _confusion(chart: ConfusionMatrix, theme: Theme) -> Canvas:
    count = len(chart.labels)
    if not 0 < count <= MOST_LABELS or [len(row) for row in chart.counts] != [count] * count:
        raise ValueError(f"the counts are not {count} × {count}, or there are more than {MOST_LABELS} labels")
    size = 17 if count <= 6 else 14
    longest = max(width(printable(label), size) for label in chart.labels)
    cell = round(min(max(longest + 16, 300 / count, 46.0), max(700 / count, 46.0), 150.0))
    corner = f"{chart.truth_label} ↓"
    left = PAD + round(min(max(longest, width(printable(corner), 16)), 180.0)) + 20
    top = 148
    canvas = Canvas(max(left + cell * count + PAD, 420), top + cell * count + PAD, theme)
    canvas.text((PAD, 54), chart.title, 24, weight=BOLD, room=canvas.wide - 2 * PAD)
    canvas.text((left, 94), f"{chart.prediction_label} →", 16, theme.faint, room=canvas.wide - left - PAD)
    canvas.text((PAD, top - 14), corner, 16, theme.faint, room=left - PAD - 8)
    for row, label in enumerate(chart.labels):
        y, total = top + row * cell, sum(chart.counts[row])
        canvas.text((left - 12, y + cell / 2 + 6), label, size, align=1, room=180)
        canvas.text((left + (row + 0.5) * cell, top - 14), label, size, align=0.5, room=cell - 4)
        for column, value in enumerate(chart.counts[row]):
            x, share = left + column * cell, value / total if total else 0.0
            base = theme.cool if row == column else theme.warm
            # The root lets few mistakes be seen beside many right answers.
            fill = mix(theme.panel, base, 0.12 + 0.68 * math.sqrt(share)) if value else theme.panel
            canvas.box((x + 1.5, y + 1.5, x + cell - 1.5, y + cell - 1.5), fill, 8)
            ink = _readable(fill, value)
            middle, with_share = x + cell / 2, cell >= 90 and value > 0
            at = (middle, y + cell / 2 + (0 if with_share else 7))
            canvas.text(at, f"{value:,}", 22 if cell >= 90 else 15, ink, weight=BOLD, align=0.5)
            if with_share:
                canvas.text((middle, y + cell / 2 + 24), _percent(share), 15, ink, align=0.5)
    return canvas


def _reliability(chart: Reliability, theme: Theme) -> Canvas:
    side, left, top = 420, PAD + 56, 124
    canvas = Canvas(left + side + PAD + 20, top + side + 84, theme)
    canvas.text((PAD, 54), chart.title, 24, weight=BOLD, room=canvas.wide - 2 * PAD)
    canvas.text((PAD, top - 20), f"↑ {chart.observed_label}", 16, theme.faint, room=canvas.wide - 2 * PAD)
    canvas.box((left, top, left + side, top + side), theme.panel, 4)
    for step in range(6):
        share = step / 5
        x, y = left + side * share, top + side * (1 - share)
        canvas.line((left, y), (left + side, y), theme.track)
        canvas.line((x, top), (x, top + side), theme.track)
        canvas.text((left - 10, y + 6), f"{share:.0%}", 15, theme.faint, align=1)
        canvas.text((x, top + side + 24), f"{share:.0%}", 15, theme.faint, align=0.5)
    canvas.text(
        (left + side, top + side + 56), f"{chart.predicted_label} →", 16, theme.faint, align=1, room=side
    )
    canvas.line((left, top + side), (left + side, top), theme.faint, 2)
    most = max((rows for _, _, rows in chart.bins), default=1)
    for predicted, observed, rows in sorted(chart.bins, key=lambda found: -found[2]):
        x, y = left + side * predicted, top + side * (1 - observed)
        canvas.line((x, top + side * (1 - predicted)), (x, y), theme.warm, 2)
        radius = 4 + 9 * math.sqrt(rows / most)
        canvas.disc(x, y, radius, theme.warm)
        rightwards = predicted < 0.85
        beside = x + (radius + 5) * (1 if rightwards else -1)
        below = y + (-4 if observed < 0.5 else 16)
        canvas.text((beside, below), f"{rows:,}", 14, align=0 if rightwards else 1)
    return canvas


def _histogram(chart: Histogram, theme: Theme) -> Canvas:
    steps = len(chart.counts)
    if not 0 < steps <= MOST_STEPS or min(chart.counts) < 0:
        raise ValueError(f"{steps} steps of a histogram ({MOST_STEPS} at most), or a count below zero")
    top, high = 112, 260
    canvas = Canvas(WIDTH, top + high + 64, theme)
    canvas.text((PAD, 54), chart.title, TITLE, weight=BOLD, room=WIDTH - 2 * PAD)
    left, right, ground = float(PAD), float(WIDTH - PAD), float(top + high)
    most = max(chart.counts)
    canvas.text((left, 86), f"↑ {chart.count_label} ({most:,})", 16, theme.faint, room=400)
    step = (right - left) / steps
    for index, count in enumerate(chart.counts):
        x = left + index * step
        # A lone row among thousands is seen too.
        tall = max(high * count / most, 3.0) if count else 0.0
        share = index / max(1, steps - 1)
        canvas.box((x + 2, ground - tall, x + step - 2, ground), mix(theme.cool, theme.warm, share), 4)
    canvas.line((left, ground), (right, ground), theme.faint, 2)
    canvas.text((left, ground + 34), f"← {chart.low_label}", 17, theme.cool, room=300)
    canvas.text((right, ground + 34), f"{chart.high_label} →", 17, theme.warm, align=1, room=300)
    return canvas


def _readable(fill: Colour, value: int) -> Colour:
    """Return dark or light ink, whichever stands out from the fill more; a zero is fainter."""
    red, green, blue = fill
    light = 0.299 * red + 0.587 * green + 0.114 * blue > 140
    ink: Colour = (24, 26, 30) if light else (250, 250, 248)
    return ink if value else mix(fill, ink, 0.45)


def _percent(share: float) -> str:
    """Write a share in per cent, never rounded up to certainty."""
    if 0 < share < 0.001:
        return "< 0.1%"
    if 0.999 < share < 1:
        return "> 99.9%"
    return f"{share * 100:.1f}%"
