"""How each chart is drawn, with Pillow: crisp text in any script that the fonts have, in a few milliseconds.

Colours are blue against orange, which people with any colour blindness tell apart (Okabe & Ito 2008). Imported by the
worker and the trainer only.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from shared.charts import Bars, ConfusionMatrix, Drawn, Highlights, Reliability

Chart = Highlights | Bars | ConfusionMatrix | Reliability
Colour = tuple[int, int, int]
WIDTH: Final = 800
PAD: Final = 28
LONGEST: Final = 1200
ORANGE: Final[Colour] = (230, 126, 34)
BLUE: Final[Colour] = (56, 132, 208)


@dataclass(frozen=True)
class Palette:
    """Colours of a theme."""

    ground: Colour
    ink: Colour
    faint: Colour
    track: Colour


DARK: Final = Palette((32, 28, 26), (240, 233, 226), (168, 156, 146), (62, 55, 51))
LIGHT: Final = Palette((252, 249, 245), (44, 38, 34), (126, 114, 104), (228, 220, 211))


def draw(chart: Chart) -> Drawn:
    """Draw a chart."""
    palette = DARK if chart.dark else LIGHT
    match chart:
        case Highlights():
            return _png(_highlights(chart, palette))
        case Bars():
            return _png(_bars(chart, palette))
        case ConfusionMatrix():
            return _png(_confusion(chart, palette))
        case Reliability():
            return _png(_reliability(chart, palette))


def _highlights(chart: Highlights, palette: Palette) -> Image.Image:
    size, line = 22, 38
    text = _drawable(chart.text)
    shown = text[:LONGEST] + (" …" if len(text) > LONGEST else "")
    strongest = max((abs(w) for _, _, w in chart.spans), default=1.0) or 1.0
    tint: dict[int, float] = {}
    for start, end, weight in chart.spans:
        for at in range(max(start, 0), min(end, len(shown))):
            tint[at] = weight / strongest
    lines = list(_wrap(shown, size, WIDTH - 2 * PAD))
    top = PAD + 44 + (64 if chart.gauge is not None else 0)
    height = top + line * len(lines) + PAD + (26 if chart.positive_label else 0)
    image = Image.new("RGB", (WIDTH, height), palette.ground)
    pen = ImageDraw.Draw(image)
    _text(pen, (PAD, PAD - 4), _drawable(chart.title), 28, palette.ink)
    if chart.gauge is not None:
        _gauge(pen, chart, palette, PAD + 48)
    for row, (begin, stop) in enumerate(lines):
        _tinted_line(pen, shown, begin, stop, tint, (PAD, top + row * line), size, palette)
    if chart.positive_label:
        _legend(pen, chart, palette, height - PAD - 4)
    return image


def _gauge(pen: ImageDraw.ImageDraw, chart: Highlights, palette: Palette, y: int) -> None:
    share = min(max(chart.gauge or 0.0, 0.0), 1.0)
    words = f"{chart.gauge_label}  {share:.1%}" if chart.gauge_label else f"{share:.1%}"
    _text(pen, (PAD, y), _drawable(words), 18, palette.faint)
    box = (PAD, y + 28, WIDTH - PAD, y + 40)
    pen.rounded_rectangle(box, 6, fill=palette.track)
    end = PAD + max(12, round((WIDTH - 2 * PAD) * share))
    pen.rounded_rectangle((PAD, y + 28, end, y + 40), 6, fill=_mix(BLUE, ORANGE, share))


def _legend(pen: ImageDraw.ImageDraw, chart: Highlights, palette: Palette, y: int) -> None:
    x = float(PAD)
    for colour, label in ((ORANGE, chart.positive_label), (BLUE, chart.negative_label)):
        pen.rounded_rectangle((x, y, x + 16, y + 16), 4, fill=colour)
        x += 24
        _text(pen, (x, y - 2), _drawable(label), 16, palette.faint)
        x += _width(_drawable(label), 16) + 24


def _tinted_line(
    pen: ImageDraw.ImageDraw, text: str, begin: int, stop: int, tint: dict[int, float],
    at: tuple[float, float], size: int, palette: Palette,
) -> None:  # fmt: skip
    x, y = at
    for start, end in _runs(begin, stop, tint):
        piece = text[start:end]
        width = _width(piece, size)
        weight = tint.get(start, 0.0)
        if weight:
            base = ORANGE if weight > 0 else BLUE
            fill = _mix(palette.ground, base, 0.25 + 0.6 * abs(weight))
            pen.rounded_rectangle((x - 2, y, x + width + 2, y + size + 8), 5, fill=fill)
        _text(pen, (x, y), piece, size, palette.ink)
        x += width


def _runs(begin: int, stop: int, tint: dict[int, float]) -> Iterator[tuple[int, int]]:
    start = begin
    for at in range(begin + 1, stop + 1):
        if at == stop or tint.get(at) != tint.get(start):
            yield start, at
            start = at


def _wrap(text: str, size: int, width: float) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of each line; breaks at spaces, or anywhere in a word that is longer than a line."""
    start, last_space, x = 0, -1, 0.0
    at = 0
    while at < len(text):
        character = text[at]
        if character == "\n":
            yield start, at
            start, last_space, x = at + 1, -1, 0.0
        else:
            x += _advance(character, size)
            if character == " ":
                last_space = at
            elif ord(character) > 0x2E80:
                last_space = at - 1
            if x > width and at > start:
                end = last_space + 1 if last_space >= start else at
                yield start, end
                start, last_space, x = end, -1, 0.0
                at = end - 1
        at += 1
    yield start, len(text)


