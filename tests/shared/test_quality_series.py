"""Scores of forecasts are those of their formulas, and intervals round them allow for days that resemble each other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from shared.quality import bootstrap
from shared.quality_series import (
    Forecasts,
    block_bootstrap,
    naive_error,
    series_report,
    weighted_interval_score,
    winkler,
    worst_period,
)

Floats = NDArray[np.float64]


def array(*values: float) -> Floats:
    return np.array(values, dtype=float)


def some(count: int = 300) -> tuple[Forecasts, Forecasts]:
    """Return forecasts that know half of each move, and those that know nothing of it."""
    random = np.random.default_rng(4)
    last = np.full(count, 200.0)
    move = random.normal(0, 2, count)
    truth, half = last + move, np.full(count, 3.3)
    knows = Forecasts(
        last=last,
        truth=truth,
        expected=last + move / 2,
        low=last + move / 2 - half,
        high=last + move / 2 + half,
    )
    return knows, Forecasts(last=last, truth=truth, expected=last, low=last - half, high=last + half)


def test_an_interval_costs_its_width_and_what_lies_beyond_it_many_times() -> None:
    scores = winkler(array(5, 9, 12), array(4, 10, 4), array(10, 12, 10), 0.9)
    assert scores == pytest.approx([6, 2 + 20 * 1, 6 + 20 * 2])


@given(st.floats(-3, 3), st.floats(0.1, 3))
def test_the_quantiles_of_a_distribution_are_the_intervals_that_cost_least(
    shift: float, stretch: float
) -> None:
    truth = np.linspace(-5, 5, 2001)
    best = winkler(truth, np.full(2001, -4.5), np.full(2001, 4.5), 0.9).mean()
    other = winkler(
        truth, np.full(2001, -4.5 * stretch + shift), np.full(2001, 4.5 * stretch + shift), 0.9
    ).mean()
    assert best <= other + 1e-2


def test_the_weighted_score_is_that_of_bracher_and_others() -> None:
    low, high = array(8), array(12)
    score = weighted_interval_score(array(13), array(10), {0.5: (low, high), 0.9: (low - 2, high + 2)})
    halves, tenths = 4 + 4 * 1, 8.0
    assert score == pytest.approx([(0.5 * 3 + 0.25 * halves + 0.05 * tenths) / 2.5])


def test_the_scale_of_mase_is_the_mean_step() -> None:
    assert naive_error(array(1, 3, 2, 2)) == pytest.approx(1.0)
    assert np.isnan(naive_error(array(4, 4, 4)))
    assert np.isnan(naive_error(array(4)))


def test_a_direction_that_was_not_named_counts_a_half_and_days_without_one_not_at_all() -> None:
    found = Forecasts(
        last=array(10, 10, 10, 10),
        truth=array(11, 9, 12, 10),
        expected=array(12, 12, 10, 12),
        low=array(0, 0, 0, 0),
        high=array(20, 20, 20, 20),
    )
    np.testing.assert_equal(found.directions, [1, 0, 0.5, np.nan])


def test_the_worst_period_is_one_of_those_with_enough_rows() -> None:
    inside = np.array([True] * 50 + [False] * 10 + [True] * 40 + [False] * 10)
    periods = np.array(["a"] * 50 + ["b"] * 50 + ["c"] * 10)
    assert worst_period(inside, periods) == ("b", 0.8)
    assert worst_period(inside[100:], periods[100:]) == ("c", 0.0)


def test_figures_are_in_the_units_that_they_say_and_beside_the_simple_ones() -> None:
    made, simple = some()
    report = series_report(
        made,
        simple,
        level=0.9,
        history=array(0, 1, 2, 3),
        periods=np.repeat(["one", "two", "three"], 100),
        losses=made.errors,
        baseline_name="as it was",
        period_name="third",
    )
    assert report.n == len(report.losses) == 300
    assert report.metrics["relative_mae"].value == pytest.approx(0.5)
    assert report.metrics["mase"].value == report.metrics["mae"].value == pytest.approx(made.errors.mean())
    assert report.metrics["directional_accuracy"].value == 1.0
    assert report.baseline["directional_accuracy"] == 0.5
    assert report.metrics["mean_width"].value == pytest.approx(100 * 6.6 / 200)
    assert report.baseline["coverage_90"] == pytest.approx(0.9, abs=0.03)
    assert report.metrics["worst_third"].value <= report.metrics["coverage_90"].value
    for name, found in report.metrics.items():
        assert found.low - 1e-9 <= found.value <= found.high + 1e-9, name


def test_blocks_make_intervals_of_rows_that_resemble_each_other_wider() -> None:
    random = np.random.default_rng(6)
    values = np.repeat(random.normal(size=60), 10)

    def mean(weights: Floats) -> dict[str, Floats]:
        return {"mean": weights @ values / weights.sum(1)}

    single, blocks = bootstrap(600, mean)["mean"].std(), block_bootstrap(600, mean, 20)["mean"].std()
    # Of sixty independent values the mean is as sure as 60 ** -0.5 of one, not as 600 ** -0.5.
    assert blocks == pytest.approx(values.std() / 60**0.5, rel=0.25)
    assert single < 0.5 * blocks


def test_resamples_are_always_the_same_and_hold_as_many_rows() -> None:
    def rows(weights: Floats) -> dict[str, Floats]:
        return {"rows": weights.sum(1), "first": weights[:, 0]}

    one, two = block_bootstrap(37, rows, 10), block_bootstrap(37, rows, 10)
    assert (one["rows"] == 37).all()
    assert np.array_equal(one["first"], two["first"])
    assert one["first"].mean() == pytest.approx(1.0, abs=0.15)


def test_forecasts_that_lack_a_figure_are_refused() -> None:
    with pytest.raises(ValueError, match="each forecast needs all"):
        Forecasts(last=array(1, 2), truth=array(1), expected=array(1, 2), low=array(1, 2), high=array(1, 2))
    with pytest.raises(ValueError, match="at least"):
        Forecasts(last=array(), truth=array(), expected=array(), low=array(), high=array())
