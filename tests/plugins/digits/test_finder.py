"""The finder finds what is written, in any light and colour, and nothing where nothing is."""

from collections.abc import Iterator

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from plugins.digits.components import FEW, MOST, pieces_of
from plugins.digits.finder import Found, find
from plugins.digits.ink import Pixels, prepared, ways
from plugins.digits.lines import in_lines
from plugins.digits.model import DigitsModel
from plugins.digits.reader import Reader
from plugins.digits.touching import cuts
from shared.model import Device
from tests.plugins.digits.drawn import written

NUMBER = "20574"
RANDOM = np.random.default_rng(5)


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield DigitsModel.load(DigitsModel.default, Device()).reader
    torch.set_num_threads(threads)


def lines(found: Found) -> list[str]:
    return ["".join(str(digit.value) for digit in line) for line in in_lines(found.digits)]


def read(pixels: Pixels, reader: Reader) -> list[str]:
    (found,) = find([pixels], reader)
    return lines(found)


def shaded(pixels: Pixels) -> Pixels:
    high, wide = pixels.shape[:2]
    light = np.linspace(1.0, 0.35, wide)[None, :, None] * np.linspace(1.0, 0.8, high)[:, None, None]
    noise = np.random.default_rng(1).normal(0, 4, pixels.shape)
    return np.asarray(np.clip(pixels * light + noise, 0, 255), np.uint8)


@pytest.mark.parametrize(
    ("ink", "paper"),
    [
        ((20, 20, 20), (250, 250, 250)),
        ((250, 250, 250), (15, 15, 15)),
        ((30, 60, 200), (240, 240, 200)),
        ((220, 40, 40), (40, 150, 40)),
        ((150, 150, 150), (200, 200, 200)),
    ],
    ids=["black on white", "white on black", "blue on cream", "red on green, as bright", "grey on grey"],
)
def test_a_number_is_read_in_any_colours(
    reader: Reader, ink: tuple[int, int, int], paper: tuple[int, int, int]
) -> None:
    assert read(written([NUMBER], ink, paper), reader) == [NUMBER]


@pytest.mark.parametrize("size", [0.8, 1.5, 4.0])
def test_a_number_is_read_in_any_size(reader: Reader, size: float) -> None:
    page = written([NUMBER], size=4.0)
    scaled = cv2.resize(page, None, fx=size / 4, fy=size / 4, interpolation=cv2.INTER_AREA)
    assert read(np.asarray(scaled, np.uint8), reader) == [NUMBER]


def test_a_number_is_read_in_shade_and_noise(reader: Reader) -> None:
    assert read(shaded(written([NUMBER])), reader) == [NUMBER]


def test_several_lines_come_in_reading_order(reader: Reader) -> None:
    assert read(shaded(written(["2057", "34", "926"])), reader) == ["2057", "34", "926"]


def test_one_digit_that_fills_its_picture_is_read(reader: Reader) -> None:
    assert read(written(["3"]), reader) == ["3"]


def test_boxes_lie_around_the_digits_of_the_picture_as_it_was(reader: Reader) -> None:
    small = written(["25"], size=2.0)
    large = np.asarray(cv2.resize(small, None, fx=5, fy=5), np.uint8)
    for pixels in (small, large):
        (found,) = find([pixels], reader)
        dark = pixels.min(2) < 120
        for digit in found.digits:
            box = dark[round(digit.top) : round(digit.bottom), round(digit.left) : round(digit.right)]
            assert box.mean() > 0.1
            assert digit.bottom <= pixels.shape[0]
        boxed = sum(
            dark[round(d.top) - 2 : round(d.bottom) + 2, round(d.left) - 2 : round(d.right) + 2].sum()
            for d in found.digits
        )
        assert boxed == pytest.approx(dark.sum(), rel=0.02)


