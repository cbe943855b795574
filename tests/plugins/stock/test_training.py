"""Training sees nothing of the years that it is judged on, comes out the same each time, and chooses beyond chance."""

import os
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import pytest

from plugins.stock.judging import held_out
from plugins.stock.lstm import CourseLstm
from plugins.stock.model import ForecastRequest, ForecastResult, Stock
from plugins.stock.prices import Prices
from plugins.stock.series import Day
from plugins.stock.training import FEWEST, Stretches, choose, held_back
from shared.errors import BadInput
from shared.model import Device, Report
from shared.training_report import curves_of
from tests.plugins.stock.invented import invented, written

DAYS = invented(520, seed=11)


@dataclass(frozen=True)
class Trained:
    """A training, and what it left."""

    data: Path
    folder: Path
    report: Report
    steps: list[float]


def train(folder: Path, days: list[Day]) -> Trained:
    folder.mkdir()
    data, steps = written(folder / "days.csv", days), list[float]()
    report = Stock.train(data, folder / "weights", lambda done, note="": steps.append(done))
    return Trained(data, folder / "weights", report, steps)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train(tmp_path_factory.mktemp("stock") / "first", DAYS)


def test_what_is_written_answers_and_is_judged_as_it_was_reported(trained: Trained) -> None:
    model = Stock.load(trained.folder, Device())
    again = model.evaluate(trained.data, "holdout")
    assert again.n == trained.report.n == 520 - held_out(520)
    assert again.losses == pytest.approx(trained.report.losses)
    curves = curves_of(trained.report)
    assert [each.name for each in curves] == ["trees", "LSTM on returns", "course's LSTM"]
    for each in curves:
        assert len(each.train) == len(each.test) > 5
        # So few days are too few for the trees to find a split.
        assert each.name == "trees" or min(each.train) < each.train[0]
    assert {name: found.value for name, found in again.metrics.items()} == pytest.approx(
        {name: found.value for name, found in trained.report.metrics.items()}
    )
    (found,) = model.predict([ForecastRequest(DAYS, 3)])
    assert isinstance(found, ForecastResult)


def test_progress_only_rises_and_ends_at_one(trained: Trained) -> None:
    assert trained.steps == sorted(trained.steps)
    assert trained.steps[-1] == 1.0


def test_days_that_are_held_out_change_no_weight(trained: Trained, tmp_path: Path) -> None:
    first = held_out(len(DAYS))
    wild = [msgspec.structs.replace(day, high=900.0, low=1.0, trades=1) for day in DAYS[first:]]
    other = train(tmp_path / "other", DAYS[:first] + wild)
    names = sorted(path.name for path in trained.folder.iterdir())
    assert names == ["boosted.json", "course.safetensors", "lstm.safetensors", "model.json"]
    for name in names:
        assert (other.folder / name).read_bytes() == (trained.folder / name).read_bytes(), name
    assert other.report.losses != trained.report.losses


def test_the_course_s_model_is_scaled_by_the_first_days_alone(trained: Trained) -> None:
    course = CourseLstm.read(trained.folder)
    wild = [msgspec.structs.replace(day, high=900.0) for day in DAYS[400:]]
    one, two = (course.expected(Prices.of(days), 300) for days in (DAYS, DAYS[:400] + wild))
    assert one[:400] == pytest.approx(two[:400])
    assert one[:9].tolist() == [day.close for day in DAYS[:9]]
    assert not np.allclose(one[400:], two[400:])


def test_stretches_follow_each_other_in_time() -> None:
    for count in (500, 520, 2710):
        ends = Stretches.of(count)
        assert 100 < ends.fit < ends.stop < ends.choose == held_out(count) < count


def test_only_what_beats_as_today_beyond_chance_is_champion() -> None:
    prices = Prices.of(DAYS)
    ends = Stretches.of(len(DAYS))
    came = np.zeros((len(DAYS), 20))
    came[:-1] = np.diff(np.log(prices.close))[:, None]
    noise = np.random.default_rng(1).normal(0, 0.004, came.shape)
    best, figures = choose(prices, {"drift": noise, "lstm": 0.3 * came, "boosted": 0.2 * came}, ends)
    assert best == "lstm"
    assert figures["lstm"]["relative_mae"] == pytest.approx(0.7, abs=0.01)
    assert choose(prices, {"drift": noise, "lstm": 0 * came}, ends)[0] == "random_walk"


def test_a_forecast_is_held_back_as_far_as_it_is_worth() -> None:
    prices = Prices.of(DAYS)
    came = np.zeros((len(DAYS), 20))
    came[:-1] = np.diff(np.log(prices.close))[:, None]
    assert held_back(prices, came, 100) == 1.0
    assert held_back(prices, 5 * came, 100) == 0.2
    assert held_back(prices, -came, 100) == 0.0


def test_a_file_too_short_to_train_on_is_refused_and_nothing_written(tmp_path: Path) -> None:
    data = written(tmp_path / "days.csv", DAYS[: FEWEST - 1])
    with pytest.raises(BadInput, match="at least 500 are needed to train"):
        Stock.train(data, tmp_path / "weights", lambda done, note="": None)
    assert not (tmp_path / "weights").exists()


def test_the_weights_that_ship_are_as_good_as_their_card_says() -> None:
    roots = [Path(__file__).parents[4] / "shared" / "data", Path(os.environ.get("HEARTH_SHARED_DATA", "."))]
    name = "twse_2330_2010-2020.csv"
    data = next((root / name for root in roots if (root / name).is_file()), None)
    if data is None:
        pytest.skip(f"the days of 2330 are not at {' or '.join(map(str, roots))}")
    assert Stock.default is not None
    report = Stock.load(Stock.default, Device()).evaluate(data, "holdout")
    card = (Stock.default / "CARD.md").read_text(encoding="utf-8")
    for metric, found in report.metrics.items():
        beside = report.baseline[metric]
        assert f"| {metric} | {found.value:.3f} | {found.low:.3f} – {found.high:.3f} | {beside:.3f} |" in card
    assert 0.88 <= report.metrics["coverage_90"].value <= 0.92
    assert report.metrics["worst_quarter"].value >= 0.8
    assert report.metrics["relative_mae"].value <= 1.01
    assert report.metrics["winkler"].value <= report.baseline["winkler"]
    assert report.metrics["mean_width"].value <= report.baseline["mean_width"]
