"""A stock's days of trading, as they are read, kept, sent to the model and written out."""

import datetime

import msgspec


class Day(msgspec.Struct, frozen=True):
    """One day of trading of one stock: prices in the exchange's currency, `value` in it too.

    `change` is that of the close against the day before, as the exchange states it; None where it states none. On an
    ex-dividend day (`ex_dividend`, which stands for other resets of the reference price too) the price falls by what
    was paid out, and the exchange states no change.
    """

    date: datetime.date
    open: float
    high: float
    low: float
    close: float
    shares: int
    value: int
    trades: int
    change: float | None = None
    ex_dividend: bool = False
