"""Finds the digits in a picture: tries each way to see its ink, and keeps the one that reads most like digits.

Strokes that broke apart are joined, digits that touch are cut apart, where the network reads the outcome better.
Imported by the worker and the trainer only.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import numpy as np

from plugins.digits.centring import Floats
from plugins.digits.components import Component, Pieces, Place, clear, pieces_of
from plugins.digits.ink import Pixels, prepared, ways
from plugins.digits.reader import Doubles, Read, Reader
from plugins.digits.touching import cuts

NEAR: Final = 0.35
"""Gap between two parts of one digit, as a share of the larger one's height."""
SMALL: Final = 0.45
"""Height of a digit at least, as a share of that of a usual one in the picture."""
LARGE: Final = 2.5
CLEAR: Final = 0.45
CERTAIN: Final = 0.8
"""Score from which on a picture holds digits: how sure they are, on the mean, times the root of the share that they
have in all that is as large."""
LONE: Final = 0.85
"""What the score of digits that one way alone sees counts beside that of those that another sees too: ink is ink
whatever the threshold, a blotch of a photograph is not."""
SHARED: Final = 0.5
"""Share of two boxes together that both have, where both are of one digit."""
SOME: Final = 0.2
"""Share of the largest pieces that are digits as they are, at least, where there are more than can be digits: else it
is noise or a texture, and not looked at more closely."""
MOST_WIDE: Final = 40
"""Components that are tried to be cut apart, at most."""
CUT_OFF: Final = 3
"""Pieces at the edge of a picture that do not count against its holding digits."""
CUT_WHETHER: Final = 0.9
CUT_SURE: Final = 0.8
"""Parts that a component is cut into must be digits more plainly, and be read so surely, the more the fewer."""
MOST_JOINED: Final = 150
"""Pairs of pieces that are tried as one digit, at most."""
Span = tuple[int, int]
T = TypeVar("T")
Looking = Generator[Floats, Read, T]
"""Work that asks for images of n x 28 x 28 to be read, and is sent what was read."""


@dataclass(frozen=True)
class Digit:
    """A digit that was found: where, in pixels of the picture, and the probabilities of what it is.

    `which` are ten probabilities, were it a digit; `whether` is the probability that it is one.
    """

    left: float
    top: float
    right: float
    bottom: float
    which: tuple[float, ...]
    whether: float

    @property
    def value(self) -> int:
        """Return the most probable digit."""
        return int(np.argmax(self.which))

    @property
    def probability(self) -> float:
        """Return the probability that it is this digit: that it is one at all, and this one."""
        return self.whether * max(self.which)

    @property
    def height(self) -> float:
        """Return the height in pixels."""
        return self.bottom - self.top

    @property
    def area(self) -> float:
        """Return the area of the box in pixels."""
        return self.height * (self.right - self.left)


@dataclass(frozen=True)
class Found:
    """The digits of a picture, and how sure it is that it holds any (0…1); `many` where not all was looked at."""

    digits: list[Digit]
    score: float
    many: bool = False


@dataclass(frozen=True)
class _Candidate:
    component: Component
    place: Place
    which: Doubles
    whether: float

    @property
    def sure(self) -> float:
        return self.whether * float(self.which.max())


def find(pictures: Sequence[Pixels], reader: Reader) -> list[Found]:
    """Find and read the digits of pictures (height x width x 3); none of them in one that holds no digit clearly.

    Each way to see each picture asks what some of its pieces are, a few times over; what all ask goes through the
    network together.
    """
    seen = [
        (at, ink.prior, _seen(pieces_of(ink), scale, reader.calibration.threshold))
        for at, (grey, scale) in enumerate(map(prepared, pictures))
        for ink in ways(grey)
    ]
    read: list[list[tuple[float, Found]]] = [[] for _ in pictures]
    together = _together([looking for _, _, looking in seen], reader)
    for (at, prior, _), found in zip(seen, together, strict=True):
        read[at].append((prior * _worth(found), found))
    return [_decided(each) for each in read]


def _decided(read: Sequence[tuple[float, Found]]) -> Found:
    """Choose the way that is worth most, and say what is left of it where the picture holds no digits on the whole."""
    worth, best = max(read, key=lambda each: each[0], default=(0.0, Found([], 0.0)))
    if not worth:
        return Found([], 0.0)
    others = [digit for _, found in read if found is not best for digit in found.digits]
    again = [any(_same(digit, other) for other in others) for digit in best.digits]
    score = best.score * (LONE + (1 - LONE) * float(np.mean(again)))
    return replace(best, score=score, digits=best.digits if score >= CERTAIN else [])


