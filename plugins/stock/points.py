"""What tomorrow's close is expected to be: the simple forecasts, and the rule by which another may replace them."""

from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from plugins.stock.prices import RESET, Prices
from plugins.stock.volatility import HORIZONS

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
DRIFT_DAYS: Final = 500
TRIAL: Final = 250
"""Days over which a forecast must have been no worse than "as today" to be used on the next."""
FEWEST: Final = 60
"""Days that such a trial takes at least."""


class Candidate(Protocol):
    """A point forecast."""

    def moves(self, prices: Prices) -> Floats:
        """Return expected moves of the logarithm of the price (T × HORIZONS), each from its day and those before."""
        ...


class RandomWalk:
    """As today."""

    def moves(self, prices: Prices) -> Floats:
        """Expect no move."""
        return np.zeros((len(prices), HORIZONS))


class Drift:
    """As today, and on by the mean daily move of late."""

    def moves(self, prices: Prices) -> Floats:
        """Expect the mean move of the last `DRIFT_DAYS` for each day ahead."""
        moves = prices.moves
        total = np.cumsum(np.where(np.abs(moves) > RESET, 0.0, moves))
        start = np.maximum(np.arange(len(prices)) - DRIFT_DAYS, 0)
        mean = (total - total[start]) / np.maximum(np.arange(len(prices)) - start, 1)
        return np.asarray(mean[:, None] * np.arange(1, HORIZONS + 1))


def for_one_day(moves: Floats) -> Floats:
    """Return expected moves (T × HORIZONS) where only the next day's (T) are foreseen: after it, as then."""
    return np.repeat(moves[:, None], HORIZONS, axis=1)


def proven(close: Floats, moves: Floats) -> Bools:
    """Tell for each day whether forecasts of the next day were no worse than "as today" over the `TRIAL` days before.

    `close` (T) and expected `moves` (T × HORIZONS). What was forecast on the day itself is not known to be good yet.
    """
    errors = np.abs(close[1:] - close[:-1] * np.exp(moves[:-1, 0]))
    gain = np.concatenate([[0.0], np.cumsum((np.abs(np.diff(close)) - errors) / close[:-1])])
    days = np.arange(len(close))
    return np.asarray((days >= FEWEST) & (gain - gain[np.maximum(days - TRIAL, 0)] >= 0))
