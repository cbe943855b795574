"""Trains the learned forecasts on a series' first years, and chooses the champion on the years after; by time alone.

A file falls into four stretches: what is fitted (most of it), what says when to stop and how far a forecast is held
back, what the champion is chosen on, and the last two years, which nothing here sees but the report.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from plugins.stock.boosted import Boosted
from plugins.stock.judging import held_out, judge, judged_days, read_prices
from plugins.stock.lstm import CourseLstm, ReturnsLstm
from plugins.stock.points import Drift
from plugins.stock.prices import Prices
from plugins.stock.walkforward import WALK, Forecaster, Weights
from shared.errors import BadInput
from shared.model import Progress, Report

Floats = NDArray[np.float64]
CURVES_NOTE: Final = (
    "the test loss is that of the days that say when to stop, not of those held out; absolute errors in spreads, "
    "but for the course's LSTM: squared ones in prices scaled to 0…1"
)
FIT: Final = 0.6
STOP: Final = 0.75
"""Shares of the days before what is held out: fitted on, then stopped by; the champion is chosen on the rest."""
COURSE: Final = 0.9
"""Share of those days that the course's LSTM, which is no candidate, is fitted on; the rest stops it."""
FEWEST: Final = 500
WARM_UP: Final = 60
"""Days at the start that nothing is fitted to, as their averages are young."""
HELD_BACK: Final = (0.0, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0)
SURE: Final = 1.645
"""Standard errors by which a forecast must be better than "as today" to be champion: one chance in twenty."""


@dataclass(frozen=True)
class Stretches:
    """Where the stretches of a series end; the last of them is held out."""

    fit: int
    stop: int
    choose: int

    @classmethod
    def of(cls, count: int) -> "Stretches":
        """Split `count` days."""
        choose = held_out(count)
        return cls(int(FIT * choose), int(STOP * choose), choose)


def train(data: Path, folder: Path, progress: Progress) -> Report:
    """Fit, choose and write weights to `folder`; report on the last two years, or the last third of a short file."""
    progress(0.0, "reading")
    prices = read_prices(data)
    if len(prices) < FEWEST:
        raise BadInput(
            "{path} holds {count} days of trading; at least {fewest} are needed to train.",
            path=data, count=len(prices), fewest=FEWEST,
        )  # fmt: skip
    ends = Stretches.of(len(prices))
    known = prices.first(ends.stop)
    progress(0.05, "the trees")
    curves: dict[str, list[float]] = {}
    boosted = Boosted.fit(known, WARM_UP, ends.fit, partial(_note_all, curves, "trees"))
    progress(0.1, "the LSTM on returns")
    lstm = ReturnsLstm.fit(
        known,
        WARM_UP,
        ends.fit,
        lambda done: progress(0.1 + 0.4 * done, "the LSTM on returns"),
        partial(_note, curves, "LSTM on returns"),
    )
    progress(0.5, "the course's LSTM")
    before = prices.first(ends.choose)
    course = CourseLstm.fit(
        before,
        int(COURSE * ends.choose),
        lambda done: progress(0.5 + 0.4 * done, "the course's LSTM"),
        partial(_note, curves, "course's LSTM"),
    )
    progress(0.9, "choosing")
    shrink = {
        "lstm": held_back(known, lstm.moves(known), ends.fit),
        "boosted": held_back(known, boosted.moves(known), ends.fit),
    }
    for part in (boosted, lstm, course):
        part.write(folder)
    moves = {
        "drift": Drift().moves(prices),
        "lstm": shrink["lstm"] * lstm.moves(prices),
        "boosted": shrink["boosted"] * boosted.moves(prices),
    }
    chosen, figures = choose(prices, moves, ends)
    forecaster = Forecaster(Weights(chosen, shrink), folder)
    forecaster.write()
    progress(0.95, "judging")
    details = {
        "chosen_on": figures,
        "shrink": shrink,
        "days": {
            "fitted": ends.fit,
            "stopped by": ends.stop - ends.fit,
            "chosen on": ends.choose - ends.stop,
        },
        "last_fitted": str(prices.dates[ends.fit - 1]),
        "curves": curves,
        "curves_note": CURVES_NOTE,
    }
    report = judge(forecaster, prices, judged_days(len(prices), "holdout"), details)
    progress(1.0, "done")
    return report


def _note(curves: dict[str, list[float]], name: str, train: float, test: float) -> None:
    _note_all(curves, name, [train], [test])


def _note_all(
    curves: dict[str, list[float]], name: str, train: Sequence[float], test: Sequence[float]
) -> None:
    curves.setdefault(f"{name} train", []).extend(train)
    curves.setdefault(f"{name} test", []).extend(test)


def held_back(prices: Prices, moves: Floats, first: int) -> float:
    """Return the share of expected `moves` that had the least absolute error from day `first` on."""
    days = np.arange(first, len(prices) - 1)
    return min(HELD_BACK, key=lambda share: float(_errors(prices, share * moves, days).mean()))


def choose(
    prices: Prices, moves: Mapping[str, Floats], ends: Stretches
) -> tuple[str, dict[str, dict[str, float]]]:
    """Return the champion on the days chosen on, and each candidate's figures there.

    The one of the least absolute error as a share of the price, but only where it beats "as today" beyond chance;
    else "as today".
    """
    days = np.arange(ends.stop, ends.choose - 1)
    walked = np.abs(prices.close[days + 1] - prices.close[days]) / prices.close[days]
    best, figures = WALK, dict[str, dict[str, float]]()
    for name, each in moves.items():
        gain = walked - _errors(prices, each, days)
        doubt = float(gain.std() / np.sqrt(len(gain)))
        figures[name] = {
            "relative_mae": float((walked - gain).mean() / walked.mean()) if walked.any() else 1.0,
            "standard_errors_better": float(gain.mean() / doubt) if doubt else 0.0,
        }
        least = figures[best]["relative_mae"] if best != WALK else 1.0
        if figures[name]["standard_errors_better"] > SURE and figures[name]["relative_mae"] < least:
            best = name
    return best, figures


def _errors(prices: Prices, moves: Floats, days: NDArray[np.int_]) -> Floats:
    """Return absolute errors of the next close on `days`, as shares of the price."""
    expected = prices.close[days] * np.exp(moves[days, 0])
    return np.asarray(np.abs(prices.close[days + 1] - expected) / prices.close[days])
