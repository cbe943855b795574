"""Proposes where digits that touch may be cut apart: at columns where the ink is thin."""

from typing import Final

import numpy as np

from plugins.digits.centring import Floats

MOST_CUTS: Final = 14


def cuts(ink: Floats) -> list[int]:
    """Return columns to cut at, both ends among them; ascending, and few."""
    high, wide = ink.shape
    profile = np.convolve(ink.sum(0), np.ones(3) / 3, "same")
    margin = max(2, round(0.12 * high))
    inside = range(margin, wide - margin)
    low = [x for x in inside if profile[x] <= profile[max(0, x - 2) : x + 3].min() + 1e-6]
    # Even cuts too: digits may touch over their whole height.
    count = max(2, round(wide / (0.65 * high)))
    even = [round(wide * part / count) for part in range(1, count)]
    chosen: list[int] = []
    for x in [*sorted(low, key=lambda column: float(profile[column])), *even]:
        if all(abs(x - other) >= margin for other in chosen) and len(chosen) < MOST_CUTS - 2:
            chosen.append(x)
    return [0, *sorted(chosen), wide]
