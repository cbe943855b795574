"""Puts the digits that were found into lines, top to bottom, and each line into groups, left to right."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from plugins.digits.finder import Digit

OVERLAP: Final = 0.4
"""Share of the lower one's height in which two neighbours on one line overlap."""
FAR: Final = 4.0
"""Neighbours on one line are no farther apart than so many heights."""
APART: Final = 0.9
"""A gap of so many heights parts two numbers."""


def in_lines(digits: Sequence[Digit]) -> list[list[Digit]]:
    """Return the lines, each from left to right. Lines may slope: each digit looks for its neighbour to the right."""
    order = sorted(range(len(digits)), key=lambda at: digits[at].left)
    lines: list[list[int]] = []
    for at in order:
        fitting = [line for line in lines if _follows(digits[line[-1]], digits[at])]
        if fitting:
            min(fitting, key=lambda line: _off(digits[line[-1]], digits[at])).append(at)
        else:
            lines.append([at])
    rows = sorted(lines, key=lambda line: sum(digits[at].top + digits[at].bottom for at in line) / len(line))
    return [[digits[at] for at in line] for line in rows]


def groups(line: Sequence[Digit]) -> list[list[Digit]]:
    """Part a line where a gap is wide: what stands together is one number."""
    usual = sorted(digit.height for digit in line)[len(line) // 2]
    parts = [[line[0]]]
    for before, digit in pairwise(line):
        if digit.left - before.right > APART * usual:
            parts.append([])
        parts[-1].append(digit)
    return parts


def _follows(before: Digit, digit: Digit) -> bool:
    shared = min(before.bottom, digit.bottom) - max(before.top, digit.top)
    lower, higher = sorted((before.height, digit.height))
    return shared >= OVERLAP * lower and digit.left - before.right <= FAR * higher


def _off(before: Digit, digit: Digit) -> float:
    return abs(before.top + before.bottom - digit.top - digit.bottom) + max(0.0, digit.left - before.right)