def _bars(chart: Bars, palette: Palette) -> Image.Image:
    row = 44
    height = PAD * 2 + 48 + row * len(chart.values)
    image = Image.new("RGB", (WIDTH, height), palette.ground)
    pen = ImageDraw.Draw(image)
    _text(pen, (PAD, PAD - 4), _drawable(chart.title), 28, palette.ink)
    left = PAD + min(280.0, max((_width(_drawable(label), 20) for label in chart.labels), default=0.0)) + 16
    right = WIDTH - PAD - 90
    longest = 1.0 if chart.percent else max((abs(v) for v in chart.values), default=1.0) or 1.0
    for index, (label, value) in enumerate(zip(chart.labels, chart.values, strict=True)):
        y = PAD + 52 + index * row
        _text(pen, (PAD, y), _fit(_drawable(label), 20, left - PAD - 12), 20, palette.ink)
        pen.rounded_rectangle((left, y + 4, right, y + 24), 6, fill=palette.track)
        end = left + (right - left) * min(abs(value) / longest, 1.0)
        if end > left + 2:
            pen.rounded_rectangle((left, y + 4, end, y + 24), 6, fill=ORANGE if index == 0 else BLUE)
        words = f"{value:.1%}" if chart.percent else f"{value:.3g}"
        _text(pen, (right + 12, y), words, 20, palette.faint)
    return image


