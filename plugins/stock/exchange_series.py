"""Days of trading for the local exchange: made up, the same for a code each time, or a file's, moved to end today."""

import datetime
import hashlib
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from plugins.stock.series import Day

FIRST: Final = datetime.date(2018, 1, 2)
HOLIDAYS: Final = frozenset({(1, 1), (2, 28), (4, 4), (4, 5), (5, 1), (10, 10)})
NEW_YEAR: Final = 5
"""Days of trading that are left out after the 25th of January, for the lunar new year."""
STEPS: Final = ((10.0, 0.01), (50.0, 0.05), (100.0, 0.1), (500.0, 0.5), (1000.0, 1.0), (math.inf, 5.0))
"""Prices below the first are on steps of the second."""


@dataclass(frozen=True)
class Series:
    """A stock's days, oldest first, and dates on which it was listed and nobody traded it."""

    days: Sequence[Day]
    quiet: frozenset[datetime.date] = field(default=frozenset())


def made_up(code: str, until: datetime.date) -> Series:
    """Return days of a stock that does not exist, up to `until`: the same for the same code, whatever the day."""
    chance = random.Random(hashlib.sha256(code.encode()).digest())  # noqa: S311
    price, spread = chance.uniform(20, 700), chance.uniform(0.010, 0.022)
    calm = spread
    found: list[Day] = []
    quiet: list[datetime.date] = []
    for date in _trading_days(until):
        # Wild days come in clusters, as on exchanges.
        spread = calm + 0.9 * (spread - calm) + abs(chance.gauss(0, 0.0012)) - 0.0008
        spread = min(max(spread, 0.005), 0.06)
        move, gap = chance.gauss(0.0003, spread), chance.gauss(0, spread / 3)
        up, down = abs(chance.gauss(0, spread / 2)), abs(chance.gauss(0, spread / 2))
        volume, silent = chance.lognormvariate(16, 0.4), chance.random() < 0.004
        if silent:
            quiet.append(date)
            continue
        ex = (
            (date.month, date.day) >= (7, 15)
            and bool(found)
            and (found[-1].date.month, found[-1].date.day) < (7, 15)
        )
        before, price = (
            price,
            _on_step(price * math.exp(min(max(move, -0.095), 0.095)) * (0.98 if ex else 1.0)),
        )
        opened = _on_step(before * math.exp(gap) * (0.98 if ex else 1.0))
        high, low = (
            _on_step(max(opened, price) * math.exp(up)),
            _on_step(min(opened, price) * math.exp(-down)),
        )
        high, low = max(high, opened, price), min(low, opened, price)
        shares = int(volume)
        change = None if ex else round(price - before, 2)
        trades = max(1, shares // 2300)
        found.append(Day(date, opened, high, low, price, shares, int(shares * price), trades, change, ex))
    return Series(found, frozenset(quiet))


def moved(days: Sequence[Day], until: datetime.date) -> Series:
    """Return days moved by whole weeks, so that the last of them is the latest that is not after `until`."""
    weeks = (until - days[-1].date) // datetime.timedelta(weeks=1)
    by = datetime.timedelta(weeks=weeks)
    return Series(
        [
            Day(
                day.date + by, day.open, day.high, day.low, day.close, day.shares, day.value, day.trades, day.change,
                day.ex_dividend,
            )
            for day in days
        ]
    )  # fmt: skip


def _trading_days(until: datetime.date) -> Iterator[datetime.date]:
    date, left_out = FIRST, 0
    while date <= until:
        if date.weekday() < 5:
            new_year = (date.month, date.day) >= (1, 25) and date.month < 3
            left_out = left_out if new_year else 0
            if new_year and left_out < NEW_YEAR:
                left_out += 1
            elif (date.month, date.day) not in HOLIDAYS:
                yield date
        date += datetime.timedelta(days=1)


def _on_step(price: float) -> float:
    step = next(step for bound, step in STEPS if price < bound)
    return round(max(round(price / step) * step, step), 2)
