"""How good forecasts of a series are: errors beside the last value carried on, and what intervals hold and cost.

Imported by the worker, the trainer and the command line only: it needs numpy.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from shared.model import Report
from shared.quality import CELLS, RESAMPLES, SEED, interval

BLOCK: Final = 10
"""Rows that are drawn together: calm and stormy days come in stretches, so days alone would look too sure."""
FEWEST: Final = 40
"""Rows that a period needs to be told of as the worst one; fewer where none has so many."""
PERCENT: Final = 100.0
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Forecasts:
    """Forecasts of one step of a series (N of them), with an interval each, beside what came.

    `last` is the value when the forecast was made. `low` and `high` are the ends of the intervals.
    """

    last: Floats
    truth: Floats
    expected: Floats
    low: Floats
    high: Floats

    def __post_init__(self) -> None:
        shapes = {np.shape(values) for values in vars(self).values()}
        if len(shapes) != 1 or not len(self.last):
            raise ValueError("each forecast needs all its figures, and there must be one at least")

    @property
    def errors(self) -> Floats:
        """Return absolute errors, in the unit of the series."""
        return np.abs(self.truth - self.expected)

    @property
    def inside(self) -> Bools:
        """Tell which intervals hold what came."""
        return np.asarray((self.low <= self.truth) & (self.truth <= self.high))

    @property
    def widths(self) -> Floats:
        """Return widths of the intervals in per cent of `last`."""
        return PERCENT * (self.high - self.low) / self.last

    def winkler(self, level: float) -> Floats:
        """Return each interval's score in per cent of `last`."""
        return PERCENT * winkler(self.truth, self.low, self.high, level) / self.last

    @property
    def directions(self) -> Floats:
        """Return 1 where the direction was right, 0 where wrong, ½ where none was named; nan where nothing moved."""
        said, came = np.sign(self.expected - self.last), np.sign(self.truth - self.last)
        return np.where(came == 0, np.nan, np.where(said == 0, 0.5, (said == came).astype(float)))


def winkler(truth: Floats, low: Floats, high: Floats, level: float) -> Floats:
    """Return each interval's width, and 2 / (1 − level) times what lies beyond it (Winkler 1972); lower is better."""
    beyond = np.maximum(low - truth, 0.0) + np.maximum(truth - high, 0.0)
    return np.asarray(high - low + 2 / (1 - level) * beyond)


def naive_error(history: Floats) -> float:
    """Return the mean absolute step of a series: the scale of MASE (Hyndman & Koehler 2006); nan where it is flat."""
    steps = np.abs(np.diff(history))
    return float(steps.mean()) if len(steps) and steps.any() else float("nan")


def block_bootstrap(
    rows: int, statistic: Callable[[Floats], dict[str, Floats]], block: int = BLOCK
) -> dict[str, Floats]:
    """Return each figure of `statistic` for resamples of `block` rows in a row, round the end (Politis & Romano 1992).

    `statistic` as in `shared.quality.bootstrap`: it takes weights (resamples × rows). Always the same resamples.
    """
    random = np.random.default_rng(SEED)
    block = max(1, min(block, rows))
    blocks = -(-rows // block)
    chunk = max(1, CELLS // rows)
    parts: dict[str, list[Floats]] = {}
    for start in range(0, RESAMPLES, chunk):
        count = min(chunk, RESAMPLES - start)
        starts = random.integers(0, rows, (count, blocks, 1))
        drawn = ((starts + np.arange(block)) % rows).reshape(count, -1)[:, :rows]
        places = drawn + np.arange(count)[:, None] * rows
        weights = np.bincount(places.ravel(), minlength=count * rows).reshape(count, rows).astype(float)
        for name, values in statistic(weights).items():
            parts.setdefault(name, []).append(values)
    return {name: np.concatenate(values) for name, values in parts.items()}


def worst_period(inside: Bools, periods: NDArray[Any]) -> tuple[Any, float]:
    """Return the period in which the fewest intervals held what came, and their share; short periods are left out."""
    names, which, counts = np.unique(periods, return_inverse=True, return_counts=True)
    shares = np.bincount(which, weights=inside) / counts
    long = counts >= min(FEWEST, counts.max())
    at = int(np.flatnonzero(long)[shares[long].argmin()])
    return names[at], float(shares[at])


def series_report(
    made: Forecasts,
    simple: Forecasts,
    *,
    level: float,
    history: Floats,
    periods: NDArray[Any],
    losses: Floats,
    baseline_name: str,
    period_name: str = "period",
    reference: Mapping[str, Mapping[str, float]] | None = None,
    details: Mapping[str, Any] | None = None,
) -> Report:
    """Judge forecasts beside simple ones of the same rows, which come in the order of time.

    `mae` in the unit of the series; `relative_mae` as a share of the simple one's; `mase` as a share of the mean step
    of `history`, which comes before what is judged; `directional_accuracy` counts a half where no direction was named;
    `coverage_90` (at `level` 0.9) is the share of intervals that hold what came, `worst_PERIOD` the same in the worst
    of `periods` (the name of each row's); `mean_width` and `winkler` are in per cent of the last value. Intervals by
    bootstrap of blocks of rows.
    """
    scale = naive_error(history)
    coverage = f"coverage_{level * PERCENT:.0f}"
    period, _ = worst_period(made.inside, periods)
    worst = np.asarray(periods == period, dtype=float)

    def figures(found: Forecasts, in_worst: Floats, weights: Floats) -> dict[str, Floats]:
        whole = weights.sum(1)
        direction = found.directions
        moved = np.isfinite(direction)
        mae = weights @ found.errors / whole
        with np.errstate(divide="ignore", invalid="ignore"):
            return {
                "mae": mae,
                "relative_mae": mae / (weights @ simple.errors / whole),
                "mase": mae / scale,
                "directional_accuracy": weights[:, moved] @ direction[moved] / weights[:, moved].sum(1),
                coverage: weights @ found.inside / whole,
                "mean_width": weights @ found.widths / whole,
                "winkler": weights @ found.winkler(level) / whole,
                f"worst_{period_name}": weights @ (in_worst * found.inside) / (weights @ in_worst),
            }

    ones = np.ones((1, len(made.last)))
    measured = figures(made, worst, ones)
    resampled = block_bootstrap(len(made.last), lambda weights: figures(made, worst, weights))
    own_period, own_share = worst_period(simple.inside, periods)
    beside = figures(simple, np.asarray(periods == own_period, dtype=float), ones)
    return Report(
        n=len(made.last),
        metrics={name: interval(float(value[0]), resampled[name]) for name, value in measured.items()},
        baseline={name: float(value[0]) for name, value in beside.items()},
        baseline_name=baseline_name,
        reference={name: dict(values) for name, values in (reference or {}).items()},
        losses=losses.tolist(),
        details={
            "resampled": f"blocks of {BLOCK} rows",
            f"worst_{period_name}": str(period),
            f"worst_{period_name}_of_baseline": {"name": str(own_period), "coverage": own_share},
            **(details or {}),
        },
    )


def weighted_interval_score(
    truth: Floats, expected: Floats, intervals: Mapping[float, tuple[Floats, Floats]]
) -> Floats:
    """Return one score for a forecast and all its intervals, by their levels (Bracher et al. 2021); lower is better.

    It is proper: who states what is true of the future fares best. In the unit of what is given.
    """
    total = 0.5 * np.abs(truth - expected)
    for level, (low, high) in intervals.items():
        total = total + (1 - level) / 2 * winkler(truth, low, high, level)
    return np.asarray(total / (len(intervals) + 0.5))
