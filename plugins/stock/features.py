"""What the learned forecasts look at: moves in units of the spread expected then, so that all stocks and years compare.

Nothing is fitted: the spread of a day comes from that day and those before it.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from plugins.stock.prices import Prices
from plugins.stock.volatility import Volatility

Floats = NDArray[np.float64]
LAGS: Final = 5
SUMS: Final = (5, 10, 20, 60, 120)
LIMIT: Final = 5.0
"""Beyond so many spreads a value is cut off."""
SEQUENCE: Final = 20
"""Days that a sequence holds."""
CHANNELS: Final = 5


def spread_of(prices: Prices) -> Floats:
    """Return the usual expected size of the next day's move (T)."""
    return np.asarray(Volatility().spread(prices)[:, 0])


def daily(prices: Prices) -> Floats:
    """Return each day (T × CHANNELS): return, night, hours of trading, range, transactions; none has a unit."""
    spread = np.concatenate([spread_of(prices)[:1], spread_of(prices)[:-1]])
    trades = np.log1p(prices.trades)
    usual = _mean(trades, 20)
    columns = [
        prices.returns / spread,
        prices.overnight / spread,
        np.log(prices.close / prices.open) / spread,
        np.log(prices.high / prices.low) / spread,
        trades - usual,
    ]
    return np.stack(columns, axis=1).clip(-LIMIT, LIMIT)


def table(prices: Prices) -> Floats:
    """Return what the trees look at (T × features): the last days, sums over months, calm or storm, the weekday."""
    days, spread = daily(prices), spread_of(prices)
    columns = [_lagged(days[:, 0], lag) for lag in range(LAGS)]
    columns += [days[:, channel] for channel in range(1, CHANNELS)]
    logs = np.log(prices.close)
    for span in SUMS:
        columns.append((logs - _lagged(logs, span, logs[0])) / (spread * np.sqrt(span)))
    columns += [np.log(spread / _mean(spread, span)) for span in (20, 120)]
    columns.append(_weekday(prices))
    return np.stack(columns, axis=1).clip(-LIMIT, LIMIT)


def sequences(prices: Prices) -> NDArray[np.float32]:
    """Return, for each day, `daily` of the last SEQUENCE days (T × SEQUENCE × CHANNELS); 0 before the first."""
    days = np.concatenate([np.zeros((SEQUENCE - 1, CHANNELS)), daily(prices)])
    windows = np.lib.stride_tricks.sliding_window_view(days, SEQUENCE, axis=0)
    return np.ascontiguousarray(windows.transpose(0, 2, 1), dtype=np.float32)


def targets(prices: Prices) -> Floats:
    """Return the move to the next close in spreads (T − 1), cut off at LIMIT."""
    return np.asarray((np.diff(np.log(prices.close)) / spread_of(prices)[:-1]).clip(-LIMIT, LIMIT))


def _lagged(values: Floats, lag: int, before: float = 0.0) -> Floats:
    found = np.full(len(values), before)
    found[lag:] = values[: max(len(values) - lag, 0)]
    return found


def _mean(values: Floats, days: int) -> Floats:
    total = np.concatenate([[0.0], np.cumsum(values)])
    at = np.arange(1, len(values) + 1)
    start = np.maximum(at - days, 0)
    return np.asarray((total[at] - total[start]) / (at - start))


def _weekday(prices: Prices) -> Floats:
    # 1970-01-01 was a Thursday.
    return np.asarray(((prices.dates.astype(int) + 3) % 7).astype(float))
