"""Inline SVG for the report's page: loss curves with findings, and calibration. Colours are the page's own."""

import math
from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from shared.curve_doctor import Finding
from shared.texts import Text
from shared.training_report import KINDS, Curves, Say
from shared.training_report_scale import Scale

WIDE: Final = 760
LEFT: Final = 70
RIGHT: Final = 740
TOP: Final = 50
HIGH: Final = 260
MOST_POINTS: Final = 1_500
"""Epochs drawn of a curve; of more, the least and the largest loss of each stretch."""


def loss_svg(curves: Curves, findings: Sequence[Finding], say: Say) -> str:
    """Draw one network's losses; each finding with an epoch is a dashed line with its name."""
    epochs = max(len(curves.train), len(curves.test))
    scale = Scale.of([*curves.train, *curves.test])
    marked = [finding for finding in findings if finding.epoch is not None]
    top = TOP + 20 * len(marked)
    ground = top + HIGH
    parts = [_begin(ground + 60, say(Text("Loss over the epochs of the training")))]
    for tick in scale.ticks:
        y = ground - HIGH * scale.share(tick)
        parts.append(f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{RIGHT}" y2="{y:.1f}"/>')
        parts.append(_text(LEFT - 8, y + 5, scale.label(tick), "end"))
    for epoch in sorted({1, *(round(1 + (epochs - 1) * share / 4) for share in range(5))}):
        parts.append(_text(_across(epoch, epochs), ground + 22, str(epoch), "middle"))
    parts.append(_text(RIGHT, ground + 44, say(Text("epoch")) + " →", "end"))
    parts.append(_text(LEFT, ground + 44, "↑ " + say(Text("loss")), "start"))
    x = float(LEFT)
    for at, (label, values) in enumerate(
        ((say(Text("training loss")), curves.train), (say(Text("test loss")), curves.test))
    ):
        if not values:
            continue
        parts.append(f'<line class="curve c{at}" x1="{x}" y1="20" x2="{x + 26}" y2="20"/>')
        parts.append(_text(x + 34, 25, label, "start"))
        x += 190
        for piece in _pieces(values, epochs, scale, ground):
            parts.append(f'<polyline class="curve c{at}" points="{piece}"/>')
    for at, finding in enumerate(marked):
        x, y = _across(min(finding.epoch or 1, epochs), epochs), TOP + 20 * at
        parts.append(f'<line class="mark" x1="{x:.1f}" y1="{y}" x2="{x:.1f}" y2="{ground}"/>')
        side = "end" if x > (LEFT + RIGHT) / 2 else "start"
        named = f"{say(KINDS[finding.kind])} ({finding.epoch})"
        parts.append(_text(x + (-6 if side == "end" else 6), y + 6, named, side))
    return "".join([*parts, "</svg>"])


def reliability_svg(bins: Sequence[tuple[float, float, int]], say: Say) -> str:
    """Draw what share came true for each predicted probability; the diagonal is perfect calibration."""
    side = HIGH
    ground = 30 + side
    parts = [_begin(ground + 60, say(Text("Calibration")), LEFT + side + 30)]
    for step in range(6):
        share = step / 5
        x, y = LEFT + side * share, ground - side * share
        parts.append(f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{LEFT + side}" y2="{y:.1f}"/>')
        parts += [
            _text(LEFT - 8, y + 5, f"{share:.0%}", "end"),
            _text(x, ground + 22, f"{share:.0%}", "middle"),
        ]
    parts.append(f'<line class="mark" x1="{LEFT}" y1="{ground}" x2="{LEFT + side}" y2="{ground - side}"/>')
    most = max((rows for _, _, rows in bins), default=1)
    for predicted, observed, rows in bins:
        x, y = LEFT + side * predicted, ground - side * observed
        radius = 3 + 8 * math.sqrt(rows / max(1, most))
        parts.append(
            f'<circle class="point" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"><title>{rows}</title></circle>'
        )
    parts.append(_text(LEFT + side, ground + 44, say(Text("predicted probability")) + " →", "end"))
    parts.append(_text(LEFT, 18, "↑ " + say(Text("observed share")), "start"))
    return "".join([*parts, "</svg>"])


def _pieces(values: Sequence[float], epochs: int, scale: Scale, ground: float) -> Iterator[str]:
    """Give the points of each stretch without a loss that is not finite; a lone one as a short line."""
    piece: list[str] = []
    for epoch, value in _thinned(values):
        if math.isfinite(value):
            x, y = _across(epoch, epochs), ground - HIGH * scale.share(value)
            piece.append(f"{x:.1f},{y:.1f}")
        elif piece:
            yield " ".join(piece if len(piece) > 1 else piece * 2)
            piece = []
    if piece:
        yield " ".join(piece if len(piece) > 1 else piece * 2)


def _thinned(values: Sequence[float]) -> list[tuple[int, float]]:
    known = list(enumerate(values, 1))
    if len(known) <= MOST_POINTS:
        return known
    every = -(-2 * len(known) // MOST_POINTS)
    kept = []
    for at in range(0, len(known), every):
        stretch = known[at : at + every]
        broken = [each for each in stretch if not math.isfinite(each[1])]
        finite = [each for each in stretch if math.isfinite(each[1])]
        ends = (
            {min(finite, key=lambda each: each[1]), max(finite, key=lambda each: each[1])}
            if finite
            else set()
        )
        kept += sorted([*ends, *broken[:1]], key=lambda each: each[0])
    return kept


def _across(epoch: int, epochs: int) -> float:
    return LEFT + (RIGHT - LEFT) * ((epoch - 1) / (epochs - 1) if epochs > 1 else 0.5)


def _begin(high: float, title: str, wide: int = WIDE) -> str:
    shown = escape(title)
    return f'<svg role="img" aria-label="{shown}" viewBox="0 0 {wide} {high:.0f}"><title>{shown}</title>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