def _confusion(chart: ConfusionMatrix, palette: Palette) -> Image.Image:
    count = len(chart.labels)
    cell = max(56, min(150, 600 // max(count, 1)))
    left = PAD + 40 + min(180.0, max(_width(_drawable(label), 18) for label in chart.labels))
    top = PAD + 100
    image = Image.new("RGB", (round(left + cell * count + PAD), top + cell * count + PAD), palette.ground)
    pen = ImageDraw.Draw(image)
    _text(pen, (PAD, PAD - 4), _drawable(chart.title), 24, palette.ink)
    _text(pen, (left, PAD + 40), _drawable(chart.prediction_label) + " →", 16, palette.faint)
    _text(pen, (PAD, top - 26), _drawable(chart.truth_label) + " ↓", 16, palette.faint)
    for row, label in enumerate(chart.labels):
        total = sum(chart.counts[row]) or 1
        _text(pen, (PAD, top + row * cell + cell / 2 - 12), _fit(_drawable(label), 18, 190), 18, palette.ink)
        x = left + row * cell
        _text(pen, (x + 4, top - 28), _fit(_drawable(label), 18, cell - 8), 18, palette.ink)
        for column in range(count):
            value = chart.counts[row][column]
            base = BLUE if row == column else ORANGE
            box = (
                left + column * cell,
                top + row * cell,
                left + (column + 1) * cell - 3,
                top + (row + 1) * cell - 3,
            )
            pen.rounded_rectangle(
                box, 8, fill=_mix(palette.track, base, 0.1 + 0.9 * value / total if value else 0.0)
            )
            words = f"{value:,}"
            middle = box[0] + (cell - _width(words, 22)) / 2
            _text(pen, (middle, box[1] + cell / 2 - 24), words, 22, palette.ink)
            share = f"{value / total:.1%}"
            _text(
                pen, (box[0] + (cell - _width(share, 14)) / 2, box[1] + cell / 2 + 6), share, 14, palette.ink
            )
    return image


def _reliability(chart: Reliability, palette: Palette) -> Image.Image:
    side, left, top = 440, PAD + 70, PAD + 50
    image = Image.new("RGB", (left + side + PAD, top + side + PAD + 60), palette.ground)
    pen = ImageDraw.Draw(image)
    _text(pen, (PAD, PAD - 4), _drawable(chart.title), 24, palette.ink)
    for step in range(6):
        share = step / 5
        x, y = left + side * share, top + side * (1 - share)
        pen.line((left, y, left + side, y), fill=palette.track)
        pen.line((x, top, x, top + side), fill=palette.track)
        _text(pen, (left - 42, y - 10), f"{share:.1f}", 16, palette.faint)
        _text(pen, (x - 10, top + side + 8), f"{share:.1f}", 16, palette.faint)
    pen.line((left, top + side, left + side, top), fill=palette.faint, width=2)
    points = [(left + side * p, top + side * (1 - share)) for p, share, _ in chart.bins]
    if len(points) > 1:
        pen.line(points, fill=ORANGE, width=3, joint="curve")
    most = max((n for _, _, n in chart.bins), default=1)
    for (x, y), (_, _, n) in zip(points, chart.bins, strict=True):
        radius = 4 + 10 * (n / most) ** 0.5
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=ORANGE)
    _text(pen, (left, top + side + 34), _drawable(chart.predicted_label) + " →", 16, palette.faint)
    _text(pen, (PAD, top - 24), _drawable(chart.observed_label) + " ↓", 16, palette.faint)
    return image


@lru_cache(maxsize=16)
def _font(size: int) -> ImageFont.FreeTypeFont:
    path = files("noto_cjk_sans_jp_regular") / "NotoSansCJKjp-Regular.otf"
    return ImageFont.truetype(str(path), size)


@lru_cache(maxsize=1)
def _missing() -> bytes:
    return bytes(_font(16).getmask("\U0010ffff"))


@lru_cache(maxsize=8192)
def _has(character: str) -> bool:
    return character == " " or bytes(_font(16).getmask(character)) != _missing()


def _drawable(text: str) -> str:
    """Put a small square in the place of what no font here has, such as emoji; the length stays the same."""
    return "".join(c if c == "\n" or (c.isprintable() and _has(c)) else "\u25ab" for c in text)


@lru_cache(maxsize=8192)
def _advance(character: str, size: int) -> float:
    return _font(size).getlength(character)


def _width(text: str, size: int) -> float:
    return _font(size).getlength(text)


def _fit(text: str, size: int, width: float) -> str:
    while text and _width(text, size) > width:
        text = text[:-2].rstrip("…") + "…" if len(text) > 2 else ""
    return text


def _text(pen: ImageDraw.ImageDraw, at: tuple[float, float], text: str, size: int, colour: Colour) -> None:
    pen.text(at, text, font=_font(size), fill=colour)


def _mix(one: Colour, other: Colour, share: float) -> Colour:
    r, g, b = (round(a + (c - a) * share) for a, c in zip(one, other, strict=True))
    return r, g, b


def _png(image: Image.Image) -> Drawn:
    out = io.BytesIO()
    # The fastest level: the picture is read once, on the way to the reader.
    image.save(out, "PNG", compress_level=1)
    return Drawn(out.getvalue(), image.width, image.height)
