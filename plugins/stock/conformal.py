"""Adaptive conformal intervals: how many times the expected spread to reach out, learned from each miss and each hit.

The half-width in units of the spread is raised after a miss and lowered after a hit, so that the share of misses
comes out as promised over any stretch that is long against 1 / `step`, however prices behave (quantile tracking:
Gibbs & Candès 2021; Angelopoulos, Candès & Tibshirani 2023). Nothing but the past is looked at.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LEVELS: Final = (0.5, 0.9)
START: Final = (0.77, 2.03)
"""Half-widths at the start, one a level, in the spreads of `plugins.stock.volatility`."""
STEP: Final = 0.035
"""How far the logarithm of a half-width moves by a miss, one day ahead: the most that costs next to no sharpness."""
SLOWER: Final = 0.25
"""Misses of overlapping spans come in rows: for h days ahead the step is smaller by h to this power."""
FIRST_STEP: Final = 1.0
FIRST_DAYS: Final = 10
"""Steps are `FIRST_STEP` / (`FIRST_DAYS` + days seen) while that is more, so that a wrong start is soon forgotten."""


def track(
    scores: Floats,
    levels: tuple[float, ...] = LEVELS,
    start: tuple[float, ...] = START,
    step: float = STEP,
) -> Floats:
    """Return half-widths (levels × T × H) to use at each day for each number of days ahead.

    `scores` (T × H) are |what came − what was expected| / spread of the forecast made at day t for h + 1 days ahead;
    not a number where it has not come yet. That of day t is learned from at day t + h + 1, when it is known.
    """
    days, horizons = scores.shape
    target = np.array(levels)[:, None]
    ahead = np.arange(1, horizons + 1)
    steps, first_steps = step / ahead**SLOWER, FIRST_STEP / np.sqrt(ahead)
    reach = np.empty((len(levels), days, horizons))
    now = np.log(np.array(start))[:, None] + np.zeros(horizons)
    columns = np.arange(horizons)
    for day in range(days):
        known = columns[: min(day, horizons)]
        if len(known):
            origin = day - ahead[known]
            seen = scores[origin, known]
            missed = seen > reach[:, origin, known]
            size = np.maximum(steps[known], first_steps[known] / (FIRST_DAYS + day))
            now[:, known] += size * (missed - (1 - target)) * np.isfinite(seen)
        reach[:, day] = np.exp(np.maximum.accumulate(now, axis=0))
    return reach
