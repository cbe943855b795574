"""Sets a text in lines for a chart: breaks where its script allows, and puts right-to-left words in their order.

A word-level form of the Unicode bidirectional algorithm (UAX 9): inside a word the shaping library orders the
letters; here whole words are ordered.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from shared.fonts import clusters, width

_CHUNK: Final = re.compile(r"\n|[^\S\n]+|\S+")
CJK: Final = re.compile(
    r"[\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7ff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef]|[\U00020000-\U0003ffff]"
)
CLOSING: Final = "，。、；：！？）」』】》〉…”’,.;:!?)]}"
"""A line does not begin with these."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What is never broken: its place in the text, its width, and the space before it; `x` once it is set."""

    text: str
    start: int
    width: float
    space: float
    x: float = 0.0

    @property
    def end(self) -> int:
        """Return where in the text it ends."""
        return self.start + len(self.text)


def typeset(text: str, size: int, room: float, most: int, cuts: frozenset[int]) -> list[list[Piece]]:
    """Set a printable text in lines of `room` pixels, `most` at most; a piece ends at each place in `cuts`.

    Where lines are left out, the last one kept ends with an ellipsis. More than one empty line becomes one.
    """
    lines: list[list[Piece]] = [[]]
    x = 0.0
    for piece in _pieces(text, size, room, cuts):
        if piece.text == "\n":
            if lines[-1] or len(lines) < 2 or lines[-2]:
                lines.append([])
            x = 0.0
        else:
            wide = x + piece.space + piece.width
            closing = piece.text in CLOSING and piece.space == 0
            if lines[-1] and wide > room and not (closing and wide <= room + size):
                lines.append([])
                x = 0.0
            placed = piece if lines[-1] else replace(piece, space=0.0)
            lines[-1].append(placed)
            x += placed.space + placed.width
        if len(lines) > most:
            lines = [*lines[: most - 1], _ended(lines[most - 1], size, len(text))]
            break
    while len(lines) > 1 and not lines[-1]:
        lines.pop()
    return [_placed(line, room) for line in lines]


def is_right_to_left(text: str) -> bool:
    """Tell whether the first letter that has a direction runs from right to left."""
    return next((_direction(c) == "R" for c in text if _direction(c) != "N"), False)


def _pieces(text: str, size: int, room: float, cuts: frozenset[int]) -> Iterator[Piece]:
    space = 0.0
    for match in _CHUNK.finditer(text):
        chunk, at = match.group(), match.start()
        if chunk == "\n":
            yield Piece(chunk, at, 0.0, 0.0)
            space = 0.0
        elif chunk[0].isspace():
            space = width(" ", size) * min(len(chunk), 3)
        else:
            for part in _divided(chunk, at, size, room, cuts):
                yield Piece(part, at, width(part, size), space)
                at += len(part)
                space = 0.0


def _divided(chunk: str, at: int, size: int, room: float, cuts: frozenset[int]) -> Iterator[str]:
    """Divide a run without spaces at cuts, around Chinese characters, and where it is wider than a line."""
    part = ""
    for cluster in clusters(chunk):
        alone = bool(CJK.match(cluster))
        breaks = alone or (part and CJK.match(part)) or at in cuts
        # Measured only now and then: a word of ordinary length fits.
        if part and (breaks or (len(part) >= 12 and width(part + cluster, size) > room)):
            yield part
            part = ""
        part += cluster
        at += len(cluster)
    if part:
        yield part


def _ended(line: Sequence[Piece], size: int, end: int) -> list[Piece]:
    kept = list(line[:-1] if len(line) > 3 else line)
    return [*kept, Piece("…", end, width("…", size), width(" ", size))]


def _placed(line: Sequence[Piece], room: float) -> list[Piece]:
    """Give each piece of a line its x, in the order in which they are seen."""
    leftwards = is_right_to_left("".join(piece.text for piece in line))
    x, seen = 0.0, []
    for piece, gap in _in_order(line, leftwards):
        x += gap
        seen.append(replace(piece, x=x))
        x += piece.width
    shift = room - x if leftwards else 0.0
    return [replace(piece, x=piece.x + shift) for piece in seen]


def _in_order(line: Sequence[Piece], leftwards: bool) -> Iterator[tuple[Piece, float]]:
    """Yield the pieces from left to right, each with the gap before it."""
    directions = ["R" if leftwards else "L"] * len(line)
    for at, piece in enumerate(line):
        found = {_direction(c) for c in piece.text} - {"N"}
        # A piece without direction, such as a number, goes with the one before it.
        directions[at] = "R" if "R" in found else "L" if found else directions[max(at - 1, 0)]
    spans: list[list[int]] = []
    for at, direction in enumerate(directions):
        if spans and directions[spans[-1][0]] == direction:
            spans[-1].append(at)
        else:
            spans.append([at])
    order = [at for span in (reversed(spans) if leftwards else spans) for at in _within(span, directions)]
    for place, at in enumerate(order):
        before = order[place - 1] if place else None
        # The space between two neighbours is kept before the one that is read later.
        yield line[at], 0.0 if before is None else line[max(at, before)].space


def _within(span: list[int], directions: Sequence[str]) -> list[int]:
    return span[::-1] if directions[span[0]] == "R" else span


def _direction(character: str) -> str:
    match unicodedata.bidirectional(character):
        case "R" | "AL":
            return "R"
        case "L":
            return "L"
        case _:
            return "N"
