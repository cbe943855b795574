"""The stock model: what tomorrow's close may be, and how sure that is, beside "as today".

The numbers are in `plugins.stock.walkforward`, judging in `plugins.stock.judging`, training in
`plugins.stock.training`; they are imported where they are needed.
"""

import datetime
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Self

import msgspec

from plugins.stock.course_csv import HIGHEST, MEANING
from plugins.stock.series import Day
from shared.errors import ModelUnavailable
from shared.model import Device, Failure, Part, Progress, Report

if TYPE_CHECKING:
    from plugins.stock.walkforward import Forecaster

FEWEST_DAYS: Final = 60
MOST_DAYS: Final = 3000
"""Older ones are left out."""
MOST_AHEAD: Final = 20


class ForecastRequest(msgspec.Struct, frozen=True):
    """Days of one stock, oldest first (60 at least; more than about 1,500 add little), and how many days to look ahead.

    `horizon` is 1 to 20 days of trading.
    """

    days: list[Day]
    horizon: int


class Ahead(msgspec.Struct, frozen=True):
    """What may come `ahead` days of trading on, in prices.

    The close is meant to lie between `low50` and `high50` one time in two, between `low90` and `high90` nine times in
    ten. `walk_low90` and `walk_high90` are those of "as today" with the spread of late.
    """

    ahead: int
    expected: float
    low50: float
    high50: float
    low90: float
    high90: float
    walk_low90: float
    walk_high90: float


class ForecastResult(msgspec.Struct, frozen=True, kw_only=True):
    """The days ahead, and how forecasts for the next day did on the request's own days, each made from the past alone.

    `champion` is what the expected prices come from: "random_walk" (as today), "drift", "lstm" or "boosted".
    `rated_days` are the newest for which a forecast was judged, 250 at most; over them: `relative_mae` (mean absolute
    error as a share of that of "as today"), `coverage_90` (share of the 90 % intervals that held the close),
    `mean_width` (of those intervals, as a share of the price: 0.05 is 5 %), `winkler` (their score in the same unit:
    the width, and 20 times what the close lay beyond) and `worst_quarter` (coverage in the worst calendar quarter).
    `beats_walk` where the error was lower than that of "as today" by more than chance explains.
    """

    last: datetime.date
    close: float
    ahead: list[Ahead]
    champion: str
    rated_days: int
    relative_mae: float
    coverage_90: float
    mean_width: float
    winkler: float
    worst_quarter: float
    beats_walk: bool


class Stock:
    """Forecasts closes with intervals; see the module."""

    name: ClassVar[str] = "stock"
    request: ClassVar[type[msgspec.Struct]] = ForecastRequest
    result: ClassVar[type[msgspec.Struct]] = ForecastResult
    max_batch: ClassVar[int] = 4
    default: ClassVar[Path | None] = Path(__file__).parent / "weights"
    data_columns: ClassVar[Mapping[str, str]] = MEANING

    def __init__(self, forecaster: "Forecaster") -> None:
        self.forecaster = forecaster

    @classmethod
    def load(cls, folder: Path | None, device: Device) -> Self:
        """Read the weights, and answer once."""
        if folder is None:
            raise ModelUnavailable("The model {model} has no weights that can be read.", model=cls.name)
        from plugins.stock.walkforward import Forecaster

        model = cls(Forecaster.read(folder))
        first = datetime.date(2020, 1, 1)
        days = [
            Day(first + datetime.timedelta(at), 10.0, 10.1, 9.9, 10.0 + at % 2 * 0.05, 1000, 10000, 10)
            for at in range(FEWEST_DAYS)
        ]
        model.predict([ForecastRequest(days, 1)])
        return model

    def predict(self, batch: Sequence[ForecastRequest]) -> Sequence[ForecastResult | Failure]:
        """Forecast each request, and rate what was forecast of its own days."""
        return [self._answer(request) for request in batch]

    @classmethod
    def train(cls, data: Path, folder: Path, progress: Progress) -> Report:
        """Train on the part of `data` before what is held out; see `plugins.stock.training`."""
        from plugins.stock.training import train

        return train(data, folder, progress)

    def evaluate(self, data: Path, part: Part = "all") -> Report:
        """Judge these weights on the later days of `data`; see `plugins.stock.judging`."""
        from plugins.stock.judging import evaluate

        return evaluate(self.forecaster, data, part)

    def _answer(self, request: ForecastRequest) -> ForecastResult | Failure:
        from plugins.stock.walkforward import answer

        days = request.days[-MOST_DAYS:]
        if len(days) < FEWEST_DAYS:
            return Failure("At least 60 days of trading are needed for a forecast.", refusal=True)
        if not 1 <= request.horizon <= MOST_AHEAD:
            return Failure("A forecast looks 1 to 20 days ahead.", refusal=True)
        if any(one.date >= two.date for one, two in pairwise(days)):
            return Failure("the days are not in order, one a date")
        if not all(_is_whole(day) for day in days):
            return Failure("the prices of a day are not in order, from its low to its high")
        return answer(self.forecaster, days, request.horizon)


def _is_whole(day: Day) -> bool:
    # Each compared by itself: what is no number is in no order.
    return all(0 < day.low <= price <= day.high <= HIGHEST for price in (day.open, day.close))
