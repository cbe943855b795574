"""The simple rival: "as today", with intervals by split conformal prediction on moves scaled by one moving average.

What a forecast has to beat: Angelopoulos & Bates 2021, with the scale of RiskMetrics (1996).
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from plugins.stock.prices import Prices
from plugins.stock.volatility import FLOOR, ewma

Floats = NDArray[np.float64]
WEIGHT: Final = 0.06
"""Of the newest squared move in the average: RiskMetrics' for daily data."""
WINDOW: Final = 500
"""Days of which the quantile is taken."""
FEWEST: Final = 20
GUESS: Final = 1.645
"""Half-width in spreads while there are fewer days than `FEWEST`: that of a normal distribution at 90 %."""


class WalkIntervals:
    """Half-widths of the rival's intervals, as moves in logarithms; all from the past of each day."""

    def __init__(self, prices: Prices) -> None:
        self._logs = np.log(prices.close)
        self._spread = np.maximum(np.sqrt(ewma(prices.moves**2, WEIGHT)), FLOOR)

    def half_width(self, day: int, ahead: int, level: float = 0.9) -> float:
        """Return the half-width at the end of `day` for `ahead` days on, by the last scores known by then."""
        known = self._scores(ahead)[max(0, day + 1 - ahead - WINDOW) : max(0, day + 1 - ahead)]
        reach = GUESS
        if len(known) >= FEWEST:
            rank = min(len(known), int(np.ceil((len(known) + 1) * level)))
            reach = float(np.partition(known, rank - 1)[rank - 1])
        return float(reach * self._spread[day] * np.sqrt(ahead))

    def half_widths(self, days: NDArray[np.int_], ahead: int = 1, level: float = 0.9) -> Floats:
        """Return the half-width at the end of each of `days`."""
        return np.array([self.half_width(int(day), ahead, level) for day in days])

    def _scores(self, ahead: int) -> Floats:
        moves = np.abs(self._logs[ahead:] - self._logs[:-ahead])
        return np.asarray(moves / (self._spread[:-ahead] * ahead**0.5))
