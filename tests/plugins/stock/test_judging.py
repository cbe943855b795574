"""A file is judged walk-forward beside the rival, short ones are refused, and figures are those of the days judged."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from plugins.stock.judging import FEWEST, evaluate, held_out, judged_days, read_prices
from plugins.stock.model import Stock
from plugins.stock.prices import Prices
from plugins.stock.reference import WalkIntervals
from plugins.stock.walkforward import Forecaster, quarters
from shared.errors import BadInput
from shared.model import Report
from tests.plugins.stock.invented import invented, written

assert Stock.default is not None
SHIPPED = Forecaster.read(Stock.default)
DAYS = invented(900, seed=7)
METRICS = {
    "mae", "relative_mae", "mase", "directional_accuracy", "coverage_90", "mean_width", "winkler", "worst_quarter",
}  # fmt: skip


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return evaluate(SHIPPED, written(tmp_path_factory.mktemp("stock") / "days.csv", DAYS), "all")


def test_each_metric_is_given_with_its_interval_and_the_rival_s(report: Report) -> None:
    assert set(report.metrics) == set(report.baseline) == METRICS
    assert report.n == len(report.losses) == 360
    assert report.details["warm_up_days"] == 540
    assert report.details["first_judged"] == str(DAYS[540].date)
    for name, found in report.metrics.items():
        assert found.low - 1e-9 <= found.value <= found.high + 1e-9, name
    assert {"drift", "lstm", "boosted", "course's LSTM"} <= set(report.reference)


def test_the_figures_are_those_of_the_days_that_are_judged(report: Report) -> None:
    close = np.array([day.close for day in DAYS])
    steps = np.abs(np.diff(close))
    assert report.metrics["mae"].value == pytest.approx(steps[539:].mean())
    assert report.metrics["mase"].value == pytest.approx(steps[539:].mean() / steps[:539].mean())
    assert report.metrics["relative_mae"].value == 1.0
    assert report.metrics["directional_accuracy"].value == 0.5


def test_intervals_hold_as_often_as_they_say_and_cost_no_more_than_the_rival_s(report: Report) -> None:
    assert 0.86 <= report.metrics["coverage_90"].value <= 0.94
    assert report.metrics["winkler"].value <= 1.03 * report.baseline["winkler"]
    assert report.metrics["worst_quarter"].value <= report.metrics["coverage_90"].value
    assert set(report.details["ahead"]) == {"1", "5", "10", "20"}


def test_days_after_those_judged_change_no_loss(tmp_path: Path) -> None:
    one = evaluate(SHIPPED, written(tmp_path / "one.csv", DAYS[:500]), "all")
    two = evaluate(SHIPPED, written(tmp_path / "two.csv", DAYS[:500] + invented(900, seed=8)[500:540]), "all")
    # The longer file warms up for 24 days more.
    assert one.losses[24:199] == pytest.approx(two.losses[:175])


@pytest.mark.parametrize(("count", "whole", "held"), [(300, 50, 50), (600, 240, 200), (2710, 1084, 490)])
def test_what_is_judged_comes_after_a_warm_up_of_a_year_at_least(count: int, whole: int, held: int) -> None:
    found, newest = judged_days(count, "all"), judged_days(count, "holdout")
    assert (len(found), len(newest)) == (whole, held)
    assert min(found[0], newest[0]) >= 249
    assert found[-1] == newest[-1] == count - 2
    assert newest[0] >= held_out(count) - 1


def test_a_file_of_three_hundred_days_is_judged_and_a_shorter_one_refused(tmp_path: Path) -> None:
    report = evaluate(SHIPPED, written(tmp_path / "days.csv", DAYS[:FEWEST]), "all")
    assert report.n == 50
    assert np.isfinite([found.value for found in report.metrics.values()]).all()
    with pytest.raises(BadInput, match="holds 299 days of trading; at least 300 are needed"):
        read_prices(written(tmp_path / "short.csv", DAYS[: FEWEST - 1]))
    with pytest.raises(BadInput, match="cannot be read"):
        read_prices(tmp_path / "none.csv")
    packed = gzip.compress((tmp_path / "days.csv").read_bytes())
    (tmp_path / "days.csv.gz").write_bytes(packed)
    assert len(read_prices(tmp_path / "days.csv.gz")) == FEWEST
    (tmp_path / "torn.csv.gz").write_bytes(packed[:500])
    with pytest.raises(BadInput, match="cannot be read"):
        read_prices(tmp_path / "torn.csv.gz")


def test_the_rival_s_intervals_are_split_conformal_on_scaled_moves() -> None:
    prices = Prices.of(DAYS[:200])
    moves = np.diff(np.log(prices.close), prepend=np.log(prices.close[0]))
    weights = [0.94 ** np.arange(day + 1)[::-1] for day in range(200)]
    spread = np.array([np.sqrt(w @ moves[: day + 1] ** 2 / w.sum()) for day, w in enumerate(weights)])
    scores = np.sort(np.abs(moves[1:150]) / np.maximum(spread[:149], 1e-4))
    rank = int(np.ceil(150 * 0.9))
    assert WalkIntervals(prices).half_width(149, 1) == pytest.approx(scores[rank - 1] * spread[149])


def test_quarters_are_those_of_the_calendar() -> None:
    names = quarters(Prices.of(DAYS[:200])).tolist()
    assert (names[0], names[-1]) == ("2015Q1", f"2015Q{(DAYS[199].date.month + 2) // 3}")
