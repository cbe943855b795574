"""Charts of prices: candlesticks with what may come, and intervals beside what came. See `shared.drawing`."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final

from shared.canvas import Canvas, Theme, mix
from shared.charts import Candles, Intervals
from shared.fonts import BOLD, printable, width

WIDTH: Final = 900
PAD: Final = 28
TOP: Final = 116
HIGH: Final = 380
LABEL: Final = 19
"""Chat shows charts at little more than half their size."""
MOST_DAYS: Final = 260
MOST_AHEAD: Final = 60
MOST_BANDS: Final = 6
Place = Callable[[float], float]
Point = tuple[float, float]


def candles(chart: Candles, theme: Theme) -> Canvas:
    """Draw days as candlesticks, and bands of what may come. Raises `ValueError` where the parts do not fit."""
    count, ahead = len(chart.days), len(chart.expected)
    columns = (chart.open, chart.high, chart.low, chart.close)
    bands = [(band.low, band.high) for band in chart.bands]
    fits = all(len(values) == count for values in columns)
    fits &= all(len(values) == ahead for band in bands for values in band) and len(chart.ahead) == ahead
    if not fits or not 0 < count <= MOST_DAYS or ahead > MOST_AHEAD or len(bands) > MOST_BANDS:
        raise ValueError(f"{count} days and {ahead} ahead, or prices or bands that do not fit them")
    prices = [
        value for values in (*columns, chart.expected, *(v for b in bands for v in b)) for value in values
    ]
    canvas, left, right = _frame(chart.title, theme, prices)
    up = _axis(canvas, prices, left, right)
    # The days ahead are what matters: they get a fifth of the room at least.
    share = min(0.4, max(0.2, ahead / (count + ahead))) if ahead else 0.0
    today = left + (right - left) * (1 - share)
    step = (today - left) / count
    step_ahead = (right - today) / (ahead + 0.6)

    def across(day: float) -> float:
        return left + step * (day + 0.5)

    last = (across(count - 1), up(chart.close[-1]))
    ends = [today + step_ahead * (at + 0.8) for at in range(ahead)]
    if ahead:
        _fan(canvas, chart, last, ends, up)
    half = min(max(step * 0.34, 1.0), 7.0)
    for at, (opened, high, low, close) in enumerate(zip(*columns, strict=True)):
        _candle(canvas, across(at), half, [up(value) for value in (opened, high, low, close)])
    if ahead:
        _outlines(canvas, chart, last, ends, up)
        _line(
            canvas, [last, *((x, up(y)) for x, y in zip(ends, chart.expected, strict=True))], canvas.theme.ink
        )
    labels = [(across(at), day) for at, day in enumerate(chart.days)]
    _below(canvas, labels, (left, today - (40 if ahead else 0)))
    if ahead:
        _below(canvas, list(zip(ends, chart.ahead, strict=True)), (today, right + PAD))
    _legend(canvas, chart)
    return canvas


def intervals(chart: Intervals, theme: Theme) -> Canvas:
    """Draw each interval as a bar, and in it what came. Raises `ValueError` where the parts do not fit each other."""
    columns = (chart.low, chart.high, chart.expected, chart.actual)
    count = len(chart.steps)
    if not 0 < count <= MOST_DAYS or any(len(values) != count for values in columns):
        raise ValueError(f"{count} intervals, or values that do not fit them")
    prices = [value for values in columns for value in values]
    canvas, left, right = _frame(chart.title, theme, prices)
    up = _axis(canvas, prices, left, right)
    step = (right - left) / count
    half = min(max(step * 0.36, 1.5), 14.0)
    for at, (low, high, expected, actual) in enumerate(zip(*columns, strict=True)):
        x, inside = left + step * (at + 0.5), low <= actual <= high
        canvas.box((x - half, up(high), x + half, up(low) + 1), mix(theme.panel, theme.cool, 0.35), 3)
        canvas.line((x - half, up(expected)), (x + half, up(expected)), theme.ink, 1.5)
        size = min(half, 5.0) + 1
        if inside:
            canvas.disc(x, up(actual), size, theme.cool)
        else:
            # Another shape beside the colour, for those who cannot tell the two apart.
            y = up(actual)
            canvas.polygon(
                [(x, y - size - 2), (x + size + 2, y), (x, y + size + 2), (x - size - 2, y)], theme.warm
            )
    _below(
        canvas, [(left + step * (at + 0.5), day) for at, day in enumerate(chart.steps)], (left, right + PAD)
    )
    x = float(PAD)
    canvas.disc(x + 6, 84, 6, theme.cool)
    x += 20 + canvas.text((x + 20, 91), chart.inside_label, LABEL, theme.faint, room=260) + 26
    _diamond(canvas, x + 7, 84, 7)
    x += 22 + canvas.text((x + 22, 91), chart.outside_label, LABEL, theme.faint, room=260) + 26
    canvas.line((x, 84), (x + 18, 84), theme.ink, 1.5)
    canvas.text((x + 26, 91), chart.expected_label, LABEL, theme.faint, room=260)
    return canvas


def _diamond(canvas: Canvas, x: float, y: float, size: float) -> None:
    """Mark what lay outside: by shape beside colour, for those who cannot tell the two colours apart."""
    canvas.polygon([(x, y - size), (x + size, y), (x, y + size), (x - size, y)], canvas.theme.warm)


def _frame(title: str, theme: Theme, prices: Sequence[float]) -> tuple[Canvas, float, float]:
    if not all(math.isfinite(price) for price in prices):
        raise ValueError("a price is not finite")
    canvas = Canvas(WIDTH, TOP + HIGH + 54, theme)
    canvas.text((PAD, 52), title, 24, weight=BOLD, room=WIDTH - 2 * PAD)
    widest = max(width(f"{price:,.2f}", LABEL) for price in (min(prices), max(prices)))
    return canvas, PAD + widest + 14, float(WIDTH - PAD)


def _axis(canvas: Canvas, prices: Sequence[float], left: float, right: float) -> Place:
    """Draw the lines of round prices; return where a price is."""
    low, high = min(prices), max(prices)
    spare = (high - low or abs(high) or 1.0) * 0.04
    low, high = low - spare, high + spare

    def up(price: float) -> float:
        return TOP + HIGH * (1 - (price - low) / (high - low))

    raw = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * times for times in (1, 2, 5, 10) if power * times >= raw * (1 - 1e-9))
    digits = 0 if step >= 1 else min(4, -math.floor(math.log10(step)))
    tick = math.ceil(low / step) * step
    while tick <= high:
        canvas.line((left, up(tick)), (right, up(tick)), canvas.theme.track)
        canvas.text((left - 10, up(tick) + 7), f"{tick:,.{digits}f}", LABEL, canvas.theme.faint, align=1)
        tick += step
    return up


def _candle(canvas: Canvas, x: float, half: float, heights: Sequence[float]) -> None:
    """Draw a candle: hollow where the close is above the open, so that colour is not the only sign."""
    theme = canvas.theme
    opened, high, low, close = heights
    rises = close <= opened
    colour = theme.warm if rises else theme.cool
    canvas.line((x, high), (x, low), colour, 1.5)
    top, bottom = min(opened, close), max(opened, close)
    bottom = max(bottom, top + 1.5)
    canvas.box((x - half, top, x + half, bottom), colour)
    if rises and half > 2 and bottom - top > 4:
        canvas.box((x - half + 1.5, top + 1.5, x + half - 1.5, bottom - 1.5), theme.ground)


def _fan(canvas: Canvas, chart: Candles, last: Point, ends: Sequence[float], up: Place) -> None:
    """Fill the bands, the first below."""
    filled = [band for band in chart.bands if not band.outline]
    for number, band in enumerate(filled):
        highs = [(x, up(y)) for x, y in zip(ends, band.high, strict=True)]
        lows = [(x, up(y)) for x, y in zip(ends, band.low, strict=True)]
        canvas.polygon([last, *highs, *reversed(lows)], _tint(canvas, number, len(filled)))


def _tint(canvas: Canvas, number: int, count: int) -> tuple[int, int, int]:
    return mix(canvas.theme.ground, canvas.theme.cool, 0.22 + 0.30 * (number / max(1, count - 1)))


def _outlines(canvas: Canvas, chart: Candles, last: Point, ends: Sequence[float], up: Place) -> None:
    for band in chart.bands:
        if band.outline:
            for values in (band.low, band.high):
                points = [last, *((x, up(y)) for x, y in zip(ends, values, strict=True))]
                _line(canvas, points, canvas.theme.warm, dashed=True)


def _line(
    canvas: Canvas, points: Sequence[Point], colour: tuple[int, int, int], *, dashed: bool = False
) -> None:
    for (x, y), (to_x, to_y) in pairwise(points):
        pieces = max(1, round(math.hypot(to_x - x, to_y - y) / 5)) if dashed else 1
        for piece in range(0, pieces, 2):
            start, end = piece / pieces, (piece + 1) / pieces
            canvas.line(
                (x + (to_x - x) * start, y + (to_y - y) * start),
                (x + (to_x - x) * end, y + (to_y - y) * end),
                colour,
                2,
            )
    if not dashed:
        for x, y in points[1:]:
            canvas.disc(x, y, 3, colour)


def _below(canvas: Canvas, labels: Sequence[tuple[float, str]], within: tuple[float, float]) -> None:
    """Write every nth of the labels below the chart, as many as there is room for, from the last that fits back."""
    halves = [width(printable(label), LABEL) / 2 for _, label in labels]
    fit = [
        at
        for at, (x, _) in enumerate(labels)
        if x + halves[at] <= within[1] and x - halves[at] >= within[0] - PAD
    ]
    if not fit:
        return
    room = abs(labels[fit[-1]][0] - labels[fit[0]][0])
    every = max(1, math.ceil((len(fit) - 1) * (2 * max(halves) + 14) / max(room, 1.0)))
    for at in fit[::-1][::every]:
        canvas.text((labels[at][0], TOP + HIGH + 32), labels[at][1], LABEL, canvas.theme.faint, align=0.5)


def _legend(canvas: Canvas, chart: Candles) -> None:
    x, theme = float(PAD), canvas.theme
    filled = [band for band in chart.bands if not band.outline]
    for number, band in enumerate(filled):
        canvas.box((x, 76, x + 18, 92), _tint(canvas, number, len(filled)), 3)
        x += 26 + canvas.text((x + 26, 91), band.label, LABEL, theme.faint, room=200) + 22
    for band in chart.bands:
        if band.outline:
            _line(canvas, [(x, 84), (x + 26, 84)], theme.warm, dashed=True)
            x += 34 + canvas.text((x + 34, 91), band.label, LABEL, theme.faint, room=240) + 22
    if chart.expected:
        _line(canvas, [(x, 84), (x + 18, 84)], theme.ink)
        canvas.text((x + 28, 91), chart.expected_label, LABEL, theme.faint, room=200)