def _same(one: Digit, other: Digit) -> bool:
    """Tell whether two ways to see a picture read the same digit at the same place."""
    wide = min(one.right, other.right) - max(one.left, other.left)
    high = min(one.bottom, other.bottom) - max(one.top, other.top)
    shared = max(0.0, wide) * max(0.0, high)
    return one.value == other.value and shared > SHARED * (one.area + other.area - shared)


def _together(lookings: Sequence[Looking[Found]], reader: Reader) -> list[Found]:
    """Run all to their ends, reading what they ask for in common batches."""
    done: dict[int, Found] = {}
    asked: dict[int, Floats] = {}

    def go_on(at: int, answer: Read | None) -> None:
        try:
            asked[at] = next(lookings[at]) if answer is None else lookings[at].send(answer)
        except StopIteration as stop:
            done[at] = stop.value

    for at in range(len(lookings)):
        go_on(at, None)
    while asked:
        waiting, asked = asked, {}
        read = reader.read(np.concatenate(list(waiting.values())))
        start = 0
        for at, images in waiting.items():
            rows = slice(start, start := start + len(images))
            go_on(at, Read(read.which[rows], read.whether[rows]))
    return [done[at] for at in range(len(lookings))]


def _worth(found: Found) -> float:
    """Prefer the way that reads more digits more surely; of equals the one that leaves less unread."""
    return sum(max(0.05, digit.probability - 0.5) for digit in found.digits) * (0.5 + 0.5 * found.score)


def _seen(pieces: Pieces, scale: float, threshold: float) -> Looking[Found]:
    components = [c for c in pieces.components if clear(pieces, c) >= CLEAR]
    if not components:
        return Found([], 0.0, pieces.many)
    candidates = yield from _read(pieces, [(c, c.place) for c in components])
    if pieces.many and np.mean([c.whether >= threshold for c in candidates]) < SOME:
        return Found([], 0.0, pieces.many)
    candidates = yield from _joined(pieces, candidates, threshold)
    candidates = yield from _apart(pieces, candidates, threshold)
    accepted = [c for c in candidates if c.whether >= threshold]
    if not accepted:
        return Found([], max((c.whether * 0.5 for c in candidates), default=0.0), pieces.many)
    usual = _usual_height(accepted)
    kept = [c for c in accepted if SMALL * usual <= c.place.height <= LARGE * usual]
    high, wide = pieces.ink.mask.shape
    inner = [c for c in kept if not c.place.at_edge(wide, high)]
    kept = inner or kept
    others = [c.place for c in candidates if c.whether < threshold]
    large = [place for place in others if SMALL * usual <= max(place.height, place.width)]
    # A few pieces at the edge of the picture are shade, or what it cuts off.
    cut_off = sum(place.at_edge(wide, high) for place in large)
    share = len(kept) / (len(kept) + len(large) - min(cut_off, CUT_OFF))
    score = float(np.mean([c.whether for c in kept])) * share**0.5
    return Found([_digit(c, scale) for c in kept], score, pieces.many)


def _read(pieces: Pieces, chosen: Sequence[tuple[Component, Place]]) -> Looking[list[_Candidate]]:
    if not chosen:
        return []
    read = yield np.stack([pieces.image(component, place) for component, place in chosen])
    return [
        _Candidate(component, place, read.which[at], float(read.whether[at]))
        for at, (component, place) in enumerate(chosen)
    ]


def _usual_height(candidates: Sequence[_Candidate]) -> float:
    """Return the median height, each weighed by its height, so that a few specks have no say."""
    heights = np.sort([c.place.height for c in candidates])
    weight = np.cumsum(heights)
    return float(heights[int(np.searchsorted(weight, weight[-1] / 2))])


def _joined(pieces: Pieces, candidates: list[_Candidate], threshold: float) -> Looking[list[_Candidate]]:
    """Join pieces to the neighbour of which they are a stroke, where the whole reads better than its parts."""
    tallest = max(c.place.height for c in candidates)
    pairs = []
    for at, one in enumerate(candidates):
        if one.whether >= threshold and one.place.height >= SMALL * tallest:
            continue
        for other_at, other in enumerate(candidates):
            if (
                other_at != at
                and _close(one.place, other.place)
                and one.component.area <= other.component.area
            ):
                pairs.append((at, other_at))
    pairs = pairs[:MOST_JOINED]
    wholes = [_whole(candidates[a].component, candidates[b].component) for a, b in pairs]
    read = yield from _read(pieces, [(whole, whole.place) for whole in wholes])
    gone: set[int] = set()
    made = []
    for (part, main), whole in sorted(zip(pairs, read, strict=True), key=lambda each: -each[1].sure):
        if part in gone or main in gone or whole.whether < threshold:
            continue
        parts = candidates[main].sure, candidates[part].sure
        likely = parts[0] * parts[1] if candidates[part].whether >= threshold else max(parts) - 0.02
        if whole.sure >= likely:
            gone |= {part, main}
            made.append(whole)
    return [c for at, c in enumerate(candidates) if at not in gone] + made


