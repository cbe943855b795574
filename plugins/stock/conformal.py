"""Adaptive conformal intervals: how many times the expected spread to reach out, learned from each miss and each hit.

The half-width in units of the spread is raised after a miss and lowered after a hit, so that the share of misses
comes out as promised over any stretch that is long against 1 / `step`, however prices behave (quantile tracking:
Gibbs & Candès 2021; Angelopoulos, Candès & Tibshirani 2023). Nothing but the past is looked at.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LEVELS: Final = (0.5, 0.9)
START: Final = (0.63, 1.62)
"""Half-widths in spreads at the start, one a level: about those of daily moves in general."""
STEP: Final = 0.05
"""How far the logarithm of a half-width moves by a miss, one day ahead."""
FIRST_STEP: Final = 1.0
"""Steps are `FIRST_STEP` / days seen while that is more, so that a wrong start is soon forgotten."""


@dataclass(frozen=True)
class Tracked:
    """Half-widths in spreads (levels × T × horizons): `reach[:, t]` is what could be known at the end of day t."""

    reach: Floats


def track(
    scores: Floats,
    levels: tuple[float, ...] = LEVELS,
    start: tuple[float, ...] = START,
    step: float = STEP,
    first_step: float = FIRST_STEP,
) -> Floats:
    """Return half-widths (levels × T × H) to use at each day for each number of days ahead.

    `scores` (T × H) are |what came − what was expected| / spread of the forecast made at day t for h + 1 days ahead;
    not a number where it has not come yet. That of day t is learned from at day t + h + 1, when it is known.
    """
    days, horizons = scores.shape
    target = np.array(levels)[:, None]
    ahead = np.arange(1, horizons + 1)
    # Misses of overlapping spans come in rows; smaller steps keep them from being counted many times over.
    steps = step / np.sqrt(ahead)
    reach = np.empty((len(levels), days, horizons))
    now = np.log(np.array(start))[:, None] + np.zeros(horizons)
    columns = np.arange(horizons)
    for day in range(days):
        known = columns[: min(day, horizons)]
        if len(known):
            origin = day - ahead[known]
            seen = scores[origin, known]
            missed = seen > reach[:, origin, known]
            size = np.maximum(steps[known], first_step / ahead[known] / (10 + day))
            # A level is missed by 1 − level of the days; the step is scaled so that hits and misses balance there.
            now[:, known] += size * (missed - (1 - target)) * np.isfinite(seen)
        reach[:, day] = np.exp(np.maximum.accumulate(now, axis=0))
    return reach
