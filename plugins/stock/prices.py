"""The days of a stock as arrays, and the moves between them: what every forecaster starts from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plugins.stock.series import Day

Floats = NDArray[np.float64]
RESET: Final = 0.3
"""A night that moves the logarithm of the price by more is a split or the like: the exchange's limit is a tenth."""


@dataclass(frozen=True)
class Prices:
    """Days (T of them), oldest first, as arrays of length T; `ex` marks those on which a payout moved the price."""

    dates: NDArray[np.datetime64]
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    trades: Floats
    ex: NDArray[np.bool_]

    @classmethod
    def of(cls, days: Sequence[Day]) -> "Prices":
        """Turn days, oldest first and one a date, into arrays."""
        columns: dict[str, Any] = {
            name: np.array([getattr(day, name) for day in days], dtype=float)
            for name in ("open", "high", "low", "close", "trades")
        }
        dates = np.array([day.date for day in days], dtype="datetime64[D]")
        return cls(dates=dates, ex=np.array([day.ex_dividend for day in days], dtype=bool), **columns)

    def __len__(self) -> int:
        return len(self.close)

    def first(self, count: int) -> "Prices":
        """Return the first `count` days alone."""
        return Prices(**{name: values[:count] for name, values in vars(self).items()})

    @property
    def moves(self) -> Floats:
        """The logarithm of each close over the one before, as it is seen by who holds the price; 0 on the first day."""
        return np.diff(np.log(self.close), prepend=np.log(self.close[:1]))

    @property
    def overnight(self) -> Floats:
        """The logarithm of each open over the close before; 0 on the first day, and after a payout or a split."""
        found = np.zeros(len(self))
        found[1:] = np.log(self.open[1:] / self.close[:-1])
        found[self.ex | (np.abs(found) > RESET)] = 0.0
        return found

    @property
    def returns(self) -> Floats:
        """Moves without what a payout took from the price: on such a day, from open to close."""
        return self.overnight + np.where(self._starts, np.log(self.close / self.open), 0.0)

    @property
    def _starts(self) -> NDArray[np.bool_]:
        return np.arange(len(self)) > 0