def _whole(one: Component, other: Component) -> Component:
    return Component(one.place.joined(other.place), one.labels + other.labels, one.area + other.area)


def _close(one: Place, other: Place) -> bool:
    reach = NEAR * max(one.height, other.height)
    across = max(one.left, other.left) - min(one.right, other.right)
    down = max(one.top, other.top) - min(one.bottom, other.bottom)
    whole = one.joined(other)
    # A digit is seldom wider than high; two that stand side by side are.
    return across <= reach and down <= reach and whole.width <= 1.1 * whole.height


def _entwined(one: Place, other: Place) -> bool:
    """Tell whether two boxes lie so far within each other as those of two digits seldom do, but strokes of a 4 or 5."""
    across = min(one.right, other.right) - max(one.left, other.left)
    down = min(one.bottom, other.bottom) - max(one.top, other.top)
    narrow, low = min(one.width, other.width), min(one.height, other.height)
    return across >= 0.4 * narrow and down >= 0.3 * low and _close(one, other)


def _apart(pieces: Pieces, candidates: list[_Candidate], threshold: float) -> Looking[list[_Candidate]]:
    """Cut components apart that may be several digits, where the parts read better than the whole."""
    wide = [at for at, one in enumerate(candidates) if _wide(one, threshold)][:MOST_WIDE]
    spans = {at: _spans(pieces, candidates[at]) for at in wide}
    asked = [
        (candidates[at].component, _part(pieces, candidates[at], span)) for at in wide for span in spans[at]
    ]
    read = iter((yield from _read(pieces, asked)))
    out = []
    for at, one in enumerate(candidates):
        parts = {span: next(read) for span in spans.get(at, [])}
        out += _best_path(one, parts, threshold) or [one]
    return out


def _wide(one: _Candidate, threshold: float) -> bool:
    ratio = one.place.width / max(1, one.place.height)
    return one.place.height >= 10 and ((0.75 < ratio < 8 and one.whether < threshold) or 1.25 < ratio < 8)


def _spans(pieces: Pieces, one: _Candidate) -> list[Span]:
    """Return the parts that cuts make of a component, from a column to another; none is as wide as the whole."""
    box = one.place
    columns = cuts(pieces.crop(one.component, box))
    return [
        (a, b)
        for at, a in enumerate(columns)
        for b in columns[at + 1 :]
        if 0.08 * box.height <= b - a <= 1.3 * box.height and (a, b) != (0, box.width)
    ]


def _best_path(whole: _Candidate, parts: dict[Span, _Candidate], threshold: float) -> list[_Candidate] | None:
    """Choose the parts, side by side over the whole width, that read best; None where the whole reads better."""
    height, width = whole.place.height, whole.place.width
    best: dict[int, tuple[float, list[Span]]] = {0: (0.0, [])}
    for end in sorted({b for _, b in parts}):
        steps = [
            (best[start][0] + _value(part, height), [*best[start][1], (start, stop)])
            for (start, stop), part in parts.items()
            if stop == end and start in best
        ]
        if steps:
            best[end] = max(steps)
    if width not in best:
        return None
    path = [parts[span] for span in best[width][1]]
    if min(part.whether for part in path) < max(threshold, CUT_WHETHER):
        return None
    # Letters are made of strokes, each of which is a 1.
    if 2 * sum(int(part.which.argmax()) == 1 for part in path) > len(path):
        return None
    together = float(np.prod([part.sure for part in path]))
    return path if together >= max(CUT_SURE ** (len(path) / 2), whole.sure) else None


def _value(part: _Candidate, height: int) -> float:
    # What is low beside the whole is the rest of a stroke, not a digit.
    return float(np.log(max(part.sure, 1e-6))) if part.place.height >= 0.5 * height else -20.0


def _part(pieces: Pieces, one: _Candidate, span: Span) -> Place:
    """Return the box of a part, shrunk to the ink in it."""
    box = one.place
    place = Place(box.left + span[0], box.top, box.left + span[1], box.bottom)
    rows = np.flatnonzero(pieces.crop(one.component, place).max(1) > 0.3)
    if not len(rows):
        return place
    return place._replace(top=box.top + int(rows[0]), bottom=box.top + int(rows[-1]) + 1)


def _digit(one: _Candidate, scale: float) -> Digit:
    left, top, right, bottom = (value / scale for value in one.place)
    return Digit(left, top, right, bottom, tuple(float(p) for p in one.which), one.whether)
