"""Charts of many points: groups in a plane, and series over time. Drawn by the worker; see `shared.drawing`."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import median
from typing import Final

from shared.canvas import Canvas, Colour, Theme, mix
from shared.charts import Lines, Scatter
from shared.fonts import BOLD, fit, printable, width

WIDTH: Final = 900
PAD: Final = 28
MOST_POINTS: Final = 10_000
MOST_GROUPS: Final = 200
NAMED: Final = 30
"""Groups whose names are written: the largest."""
MOST_SERIES: Final = 8
MOST_STEPS: Final = 200
LABEL: Final = 19
"""Chat shows charts at little more than half their size."""
NAME: Final = 240
"""Pixels that a series' name may take beside the lines, and one of a group on its points."""
ON_POINTS: Final = 300
# Told apart with any colour blindness, next to one another too (Okabe & Ito 2008; Tol 2021, "bright" and "vibrant").
COLOURS: Final[tuple[Colour, ...]] = (
    (230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (213, 94, 0), (204, 121, 167), (120, 140, 255),
    (170, 170, 170),
)  # fmt: skip
_DEEP: Final[tuple[Colour, ...]] = (
    (196, 120, 0), (30, 130, 190), (0, 130, 95), (150, 135, 0), (200, 80, 0), (180, 80, 135), (70, 80, 210),
    (110, 110, 110),
)  # fmt: skip
SHAPES: Final = 4
Across = Callable[[float], float]


def colour_of(group: int, theme: Theme) -> Colour:
    """Return a group's colour: after eight they come again, paler or darker, and with another shape."""
    colours = COLOURS if sum(theme.ground) < 384 else _DEEP
    colour = colours[group % len(colours)]
    match group // len(colours) % 3:
        case 1:
            return mix(colour, theme.ink, 0.5)
        case 2:
            return mix(colour, theme.ground, 0.45)
    return colour


def scatter(chart: Scatter, theme: Theme) -> Canvas:
    """Draw points in groups. Raises `ValueError` where the parts do not fit each other."""
    count = len(chart.points)
    if count != len(chart.groups) or count > MOST_POINTS or len(chart.labels) > MOST_GROUPS:
        raise ValueError(f"{count} points, {len(chart.groups)} groups of them, {len(chart.labels)} labels")
    if any(not -1 <= group < len(chart.labels) for group in chart.groups):
        raise ValueError("a point is of a group without a label")
    if not all(math.isfinite(x) and math.isfinite(y) for x, y in chart.points):
        raise ValueError("a point is nowhere")
    side, top = WIDTH - 2 * PAD, 80
    # Chat bounds the height of a picture too: a higher one would be shown smaller.
    high = round(side * 0.6)
    canvas = Canvas(WIDTH, top + high + PAD + (26 if chart.rest_label and -1 in chart.groups else 0), theme)
    canvas.text((PAD, 52), chart.title, 24, weight=BOLD, room=side)
    canvas.box((PAD, top, PAD + side, top + high), theme.panel, 10)
    radius = 4.2 if count <= 600 else 3.2 if count <= 3000 else 2.4
    inset = 18.0

    def placed(point: tuple[float, float]) -> tuple[float, float]:
        x, y = (min(max(value, 0.0), 1.0) for value in point)
        return PAD + inset + x * (side - 2 * inset), top + inset + (1 - y) * (high - 2 * inset)

    places = [placed(point) for point in chart.points]
    # Those of no group below, then turn by turn, so that no group hides another.
    for at in sorted(range(count), key=lambda at: (chart.groups[at] >= 0, (at * 7919) % max(1, count))):
        if (group := chart.groups[at]) < 0:
            canvas.disc(*places[at], radius * 0.7, theme.track)
        else:
            _mark(canvas, *places[at], radius, group, theme)
    if -1 in chart.groups and chart.rest_label:
        canvas.disc(PAD + 8, top + high + 24, 5, theme.track)
        canvas.text((PAD + 20, top + high + 31), chart.rest_label, LABEL, theme.faint, room=side - 40)
    _names(canvas, chart, places, (PAD, top, PAD + side, top + high), theme)
    return canvas


def _mark(canvas: Canvas, x: float, y: float, radius: float, group: int, theme: Theme) -> None:
    """Draw one point: disc, square, triangle or diamond."""
    colour, r = colour_of(group, theme), radius
    match group // len(COLOURS) % SHAPES:
        case 0:
            canvas.disc(x, y, r, colour)
        case 1:
            canvas.box((x - r, y - r, x + r, y + r), colour)
        case 2:
            canvas.polygon([(x, y - 1.3 * r), (x + 1.3 * r, y + r), (x - 1.3 * r, y + r)], colour)
        case _:
            canvas.polygon([(x, y - 1.4 * r), (x + 1.4 * r, y), (x, y + 1.4 * r), (x - 1.4 * r, y)], colour)


def _names(
    canvas: Canvas,
    chart: Scatter,
    places: Sequence[tuple[float, float]],
    within: tuple[float, float, float, float],
    theme: Theme,
) -> None:
    """Name the largest groups at the middle of their points, moved a little where two names would meet."""
    members: dict[int, list[tuple[float, float]]] = {}
    for group, place in zip(chart.groups, places, strict=True):
        if group >= 0:
            members.setdefault(group, []).append(place)
    taken: list[tuple[float, float, float, float]] = []
    for group in sorted(members, key=lambda group: (-len(members[group]), group))[:NAMED]:
        label = fit(printable(chart.labels[group]).replace("\n", " "), LABEL, ON_POINTS, BOLD)
        wide, tall = width(label, LABEL, BOLD) + 32, 30.0
        x = median(x for x, _ in members[group])
        y = median(y for _, y in members[group])
        x = min(max(x, within[0] + wide / 2 + 4), within[2] - wide / 2 - 4)
        below = sorted(py for px, py in places if abs(px - x) <= wide / 2 + 3)
        at = _free((x, y), (wide, tall), taken, within, below, len(members[group]))
        taken.append(box := (x - wide / 2, at - tall / 2, x + wide / 2, at + tall / 2))
        canvas.box((box[0] - 1.5, box[1] - 1.5, box[2] + 1.5, box[3] + 1.5), colour_of(group, theme), 7)
        canvas.box(box, theme.ground, 6)
        _mark(canvas, box[0] + 14, at, 6, group, theme)
        canvas.text((box[0] + 25, at + 7), label, LABEL, weight=BOLD)


def _free(
    middle: tuple[float, float],
    size: tuple[float, float],
    taken: Sequence[tuple[float, float, float, float]],
    within: tuple[float, float, float, float],
    heights: Sequence[float],
    members: int,
) -> float:
    """Return the height at which a name meets no other, near its group's middle, and hides few points.

    `heights` are those of the points that it may hide, sorted; `members` is how many the group has.
    """
    (x, y), (wide, tall) = middle, size
    lowest, highest = within[1] + tall / 2 + 2, within[3] - tall / 2 - 2
    best, least = min(max(y, lowest), highest), math.inf
    for step in range(120):
        at = y + (step + 1) // 2 * (tall / 4) * (1 if step % 2 else -1)
        if not lowest <= at <= highest or any(
            x + wide / 2 + 4 >= left
            and x - wide / 2 - 4 <= right
            and at + tall / 2 + 4 >= top
            and at - tall / 2 - 4 <= bottom
            for left, top, right, bottom in taken
        ):
            continue
        reach = tall / 2 + 4
        hidden = bisect_right(heights, at + reach) - bisect_left(heights, at - reach)
        # A name as far off as the picture is high is as bad as one over all of its group's points.
        cost = hidden / members + abs(at - y) / (highest - lowest)
        if cost < least:
            best, least = at, cost
    return best


def lines(chart: Lines, theme: Theme) -> Canvas:
    """Draw series over steps, each named at its end. Raises `ValueError` where the parts do not fit each other."""
    series, steps = len(chart.labels), len(chart.steps)
    fits = len(chart.values) == series and all(len(values) == steps for values in chart.values)
    if not fits or not 0 < series <= MOST_SERIES or not 0 < steps <= MOST_STEPS:
        raise ValueError(f"{series} series over {steps} steps, or values that do not fit them")
    known = [value for values in chart.values for value in values if value is not None]
    if not all(map(math.isfinite, known)):
        raise ValueError("a value is not finite")
    names = max(width(fit(printable(label), LABEL, NAME, BOLD), LABEL, BOLD) for label in chart.labels) + 30
    top, high, left = 84, 400, PAD + 74
    right = WIDTH - PAD - names
    canvas = Canvas(WIDTH, top + high + 60, theme)
    canvas.text((PAD, 52), chart.title, 24, weight=BOLD, room=WIDTH - 2 * PAD)
    low, top_value = min(0.0, *known) if known else 0.0, max(known, default=1.0)
    scale = _nice((top_value - low) / 4 or 0.25)
    ticks = [low + scale * step for step in range(math.ceil((top_value - low) / scale - 1e-9) + 1)]
    upper = max(ticks[-1], low + scale)

    def across(step: float) -> float:
        return left + (right - left) * (step / (steps - 1) if steps > 1 else 0.5)

    def up(value: float) -> float:
        return top + high * (1 - (value - low) / (upper - low))

    for tick in ticks:
        canvas.line((left, up(tick)), (right, up(tick)), theme.track)
        canvas.text(
            (left - 10, up(tick) + 7), _figure(tick, chart.percent, scale), LABEL, theme.faint, align=1
        )
    _steps(canvas, chart.steps, across, top + high + 32, theme)
    for at, values in enumerate(chart.values):
        _series(
            canvas, [(across(n), up(v)) if v is not None else None for n, v in enumerate(values)], at, theme
        )
    _ends(canvas, chart, up, right, (top, top + high), theme)
    return canvas


def _series(canvas: Canvas, points: Sequence[tuple[float, float] | None], at: int, theme: Theme) -> None:
    colour = colour_of(at, theme)
    for one, other in pairwise(points):
        if one is not None and other is not None:
            canvas.line(one, other, colour, 2.5)
    for point in points:
        if point is not None:
            canvas.disc(*point, 3.6 if len(points) <= 60 else 2.2, colour)


def _steps(canvas: Canvas, steps: Sequence[str], across: Across, y: float, theme: Theme) -> None:
    """Write as many of the steps as there is room for, the last among them."""
    wide = max(width(printable(step), LABEL) for step in steps) + 18
    room = max(1.0, abs(across(len(steps) - 1) - across(0)))
    every = max(1, math.ceil(len(steps) * wide / room))
    for at in range(len(steps) - 1, -1, -every):
        canvas.text((across(at), y), steps[at], LABEL, theme.faint, align=0.5)


def _ends(
    canvas: Canvas, chart: Lines, up: Across, right: float, within: tuple[float, float], theme: Theme
) -> None:
    """Name each series beside its last value, from the top down, none over another."""
    last = [next((v for v in reversed(values) if v is not None), 0.0) for values in chart.values]
    y = within[0] - 28.0
    order = sorted(range(len(last)), key=lambda at: -last[at])
    for place, at in enumerate(order):
        below = (len(order) - 1 - place) * 28
        y = max(y + 28, min(up(last[at]), within[1] - below))
        colour = mix(colour_of(at, theme), theme.ink, 0.15)
        canvas.disc(right + 16, y, 5, colour_of(at, theme))
        canvas.text((right + 26, y + 7), chart.labels[at], LABEL, colour, weight=BOLD, room=NAME)


def _nice(step: float) -> float:
    """Return the next larger step that people count by: 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(float(power * times) for times in (1, 2, 5, 10) if power * times >= step * (1 - 1e-9))


def _figure(value: float, percent: bool, scale: float) -> str:
    if percent:
        return f"{value * 100:.{0 if scale >= 0.01 else 1}f}%"
    return f"{value:,.{0 if scale >= 1 else min(6, -math.floor(math.log10(scale)))}f}"
