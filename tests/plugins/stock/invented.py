"""Days of trading that never were: a price whose calm and stormy weeks come in stretches, as real ones do."""

import datetime
from pathlib import Path

import numpy as np

from plugins.stock.course_csv import write_days
from plugins.stock.series import Day
from plugins.stock.ticks import tick


def invented(count: int, seed: int = 1, drift: float = 0.0) -> list[Day]:
    """Return `count` days on weekdays, prices on the exchange's steps, one ex-dividend day a year."""
    random = np.random.default_rng(seed)
    date, close, variance, days = datetime.date(2015, 1, 5), 120.0, 2e-4, list[Day]()
    while len(days) < count:
        if date.weekday() < 5:
            shock = float(random.standard_t(6)) / 1.3 * variance**0.5
            path = close * np.exp(0.4 * shock + drift + np.cumsum(random.normal(0, 0.3 * variance**0.5, 6)))
            path[-1] *= np.exp(0.6 * shock)
            prices = np.round(path / tick(path)) * tick(path)
            trades = int(random.integers(5_000, 20_000))
            days.append(
                Day(
                    date=date,
                    open=float(prices[0]),
                    high=float(prices.max()),
                    low=float(prices.min()),
                    close=float(prices[-1]),
                    shares=trades * 4_000,
                    value=int(trades * 4_000 * close),
                    trades=trades,
                    change=None if len(days) % 250 == 249 else round(float(prices[-1]) - close, 2),
                    ex_dividend=len(days) % 250 == 249,
                )
            )
            move = np.log(prices[-1] / close)
            variance = min(4e-6 + 0.09 * move**2 + 0.89 * variance, 3e-3)
            close = float(prices[-1])
        date += datetime.timedelta(1)
    return days


def written(path: Path, days: list[Day]) -> Path:
    """Write days as a file in the course's columns."""
    path.write_bytes(write_days(days))
    return path
