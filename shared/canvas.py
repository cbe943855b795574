"""A canvas for charts: smooth shapes below, crisp text in any script above."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from PIL import Image, ImageDraw

from shared.fonts import REGULAR, face, fit, printable, runs, width

Colour = tuple[int, int, int]
Box = tuple[float, float, float, float]
SMOOTH: Final = 2
"""Shapes are drawn this many times larger, then reduced, so that their edges are smooth."""
LARGEST: Final = 8_000
"""Pixels of a side: a chart that would be larger is refused."""


@dataclass(frozen=True)
class Theme:
    """The colours of a chart."""

    ground: Colour
    panel: Colour
    ink: Colour
    faint: Colour
    track: Colour
    warm: Colour
    cool: Colour


# Orange against blue: told apart with any colour blindness (Okabe & Ito 2008).
DARK: Final = Theme(
    (30, 31, 36), (41, 42, 49), (242, 240, 236), (160, 162, 172), (62, 64, 74), (240, 138, 48), (74, 158, 240)
)
LIGHT: Final = Theme(
    (255, 255, 255),
    (245, 246, 248),
    (32, 34, 40),
    (104, 108, 120),
    (222, 225, 231),
    (214, 98, 10),
    (24, 110, 196),
)


@dataclass(frozen=True)
class _Label:
    at: tuple[float, float]
    text: str
    size: int
    colour: Colour
    weight: int


@dataclass
class Canvas:
    """A picture in the making. Raises `ValueError` where it would be too large."""

    wide: int
    high: int
    theme: Theme
    _labels: list[_Label] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not (0 < self.wide <= LARGEST and 0 < self.high <= LARGEST):
            raise ValueError(f"a chart of {self.wide} × {self.high} pixels is too large")
        self._shapes = Image.new("RGB", (self.wide * SMOOTH, self.high * SMOOTH), self.theme.ground)
        self._pen = ImageDraw.Draw(self._shapes)

    def box(self, box: Box, colour: Colour, radius: float = 0) -> None:
        """Draw a filled box with round corners."""
        left, top, right, bottom = (value * SMOOTH for value in box)
        if right - left >= 1 and bottom - top >= 1:
            radius = min(radius * SMOOTH, (right - left) / 2, (bottom - top) / 2)
            self._pen.rounded_rectangle((left, top, right - 1, bottom - 1), radius, fill=colour)

    def gradient(self, box: Box, left_colour: Colour, right_colour: Colour, radius: float) -> None:
        """Draw a box with round corners whose colour changes from left to right."""
        left, top, right, bottom = (round(value * SMOOTH) for value in box)
        size = (right - left, bottom - top)
        ramp = Image.linear_gradient("L").rotate(90).resize(size)
        mask = Image.new("L", size)
        ImageDraw.Draw(mask).rounded_rectangle((0, 0, size[0] - 1, size[1] - 1), radius * SMOOTH, fill=255)
        colours = Image.composite(
            Image.new("RGB", size, right_colour), Image.new("RGB", size, left_colour), ramp
        )
        self._shapes.paste(colours, (left, top), mask)

    def disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        """Draw a filled circle."""
        ends = ((x - radius) * SMOOTH, (y - radius) * SMOOTH, (x + radius) * SMOOTH, (y + radius) * SMOOTH)
        self._pen.ellipse(ends, fill=colour)

    def polygon(self, corners: Sequence[tuple[float, float]], colour: Colour) -> None:
        """Draw a filled polygon."""
        self._pen.polygon([(x * SMOOTH, y * SMOOTH) for x, y in corners], fill=colour)

    def line(
        self, start: tuple[float, float], end: tuple[float, float], colour: Colour, thick: float = 1
    ) -> None:
        """Draw a line."""
        points = [(x * SMOOTH, y * SMOOTH) for x, y in (start, end)]
        self._pen.line(points, fill=colour, width=round(thick * SMOOTH))

    def text(
        self,
        at: tuple[float, float],
        text: str,
        size: int,
        colour: Colour | None = None,
        *,
        weight: int = REGULAR,
        align: float = 0.0,
        room: float | None = None,
    ) -> float:
        """Write a line of text whose baseline begins at `at`, shortened to `room` pixels; return its width.

        `align` 0 puts `at` at its left end, 0.5 in its middle, 1 at its right end.
        """
        shown = printable(text).replace("\n", " ")
        if room is not None:
            shown = fit(shown, size, room, weight)
        long = width(shown, size, weight)
        place = (at[0] - align * long, at[1])
        self._labels.append(_Label(place, shown, size, colour or self.theme.ink, weight))
        return long

    def png(self) -> bytes:
        """Return the picture as PNG."""
        image = self._shapes.reduce(SMOOTH)
        pen = ImageDraw.Draw(image)
        for label in self._labels:
            x, y = label.at
            for run in runs(label.text):
                font = face(run.face, label.size, label.weight)
                pen.text((x, y), run.text, font=font, fill=label.colour, anchor="ls")
                x += font.getlength(run.text)
        out = io.BytesIO()
        # The fastest level: the picture is read once, on the way to the reader.
        image.save(out, "PNG", compress_level=1)
        return out.getvalue()


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """Return a colour between two: `share` 0 is the first, 1 the second."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue
