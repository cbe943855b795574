"""How far a price may move in the next days: a mix of moving averages of what each day's prices reveal.

A day's open, high, low and close say more of its volatility than its close alone (Garman & Klass 1980); averages over
days, weeks and months together foresee it better than one of them (Corsi 2009), and it rises more after falls (Black
1976). Sizes are averaged, not their squares, so that one jump does not stretch intervals for weeks.
"""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from plugins.stock.prices import Prices

Floats = NDArray[np.float64]
HORIZONS: Final = 20
ANCHORS: Final = (1, 5, 20)
"""Days ahead for which there are weights; between them they are interpolated."""
FLOOR: Final = 1e-4
"""Daily moves are never expected to be smaller: a hundredth of a per cent."""
SPANS: Final = (6.0, 30.0, 200.0)
"""Days over which sizes are averaged."""
USUAL: Final = (
    # Each line: for the hours of trading, the night before, and falls, over each of SPANS. Chosen by the Winkler score
    # on the first eight years of 2330 and on indices and stocks of another market; see the card.
    (0.38, 0.08, 0.06, 0.04, 0.07, 0.13, 0.09, 0.12, 0.03),
    (0.30, 0.11, 0.12, 0.01, 0.02, 0.22, 0.05, 0.15, 0.02),
    (0.24, 0.04, 0.25, 0.00, 0.00, 0.27, 0.05, 0.09, 0.06),
)


CLOSES: Final = 0.2
"""Weight of the moving average of squared moves from close to close, for series whose highs and lows say little."""
CLOSES_WEIGHT: Final = 0.06
"""Of the newest day in that average: RiskMetrics' for daily data (1996)."""


class Volatility(msgspec.Struct, frozen=True):
    """Weights (ANCHORS × measures and spans, each row adds up to 1) of the averages of what `measures` finds.

    `closes` is the weight of moves from close to close beside them.
    """

    spans: tuple[float, ...] = SPANS
    weights: tuple[tuple[float, ...], ...] = USUAL
    closes: float = CLOSES

    def spread(self, prices: Prices) -> Floats:
        """Return the expected size of moves (T × HORIZONS), up to a factor, from what each day and the past say."""
        averages = averages_of(measures(prices), self.spans)
        ahead = np.arange(1, HORIZONS + 1)
        weights = np.stack([np.interp(ahead, ANCHORS, column) for column in np.array(self.weights).T])
        closes = np.sqrt(ewma(prices.returns**2, CLOSES_WEIGHT))
        return np.asarray(
            np.maximum(averages @ weights + self.closes * closes[:, None], FLOOR) * np.sqrt(ahead)
        )


def measures(prices: Prices) -> Floats:
    """Return sizes of each day's moves (T × 3): in the hours of trading, in the night before, and downwards."""
    span = np.log(prices.high / prices.low)
    inside = np.log(prices.close / prices.open)
    trading = np.sqrt((0.5 * span**2 - (2 * np.log(2) - 1) * inside**2).clip(0.0))
    return np.stack([trading, np.abs(prices.overnight), np.maximum(-prices.returns, 0.0)], axis=1)


def averages_of(values: Floats, spans: tuple[float, ...]) -> Floats:
    """Return exponentially weighted averages of `values` (T × M) over each span, up to each day: T × (M × spans)."""
    weights = np.tile([2 / (span + 1) for span in spans], values.shape[1])
    return _averaged(np.repeat(values, len(spans), axis=1), weights)


def ewma(values: Floats, weight: float) -> Floats:
    """Return the exponentially weighted average of `values` (T) up to each day."""
    return _averaged(values[:, None], np.array([weight]))[:, 0]


def _averaged(values: Floats, weights: Floats) -> Floats:
    """Average each column (T × N) by its weight of the newest day; the first days weigh as much as they are many."""
    found, total = np.empty_like(values), np.zeros(values.shape[1])
    for day, row in enumerate(values):
        total += weights * (row - total)
        found[day] = total
    share = 1 - (1 - weights) ** np.arange(1, len(values) + 1)[:, None]
    return found / share
