"""Digits are put in reading order: lines from top to bottom, numbers from left to right."""

import random

from plugins.digits.finder import Digit
from plugins.digits.lines import groups, in_lines


def digit(value: int, left: float, top: float, height: float = 40) -> Digit:
    return Digit(
        left, top, left + 0.6 * height, top + height, tuple(float(v == value) for v in range(10)), 1.0
    )


def values(lines: list[list[Digit]]) -> list[str]:
    return ["".join(str(d.value) for d in line) for line in lines]


def shuffled(digits: list[Digit]) -> list[Digit]:
    return random.Random(3).sample(digits, len(digits))


def test_lines_are_read_from_top_to_bottom() -> None:
    rows = [digit(v, 30 * v, 100 * row) for row in range(3) for v in range(5)]
    assert values(in_lines(shuffled(rows))) == ["01234"] * 3


def test_a_line_that_slopes_is_one_line() -> None:
    sloping = [digit(v, 30 * v, 10 * v) for v in range(9)]
    below = [digit(v, 30 * v, 70 + 10 * v) for v in range(9)]
    assert values(in_lines(shuffled(sloping + below))) == ["012345678", "012345678"]


def test_digits_of_different_heights_are_one_line() -> None:
    line = [digit(1, 0, 10, 30), digit(2, 40, 0, 60), digit(3, 90, 15, 28)]
    assert values(in_lines(shuffled(line))) == ["123"]


def test_a_wide_gap_parts_two_numbers() -> None:
    line = [digit(1, 0, 0), digit(2, 30, 0), digit(3, 110, 0), digit(4, 140, 0)]
    (found,) = in_lines(shuffled(line))
    assert values(groups(found)) == ["12", "34"]


def test_no_digits_make_no_lines() -> None:
    assert in_lines([]) == []