def test_digits_that_touch_are_cut_apart(reader: Reader) -> None:
    page = written(["3"])
    columns = np.flatnonzero((page.min(2) < 120).any(0))
    glyph = page[:, columns[0] : columns[-1] + 1]
    other = written(["5"])
    columns = np.flatnonzero((other.min(2) < 120).any(0))
    edge = np.full((page.shape[0], 30, 3), page[0, 0], np.uint8)
    touching = np.concatenate([edge, glyph[:, :-1], other[:, columns[0] + 1 : columns[-1] + 1], edge], 1)
    grey, _ = prepared(touching)
    assert max(len(pieces_of(ink).components) for ink in ways(grey) if not ink.bright) == 1
    assert read(touching, reader) == ["35"]


def test_a_stroke_that_broke_off_is_joined(reader: Reader) -> None:
    page = written(["5"], size=4.0)
    dark = np.flatnonzero((page.min(2) < 120).any(1))
    gap = dark[0] + round(0.2 * (dark[-1] - dark[0]))
    page[gap : gap + 5] = page[0, 0]
    assert read(page, reader) == ["5"]


def test_pictures_of_a_batch_are_read_as_each_is_alone(reader: Reader) -> None:
    pages = [written(["12"]), written(["345", "6"]), shaded(written(["78"])), np.zeros((40, 40, 3), np.uint8)]
    together = find(pages, reader)
    assert [lines(found) for found in together] == [read(page, reader) for page in pages]
    assert find([], reader) == []


@pytest.mark.parametrize(
    "kind", ["white", "black", "grey", "ramp", "noise", "stripes", "disc", "square", "letters"]
)
def test_where_no_digit_is_none_is_found(reader: Reader, kind: str) -> None:
    assert read(_without(kind), reader) == []


@pytest.mark.parametrize("shape", [(1, 1), (1, 3000), (3000, 1), (2, 2), (5, 900), (900, 5)])
def test_pictures_of_odd_shapes_hold_no_digit(reader: Reader, shape: tuple[int, int]) -> None:
    assert read(RANDOM.integers(0, 256, (*shape, 3)).astype(np.uint8), reader) == []


def test_a_picture_of_countless_specks_is_looked_at_in_part(reader: Reader) -> None:
    specks = np.full((900, 900, 3), 255, np.uint8)
    for row in range(0, 890, 15):
        for column in range(0, 890, 15):
            specks[row : row + 10, column : column + 4] = 0
    grey, _ = prepared(specks)
    (pieces, *_) = [pieces_of(ink) for ink in ways(grey)]
    assert pieces.many
    assert len(pieces.components) == FEW
    (found,) = find([specks], reader)
    assert len(found.digits) <= MOST


def test_cuts_begin_and_end_at_the_edges_and_are_few() -> None:
    ink: NDArray[np.float32] = np.zeros((40, 400), np.float32)
    for left in range(0, 400, 25):
        ink[5:35, left + 4 : left + 20] = 1
    found = cuts(ink)
    assert (found[0], found[-1]) == (0, 400)
    assert found == sorted(found)
    assert len(found) <= 14
    assert any(abs(column - 24) <= 4 for column in found)


def _without(kind: str) -> Pixels:
    page = np.full((200, 240, 3), 255, np.uint8)
    match kind:
        case "black":
            page[:] = 0
        case "grey":
            page[:] = 128
        case "ramp":
            page[:] = np.linspace(0, 255, 240, dtype=np.uint8)[None, :, None]
        case "noise":
            page = np.random.default_rng(2).integers(0, 256, (200, 240, 3)).astype(np.uint8)
        case "stripes":
            page[::12] = 0
        case "disc":
            cv2.circle(page, (120, 100), 60, (0, 0, 0), -1, cv2.LINE_AA)
        case "square":
            cv2.rectangle(page, (60, 50), (160, 150), (0, 0, 0), -1)
        case "letters":
            return written(["XMKWA"])
        case _:
            pass
    return page
