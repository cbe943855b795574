"""How far a price may move in the next days: a mix of moving averages of what each day's prices reveal.

A day's open, high, low and close say more of its variance than its close alone (Garman & Klass 1980); averages over
some days, weeks and months together foresee it better than one of them (Corsi 2009).
"""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from plugins.stock.prices import Prices

Floats = NDArray[np.float64]
HORIZONS: Final = 20
ANCHORS: Final = (1, 5, 20)
"""Days ahead for which weights are fitted; between them they are interpolated."""
FLOOR: Final = 1e-8
"""Daily variance is never taken for less: a hundredth of a per cent."""


class Volatility(msgspec.Struct, frozen=True):
    """Weights (anchors × spans, each row adds up to 1) of moving averages of daily variance, by their spans in days."""

    spans: list[float]
    weights: list[list[float]]

    def spread(self, prices: Prices) -> Floats:
        """Return the expected size of moves (T × HORIZONS), from what is known at the end of each day."""
        averages = averages_of(day_variance(prices), self.spans)
        anchors = np.array(self.weights)
        ahead = np.arange(1, HORIZONS + 1)
        weights = np.stack([np.interp(ahead, ANCHORS, column) for column in anchors.T], axis=1)
        return np.asarray(np.sqrt(np.maximum(averages @ weights.T, FLOOR) * ahead))


def day_variance(prices: Prices) -> Floats:
    """Return each day's variance (T): the move overnight squared, and Garman and Klass's for the hours of trading."""
    span = np.log(prices.high / prices.low)
    inside = np.log(prices.close / prices.open)
    return np.asarray(
        prices.overnight**2 + 0.5 * span**2 - (2 * np.log(2) - 1) * inside**2, dtype=float
    ).clip(0.0)


def averages_of(values: Floats, spans: list[float]) -> Floats:
    """Return exponentially weighted averages (T × spans) of `values` (T), each over the days up to its own."""
    found = np.empty((len(values), len(spans)))
    for column, span in enumerate(spans):
        found[:, column] = ewma(values, 2 / (span + 1))
    return found


def ewma(values: Floats, weight: float) -> Floats:
    """Return the exponentially weighted average up to each day; the first days weigh as much as they are many."""
    from scipy.signal import lfilter

    total = lfilter([weight], [1.0, weight - 1.0], values)
    share = 1 - (1 - weight) ** np.arange(1, len(values) + 1)
    return np.asarray(total / share)
