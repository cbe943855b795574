"""The steps in which the exchange quotes prices: an interval may end at the outermost price that can be traded in it.

TWSE's table for stocks (Operating Rules, article 62). Where recent prices are on none of these steps, as with funds or
another exchange, nothing is rounded.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
BOUNDS: Final = (10.0, 50.0, 100.0, 500.0, 1000.0)
SIZES: Final = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0)
"""Steps below the first of `BOUNDS`, between them, and from the last on."""
LOOK_BACK: Final = 60
"""Days whose closes must all be on the steps."""
SLACK: Final = 1e-6


def tick(price: Floats) -> Floats:
    """Return the step at each price."""
    return np.asarray(np.array(SIZES)[np.searchsorted(BOUNDS, np.asarray(price) + SLACK, side="right")])


def on_ticks(close: Floats) -> Bools:
    """Tell for each day whether its close and those of the `LOOK_BACK` days before are on the steps."""
    steps = close / tick(close)
    off = np.abs(steps - np.round(steps)) > 1e-3
    before = np.cumsum(off)
    earlier = np.concatenate([np.zeros(min(LOOK_BACK, len(off)), dtype=int), before[:-LOOK_BACK]])
    return np.asarray(before == earlier)


def inwards(low: Floats, high: Floats, allowed: Bools) -> tuple[Floats, Floats]:
    """Return the outermost prices on the steps in each interval; its ends where there are none, or not `allowed`."""
    up, down = tick(low), tick(high)
    new_low, new_high = np.ceil(low / up - SLACK) * up, np.floor(high / down + SLACK) * down
    use = allowed & (new_low <= new_high)
    return np.where(use, new_low, low), np.where(use, new_high, high)
