"""Puts a forecast together and walks it through a series: at each day only what that day and those before it say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, Self

import msgspec
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError

from plugins.stock.conformal import LEVELS, track
from plugins.stock.model import Ahead, ForecastResult
from plugins.stock.points import Candidate, Drift, RandomWalk, proven
from plugins.stock.prices import Prices
from plugins.stock.reference import WalkIntervals
from plugins.stock.series import Day
from plugins.stock.ticks import inwards, on_ticks
from plugins.stock.volatility import HORIZONS, Volatility
from shared.errors import ModelUnavailable

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
FILE: Final = "model.json"
WALK: Final = "random_walk"
CANDIDATES: Final = (WALK, "drift", "lstm", "boosted")
RATED: Final = 250
WARM_UP: Final = 20
"""Days at the start of a request for which no forecast is rated."""


class Weights(msgspec.Struct, frozen=True):
    """What training found: the champion's name, by how much learned forecasts are held back, and the spread."""

    champion: str = WALK
    shrink: dict[str, float] = msgspec.field(default_factory=dict)
    volatility: Volatility = Volatility()


@dataclass(frozen=True)
class Walk:
    """Forecasts made at each of T days for 1 to HORIZONS days ahead, in logarithms of the price.

    `close` (T); `step` (T × HORIZONS) is the expected move; `spread` (T × HORIZONS) its expected size; `reach`
    (levels × T × HORIZONS) the half-widths of the intervals in spreads; `ticks` (T) tells where prices keep to the
    exchange's steps, `used` (T) whether the champion's forecast was used or "as today" in its place.
    """

    close: Floats
    step: Floats
    spread: Floats
    reach: Floats
    ticks: Bools
    used: Bools

    def expected(self, ahead: int) -> Floats:
        """Return the expected close (T), `ahead` days on."""
        return np.asarray(self.close * np.exp(self.step[:, ahead - 1]))

    def ends(self, ahead: int, level: float) -> tuple[Floats, Floats]:
        """Return both ends (T) of the intervals at one of `LEVELS`."""
        half = self.reach[LEVELS.index(level), :, ahead - 1] * self.spread[:, ahead - 1]
        middle = np.log(self.close) + self.step[:, ahead - 1]
        return inwards(np.exp(middle - half), np.exp(middle + half), self.ticks)


@dataclass(frozen=True)
class Forecaster:
    """A point forecast with adaptive conformal intervals round it. `folder` holds what was learned, read when asked."""

    weights: Weights
    folder: Path

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the weights in a folder, the champion's too. Raises `ModelUnavailable`."""
        try:
            found = cls(msgspec.json.decode((folder / FILE).read_bytes(), type=Weights), folder)
            found.champion  # noqa: B018
        except (OSError, ValueError, RuntimeError, SafetensorError, msgspec.MsgspecError):
            raise ModelUnavailable(
                "The model {model} has no weights that can be read.", model="stock"
            ) from None
        return found

    def write(self) -> None:
        """Write the weights to the folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / FILE).write_bytes(
            msgspec.json.format(msgspec.json.encode(self.weights), indent=1) + b"\n"
        )

    @cached_property
    def champion(self) -> Candidate:
        """The forecast that answers."""
        return self.candidate(self.weights.champion)

    def candidate(self, name: str) -> Candidate:
        """Return one of `CANDIDATES`, read from the folder where it was learned."""
        match name:
            case "random_walk":
                return RandomWalk()
            case "drift":
                return Drift()
            case "lstm":
                from plugins.stock.lstm import ReturnsLstm

                return ReturnsLstm.read(self.folder, self.weights.shrink.get(name, 1.0))
            case "boosted":
                from plugins.stock.boosted import Boosted

                return Boosted.read(self.folder, self.weights.shrink.get(name, 1.0))
        raise ValueError(f"there is no forecast {name[:40]!r}")

    def walk(self, prices: Prices) -> Walk:
        """Forecast at the end of each day, from the days up to it.

        Where the champion's forecasts were worse than "as today" of late, "as today" stands in for it.
        """
        moves = self.champion.moves(prices)
        used = proven(prices.close, moves)
        step = np.where(used[:, None], moves, 0.0)
        spread = self.weights.volatility.spread(prices)
        logs = np.log(prices.close)
        scores = np.full((len(prices), HORIZONS), np.nan)
        for ahead in range(1, min(HORIZONS, len(prices) - 1) + 1):
            missed = logs[ahead:] - logs[:-ahead] - step[:-ahead, ahead - 1]
            scores[:-ahead, ahead - 1] = np.abs(missed) / spread[:-ahead, ahead - 1]
        return Walk(prices.close, step, spread, track(scores), on_ticks(prices.close), used)


def answer(forecaster: Forecaster, days: Sequence[Day], horizon: int) -> ForecastResult:
    """Forecast from the last of `days`, and rate the forecasts of those before it."""
    from shared.quality_series import winkler, worst_period

    prices = Prices.of(days)
    walk, rival = forecaster.walk(prices), WalkIntervals(prices)
    last = len(prices) - 1
    rated = np.arange(max(WARM_UP, last - RATED), last)
    low, high = (ends[rated] for ends in walk.ends(1, 0.9))
    truth, close = prices.close[rated + 1], prices.close[rated]
    errors, walked = np.abs(truth - walk.expected(1)[rated]), np.abs(truth - close)
    inside = (low <= truth) & (truth <= high)
    gain = walked - errors
    doubt = float(gain.std() / np.sqrt(len(gain)))
    return ForecastResult(
        last=days[-1].date,
        close=float(prices.close[-1]),
        ahead=[_ahead(walk, rival, last, ahead) for ahead in range(1, horizon + 1)],
        champion=forecaster.weights.champion if walk.used[last] else WALK,
        rated_days=len(rated),
        relative_mae=float(errors.mean() / walked.mean()) if walked.any() else 1.0,
        coverage_90=float(inside.mean()),
        mean_width=float(((high - low) / close).mean()),
        winkler=float((winkler(truth, low, high, 0.9) / close).mean()),
        worst_quarter=worst_period(inside, quarters(prices)[rated + 1])[1],
        beats_walk=bool(doubt > 0 and gain.mean() > 1.645 * doubt),
    )


def quarters(prices: Prices) -> NDArray[np.str_]:
    """Return the calendar quarter of each day, such as 2020Q1."""
    months = prices.dates.astype("datetime64[M]").astype(int)
    return np.array([f"{1970 + month // 12}Q{month % 12 // 3 + 1}" for month in months])


def _ahead(walk: Walk, rival: WalkIntervals, day: int, ahead: int) -> Ahead:
    half = rival.half_width(day, ahead)
    ends: Mapping[float, tuple[Floats, Floats]] = {level: walk.ends(ahead, level) for level in LEVELS}
    close = float(walk.close[day])
    return Ahead(
        ahead=ahead,
        expected=float(walk.expected(ahead)[day]),
        low50=float(ends[0.5][0][day]),
        high50=float(ends[0.5][1][day]),
        low90=float(ends[0.9][0][day]),
        high90=float(ends[0.9][1][day]),
        walk_low90=close * float(np.exp(-half)),
        walk_high90=close * float(np.exp(half)),
    )
