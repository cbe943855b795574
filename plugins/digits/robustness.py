"""How well digits are read that were turned, moved, dimmed, spoiled or photographed: the table of the model's card.

Every spoiling has one stated strength, and no network was trained on exactly it. Imported by the command line only.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from plugins.digits.centring import settled, unit
from plugins.digits.data import Digits
from plugins.digits.finder import find
from plugins.digits.ink import Pixels
from plugins.digits.lines import in_lines
from plugins.digits.pages import compose
from plugins.digits.reader import Reader
from shared.model import Progress

SEED: Final = 11
SIDE: Final = 28
ENLARGED: Final = 160
AT_ONCE: Final = 16
Images = NDArray[np.uint8]
Random = np.random.Generator


@dataclass(frozen=True)
class Row:
    """One row of the table: what was done, what read the digits, the share that is right, and of how many."""

    what: str
    door: str
    accuracy: float
    n: int


def robustness(
    reader: Reader, digits: Digits, progress: Progress, pictures: int = 1000, pages: int = 200
) -> list[Row]:
    """Spoil all of `digits` for the network, and the first `pictures` of them for the finder; compose so many pages."""
    rows = []
    for at, (what, spoil) in enumerate(SPOILED.items()):
        images = spoil(digits.images, np.random.default_rng(SEED))
        said = reader.read(settled(images)).which.argmax(1)
        rows.append(Row(what, "network", float((said == digits.labels).mean()), len(digits)))
        progress(0.4 * (at + 1) / len(SPOILED), what)
    some = digits.at(np.arange(min(pictures, len(digits))))
    for at, (what, show) in enumerate(SHOWN.items()):
        rows.append(Row(what, "finder", _found_alone(reader, some, show), len(some)))
        progress(0.4 + 0.4 * (at + 1) / len(SHOWN), what)
    rows += _read_pages(reader, digits, pages)
    progress(1.0, "done")
    return rows


def _found_alone(
    reader: Reader, digits: Digits, show: Callable[[NDArray[np.float32], Random], Pixels]
) -> float:
    """Return the share of pictures of one digit in which exactly that digit is found."""
    random = np.random.default_rng(SEED)
    right = 0
    for start in range(0, len(digits), AT_ONCE):
        part = digits.at(np.arange(start, min(start + AT_ONCE, len(digits))))
        shown = [show(_enlarged(image), random) for image in part.images]
        for found, label in zip(find(shown, reader), part.labels, strict=True):
            right += [digit.value for digit in found.digits] == [label]
    return right / len(digits)


def _read_pages(reader: Reader, digits: Digits, pages: int) -> list[Row]:
    random = np.random.default_rng(SEED)
    lines = whole = written = hits = 0
    for _ in range(pages):
        page = compose(digits, random)
        (found,) = find([page.pixels], reader)
        read = ["".join(str(digit.value) for digit in line) for line in in_lines(found.digits)]
        lines += len(page.lines)
        written += sum(map(len, page.lines))
        if len(read) == len(page.lines):
            whole += sum(map(str.__eq__, read, page.lines))
            hits += sum(len(a) - _distance(a, b) for a, b in zip(page.lines, read, strict=True))
    return [
        Row("pages: digits, less each one wrong, missed or added", "finder", hits / written, written),
        Row("pages: whole lines without a mistake", "finder", whole / lines, lines),
    ]


def _distance(one: str, other: str) -> int:
    """Return how many digits must be changed, added or taken to make one line the other (Levenshtein 1966)."""
    row = list(range(len(other) + 1))
    for at, a in enumerate(one, 1):
        last, row[0] = row[0], at
        for column, b in enumerate(other, 1):
            last, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, last + (a != b))
    return row[-1]


def _warped(
    turn: float = 0, scale: float = 1, shear: float = 0, move: tuple[float, float] = (0, 0)
) -> Callable[[Images, Random], Images]:
    """Return what turns (degrees), sizes, slants and moves (pixels) images, each to a random side."""

    def warp(images: Images, random: Random) -> Images:
        out = np.empty_like(images)
        for at, image in enumerate(images):
            sides = random.choice([-1, 1], 4)
            angle, grown = np.deg2rad(turn * sides[0]), float(scale) ** int(sides[1])
            c, s = np.cos(angle), np.sin(angle)
            matrix = grown * np.array([[c, -s], [s, c]]) @ np.array([[1, shear * sides[2]], [0, 1]])
            middle = np.array([(SIDE - 1) / 2, (SIDE - 1) / 2])
            off = middle - matrix @ middle + np.array(move) * sides[2:]
            out[at] = cv2.warpAffine(
                image, np.column_stack([matrix, off]), (SIDE, SIDE), flags=cv2.INTER_LINEAR
            )
        return out

    return warp


def _each(
    change: Callable[[NDArray[np.float32], Random], NDArray[np.float32]],
) -> Callable[[Images, Random], Images]:
    def spoil(images: Images, random: Random) -> Images:
        changed = np.stack([change(unit(image), random) for image in images])
        return np.asarray(np.rint(np.clip(changed, 0, 1) * 255), np.uint8)

    return spoil


def _specks(x: NDArray[np.float32], random: Random) -> NDArray[np.float32]:
    chance = random.random(x.shape)
    return np.where(chance < 0.025, 0, np.where(chance > 0.975, 1, x)).astype(np.float32)


def _struck(x: NDArray[np.float32], random: Random) -> NDArray[np.float32]:
    top, left = random.integers(6, 18, 2)
    out = x.copy()
    out[top : top + 5, left : left + 5] = 0
    return out


def _noisy(x: NDArray[np.float32], random: Random) -> NDArray[np.float32]:
    return (x + random.normal(0, 0.25, x.shape)).astype(np.float32)


SPOILED: Final[Mapping[str, Callable[[Images, Random], Images]]] = {
    "clean": lambda images, random: images,
    "inverted": lambda images, random: 255 - images,
    "dim: contrast 0.3 on a ground of 0.3": _each(lambda x, random: 0.3 + 0.3 * x),
    "moved by 3 pixels, both ways": _warped(move=(3, 3)),
    "turned by 15°": _warped(turn=15),
    "turned by 25°": _warped(turn=25),
    "slanted by 0.3": _warped(shear=0.3),
    "a fifth larger or smaller": _warped(scale=1.2),
    "noise, deviation 0.25": _each(_noisy),
    "salt and pepper, 5 % of the pixels": _each(_specks),
    "blurred, deviation 1.2 pixels": _each(
        lambda x, random: np.asarray(cv2.GaussianBlur(x, (0, 0), 1.2), np.float32)
    ),
    "thick strokes: maximum of 3 x 3": _each(
        lambda x, random: np.asarray(cv2.dilate(x, np.ones((3, 3))), np.float32)
    ),
    "thin strokes: minimum of 2 x 2": _each(
        lambda x, random: np.asarray(cv2.erode(x, np.ones((2, 2))), np.float32)
    ),
    "a hole of 5 x 5 pixels": _each(_struck),
}
"""What is done to the 28 x 28 images, which the network then reads."""


def _enlarged(image: Images) -> NDArray[np.float32]:
    big = cv2.resize(unit(image), (ENLARGED, ENLARGED), interpolation=cv2.INTER_CUBIC)
    return np.clip(big, 0, 1).astype(np.float32)


def _inked(
    ink: NDArray[np.float32], pen: tuple[float, float, float], paper: tuple[float, float, float]
) -> NDArray[np.float64]:
    return np.asarray(np.array(paper) * (1 - ink[..., None]) + np.array(pen) * ink[..., None], np.float64)


def _pixels(values: NDArray[np.floating]) -> Pixels:
    return np.asarray(np.rint(np.clip(values, 0, 1) * 255), np.uint8)


def _in_shade(ink: NDArray[np.float32], random: Random) -> Pixels:
    """Return dark ink on paper; a shadow takes two thirds of the light from one side."""
    down, right = np.mgrid[:ENLARGED, :ENLARGED] / ENLARGED
    angle = random.uniform(0, 2 * np.pi)
    across = np.cos(angle) * (down - 0.5) + np.sin(angle) * (right - 0.5)
    light = 0.35 + 0.6 / (1 + np.exp(-12 * across))
    lit = _inked(ink, (0.1, 0.1, 0.15), (0.95, 0.93, 0.88)) * light[..., None]
    return _pixels(lit + random.normal(0, 0.02, (ENLARGED, ENLARGED, 1)))


def _coloured(ink: NDArray[np.float32], random: Random) -> Pixels:
    """Return ink of one hue on a ground of the opposite one, of the same brightness."""
    hue = random.uniform(0, 180)
    pair = np.array([[[hue, 200, 200], [(hue + 90) % 180, 200, 200]]], np.uint8)
    pen, paper = cv2.cvtColor(pair, cv2.COLOR_HSV2RGB)[0] / 255
    return _pixels(_inked(ink, tuple(pen), tuple(paper)))


def _tilted(ink: NDArray[np.float32], random: Random) -> Pixels:
    """Return a photo taken aslant: each corner moved by up to 12 % of the side."""
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32) * ENLARGED
    moved = corners + random.uniform(-0.12, 0.12, (4, 2)).astype(np.float32) * ENLARGED
    matrix = cv2.getPerspectiveTransform(corners, moved)
    aslant = np.asarray(cv2.warpPerspective(ink, matrix, (ENLARGED, ENLARGED)), np.float32)
    return _pixels(_inked(aslant, (0.1, 0.1, 0.3), (0.9, 0.9, 0.85)))


def _compressed(ink: NDArray[np.float32], random: Random) -> Pixels:
    written = cv2.imencode(
        ".jpg", _pixels(_inked(ink, (0.2, 0.2, 0.2), (0.9, 0.9, 0.9))), [cv2.IMWRITE_JPEG_QUALITY, 10]
    )[1]
    return np.asarray(cv2.imdecode(written, cv2.IMREAD_COLOR), np.uint8)


def _grainy(ink: NDArray[np.float32], random: Random) -> Pixels:
    clear = _inked(ink, (0.15, 0.15, 0.15), (0.85, 0.85, 0.85))
    return _pixels(cv2.GaussianBlur(clear, (0, 0), 2) + random.normal(0, 0.12, clear.shape))


def _ruled(ink: NDArray[np.float32], random: Random) -> Pixels:
    """Return a page with faint blue rules every 20 pixels, which the digit is written over."""
    paper = np.ones((ENLARGED, ENLARGED, 3)) * np.array([0.97, 0.97, 0.95])
    paper[int(random.integers(20)) :: 20] = (0.72, 0.8, 0.92)
    return _pixels(paper * (1 - ink[..., None]) + np.array([0.1, 0.1, 0.2]) * ink[..., None])


SHOWN: Final[Mapping[str, Callable[[NDArray[np.float32], Random], Pixels]]] = {
    "black on white": lambda ink, random: _pixels(_inked(ink, (0, 0, 0), (1, 1, 1))),
    "white on black": lambda ink, random: _pixels(_inked(ink, (1, 1, 1), (0, 0, 0))),
    "a hard shadow across": _in_shade,
    "coloured, ink and ground equally bright": _coloured,
    "taken aslant": _tilted,
    "JPEG of quality 10": _compressed,
    "out of focus, with grain": _grainy,
    "on ruled paper": _ruled,
}
"""How one digit is shown in a picture of 160 x 160, in which the finder then looks for it."""
