"""Judges forecasts of the next close by walking through a file: the first part warms up, the later part is judged."""

import gzip
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plugins.stock.conformal import LEVELS
from plugins.stock.course_csv import MAX_BYTES, read_days
from plugins.stock.prices import Prices
from plugins.stock.reference import WalkIntervals
from plugins.stock.walkforward import CANDIDATES, WALK, Forecaster, Walk, quarters
from shared.errors import BadInput
from shared.model import Part, Report
from shared.quality_series import Forecasts, naive_error, series_report, weighted_interval_score

Floats = NDArray[np.float64]
LEVEL: Final = 0.9
WARM_UP: Final = 250
"""Days, about a year, before the first that is judged; more where a file is long."""
WARM_UP_SHARE: Final = 0.6
FEWEST: Final = 300
HELD_OUT: Final = 490
"""Days at the end, about two years, that training never sees; a third of the file where that is less."""
BASELINE: Final = "random walk, EWMA-scaled conformal"
EARLY_TRIAL: Final = {"coverage_90": 0.897, "mean_width": 5.5, "winkler": 7.46}
"""An early trial of the rival on stock 2330 from March 2020 on."""


def read_prices(path: Path) -> Prices:
    """Read the days of a file, plain or gzipped. Raises `BadInput`: also where they are too few to judge."""
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as source:
            data = source.read(MAX_BYTES + 1)
    except (OSError, EOFError) as error:
        raise BadInput("{path} cannot be read: {reason}", path=path, reason=error) from None
    days = read_days(data)
    if len(days) < FEWEST:
        raise BadInput(
            "{path} holds {count} days of trading; at least {fewest} are needed, of which the first {warm} warm up.",
            path=path, count=len(days), fewest=FEWEST, warm=WARM_UP,
        )  # fmt: skip
    return Prices.of(days)


def held_out(count: int) -> int:
    """Return the first day, of `count`, that training never sees."""
    return max(count - HELD_OUT, 2 * count // 3)


def judged_days(count: int, part: Part) -> NDArray[np.int_]:
    """Return the days at whose end a forecast of the next close is judged.

    "all": those after the first 60 % of a file, or after 250 days where that is more. "holdout": those of them whose
    next close training never sees, the last two years.
    """
    first = max(WARM_UP, int(WARM_UP_SHARE * count))
    if part == "holdout":
        first = max(WARM_UP, held_out(count))
    return np.arange(first - 1, count - 1)


def evaluate(forecaster: Forecaster, data: Path, part: Part) -> Report:
    """Judge a forecaster on the later days of a file, each forecast made from the days before it."""
    prices = read_prices(data)
    return judge(forecaster, prices, judged_days(len(prices), part))


def judge(
    forecaster: Forecaster,
    prices: Prices,
    days: NDArray[np.int_],
    details: dict[str, Any] | None = None,
) -> Report:
    """Judge the forecasts made at the end of `days` of the close of the day after.

    `losses` are weighted interval scores, a forecast a day, in per cent of the price: absolute error, 50 % interval
    and 90 % interval in one proper score, so that a version must be good at both what it expects and how sure it is.
    """
    walk = forecaster.walk(prices)
    made = _forecasts(walk, prices, days)
    half = WalkIntervals(prices).half_widths(days)
    simple = Forecasts(
        last=made.last,
        truth=made.truth,
        expected=made.last,
        low=made.last * np.exp(-half),
        high=made.last * np.exp(half),
    )
    intervals = {level: _in_per_cent(walk.ends(1, level), made.last, days) for level in LEVELS}
    losses = weighted_interval_score(
        100 * made.truth / made.last,
        100 * made.expected / made.last,
        intervals,
    )
    compared = compare(forecaster, prices, days)
    return series_report(
        made,
        simple,
        level=LEVEL,
        history=prices.close[: days[0] + 1],
        periods=quarters(prices)[days + 1],
        period_name="quarter",
        losses=losses,
        baseline_name=BASELINE,
        reference={**compared, "early trial": EARLY_TRIAL},
        details={
            "champion": forecaster.weights.champion,
            "days_champion_was_used": float(walk.used[days].mean()),
            "width_before_ticks": float(_untouched(walk, days).mean()),
            "losses": "weighted interval score of the next close, 50 % and 90 %, in per cent of the price",
            "units": "mae in the currency of the prices; mean_width and winkler in per cent of the price",
            "first_judged": str(prices.dates[days[0] + 1]),
            "last_judged": str(prices.dates[days[-1] + 1]),
            "warm_up_days": int(days[0] + 1),
            "ahead": _further(walk, prices, days),
            **(details or {}),
        },
    )


def compare(forecaster: Forecaster, prices: Prices, days: NDArray[np.int_]) -> dict[str, dict[str, float]]:
    """Return figures of the other point forecasts on the same days, as they come, without a trial before use.

    The course's LSTM is scaled by the days before those that are judged.
    """
    from plugins.stock.lstm import CourseLstm

    expected = {
        name: prices.close * np.exp(forecaster.candidate(name).moves(prices)[:, 0])
        for name in CANDIDATES
        if name != WALK
    }
    course = CourseLstm.read(forecaster.folder)
    expected["course's LSTM"] = course.expected(prices, int(days[0]) + 1)
    last, truth = prices.close[days], prices.close[days + 1]
    walked, scale = float(np.abs(truth - last).mean()), naive_error(prices.close[: days[0] + 1])
    found = {}
    for name, each in expected.items():
        said = each[days]
        mae = float(np.abs(truth - said).mean())
        direction = Forecasts(last=last, truth=truth, expected=said, low=said, high=said).directions
        found[name] = {
            "mae": mae,
            "relative_mae": mae / walked if walked else float("nan"),
            "mase": mae / scale,
            "directional_accuracy": float(np.nanmean(direction))
            if np.isfinite(direction).any()
            else float("nan"),
        }
    return found


def _forecasts(walk: Walk, prices: Prices, days: NDArray[np.int_], ahead: int = 1) -> Forecasts:
    low, high = walk.ends(ahead, LEVEL)
    return Forecasts(
        last=prices.close[days],
        truth=prices.close[days + ahead],
        expected=walk.expected(ahead)[days],
        low=low[days],
        high=high[days],
    )


def _in_per_cent(ends: tuple[Floats, Floats], last: Floats, days: NDArray[np.int_]) -> tuple[Floats, Floats]:
    low, high = ends
    return 100 * low[days] / last, 100 * high[days] / last


def _untouched(walk: Walk, days: NDArray[np.int_]) -> Floats:
    """Return the widths, in per cent of the price, before their ends become prices that can be traded."""
    low, high = replace(walk, ticks=np.zeros_like(walk.ticks)).ends(1, LEVEL)
    return np.asarray(100 * (high[days] - low[days]) / walk.close[days])


def _further(walk: Walk, prices: Prices, days: NDArray[np.int_]) -> dict[str, dict[str, float]]:
    """Return what is told of forecasts for several days ahead."""
    found = {}
    for ahead in (1, 5, 10, 20):
        known = days[days + ahead < len(prices)]
        if not len(known):
            continue
        made = _forecasts(walk, prices, known, ahead)
        low, high = (ends[known] for ends in walk.ends(ahead, 0.5))
        found[str(ahead)] = {
            "coverage_90": float(made.inside.mean()),
            "coverage_50": float(((low <= made.truth) & (made.truth <= high)).mean()),
            "mean_width": float(made.widths.mean()),
            "winkler": float(made.winkler(LEVEL).mean()),
        }
    return found
