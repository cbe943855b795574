"""Forecasts are made from the past alone, answers are those that were rated, and any days are answered or refused."""

import datetime
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.stock.model import ForecastRequest, ForecastResult, Stock
from plugins.stock.points import Drift, proven
from plugins.stock.prices import Prices
from plugins.stock.reference import WalkIntervals
from plugins.stock.series import Day
from plugins.stock.walkforward import CANDIDATES, Forecaster
from shared.errors import ModelUnavailable
from shared.model import Device, Failure
from tests.plugins.stock.invented import invented

DAYS = invented(420)
assert Stock.default is not None
SHIPPED = Stock.default


@pytest.fixture(scope="module")
def model() -> Stock:
    return Stock.load(SHIPPED, Device())


def answered(model: Stock, days: list[Day], horizon: int = 20) -> ForecastResult:
    (found,) = model.predict([ForecastRequest(days, horizon)])
    assert isinstance(found, ForecastResult)
    return found


def with_champion(name: str) -> Forecaster:
    shipped = Forecaster.read(SHIPPED)
    return Forecaster(msgspec.structs.replace(shipped.weights, champion=name), shipped.folder)


def altered(days: list[Day], first: int) -> list[Day]:
    """Return the days with wild ones from `first` on."""
    wild = [
        msgspec.structs.replace(day, open=500.0, high=900.0, low=40.0, close=41.5, trades=3) for day in days
    ]
    return days[:first] + wild[first:]


@pytest.mark.parametrize("champion", CANDIDATES)
def test_later_days_change_no_earlier_forecast(champion: str) -> None:
    forecaster = with_champion(champion)
    prices, other = Prices.of(DAYS), Prices.of(altered(DAYS, 350))
    one, two = forecaster.walk(prices), forecaster.walk(other)
    for field in fields(one):
        found, changed = getattr(one, field.name), getattr(two, field.name)
        past = (slice(None), slice(0, 350)) if field.name == "reach" else slice(0, 350)
        np.testing.assert_allclose(found[past], changed[past], rtol=1e-5, atol=1e-9, err_msg=field.name)
    rival, altered_rival = WalkIntervals(prices), WalkIntervals(other)
    assert rival.half_width(349, 5) == altered_rival.half_width(349, 5)


@pytest.mark.parametrize("champion", ["random_walk", "drift", "boosted"])
def test_what_is_rated_is_what_was_answered_on_the_day(champion: str) -> None:
    model = Stock(with_champion(champion))
    walk = model.forecaster.walk(Prices.of(DAYS))
    for last in (99, 250, 418):
        first = answered(model, DAYS[: last + 1], 20).ahead
        for ahead in (1, 20):
            low, high = walk.ends(ahead, 0.9)
            assert first[ahead - 1].low90 == pytest.approx(low[last])
            assert first[ahead - 1].high90 == pytest.approx(high[last])
            assert first[ahead - 1].expected == pytest.approx(walk.expected(ahead)[last])


def test_the_track_record_is_that_of_the_last_days(model: Stock) -> None:
    found = answered(model, DAYS)
    low, high = model.forecaster.walk(Prices.of(DAYS)).ends(1, 0.9)
    close = np.array([day.close for day in DAYS])
    rated = np.arange(len(DAYS) - 251, len(DAYS) - 1)
    hits = (low[rated] <= close[rated + 1]) & (close[rated + 1] <= high[rated])
    assert found.rated_days == 250
    assert found.coverage_90 == pytest.approx(hits.mean())
    assert found.mean_width == pytest.approx(((high - low) / close)[rated].mean())
    assert found.winkler >= found.mean_width
    assert found.worst_quarter <= found.coverage_90
    assert found.relative_mae == 1.0
    assert not found.beats_walk
    assert (found.last, found.close, found.champion) == (DAYS[-1].date, DAYS[-1].close, "random_walk")


@given(st.integers(0, 1000), st.integers(60, 200), st.integers(1, 20), st.sampled_from([0.0, 0.01, -0.01]))
@settings(deadline=None, max_examples=25)
def test_intervals_lie_in_each_other_and_widen_with_time(
    seed: int, count: int, horizon: int, drift: float
) -> None:
    found = answered(Stock.load(SHIPPED, Device()), invented(count, seed, drift), horizon)
    assert [each.ahead for each in found.ahead] == list(range(1, horizon + 1))
    for each in found.ahead:
        assert 0 < each.low90 <= each.low50 <= each.expected <= each.high50 <= each.high90
        assert 0 < each.walk_low90 < found.close < each.walk_high90
    width = [each.high90 - each.low90 for each in found.ahead]
    assert width[-1] >= width[0]


def test_a_price_that_never_moves_is_answered(model: Stock) -> None:
    start = datetime.date(2020, 1, 1)
    days = [Day(start + datetime.timedelta(at), 50.0, 50.0, 50.0, 50.0, 0, 0, 0) for at in range(100)]
    found = answered(model, days)
    assert found.relative_mae == 1.0
    assert found.ahead[0].low90 <= 50.0 <= found.ahead[0].high90
    assert all(np.isfinite(value) for value in (found.winkler, found.worst_quarter, found.mean_width))


@pytest.mark.parametrize(
    ("days", "horizon", "refusal", "reason"),
    [
        (DAYS[:59], 5, True, "At least 60 days"),
        ([], 5, True, "At least 60 days"),
        (DAYS[:100], 0, True, "1 to 20 days"),
        (DAYS[:100], 21, True, "1 to 20 days"),
        (DAYS[:100][::-1], 5, False, "not in order"),
        ([*DAYS[:100], DAYS[99]], 5, False, "not in order"),
        ([*DAYS[:99], msgspec.structs.replace(DAYS[99], low=-1.0)], 5, False, "prices of a day"),
        ([*DAYS[:99], msgspec.structs.replace(DAYS[99], close=float("nan"))], 5, False, "prices of a day"),
        ([*DAYS[:99], msgspec.structs.replace(DAYS[99], high=float("inf"))], 5, False, "prices of a day"),
    ],
    ids=["few", "none", "horizon 0", "horizon 21", "backwards", "twice", "below zero", "nan", "inf"],
)
def test_what_cannot_be_forecast_fails_alone(
    model: Stock, days: list[Day], horizon: int, refusal: bool, reason: str
) -> None:
    found = model.predict([ForecastRequest(days, horizon), ForecastRequest(DAYS[:60], 1)])
    assert isinstance(found[0], Failure)
    assert (found[0].refusal, reason in found[0].reason) == (refusal, True)
    assert isinstance(found[1], ForecastResult)
    assert found[1].rated_days == 39


def test_a_forecast_that_fails_of_late_gives_way_to_as_today() -> None:
    close = 100 * np.exp(np.cumsum(np.tile([0.01, -0.01], 200)))
    right, wrong = np.tile([-0.01, 0.01], 200)[:, None], np.tile([0.01, -0.01], 200)[:, None]
    assert proven(close, right)[60:].all()
    assert not proven(close, right)[:60].any()
    assert not proven(close, wrong).any()
    turned = np.concatenate([right[:200], wrong[200:]])
    assert not proven(close, turned)[399]
    model = Stock(with_champion("drift"))
    start = datetime.date(2018, 1, 1)
    climbing = 100 * np.exp(0.005 * np.concatenate([np.arange(300), np.arange(300, 0, -1)]))
    days = [
        Day(start + datetime.timedelta(at), price, price * 1.01, price * 0.99, price, 1, 1, 1)
        for at, price in enumerate(climbing.tolist())
    ]
    assert answered(model, days[:300]).champion == "drift"
    assert answered(model, days[:300]).beats_walk
    assert answered(model, days[:520]).champion == "random_walk"
    assert answered(model, days[:520]).ahead[0].expected == days[519].close


def test_drift_goes_on_as_it_went() -> None:
    prices = Prices.of(DAYS)
    steady = replace(prices, close=100 * np.exp(0.001 * np.arange(len(prices))))
    moves = Drift().moves(steady)
    assert moves[-1] == pytest.approx(0.001 * np.arange(1, 21))


def test_weights_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable):
        Stock.load(None, Device())
    for content in (b"", b"{", b'{"champion": "oracle"}', b'{"champion": "lstm"}', b'{"champion": 3}'):
        (tmp_path / "model.json").write_bytes(content)
        with pytest.raises(ModelUnavailable):
            Stock.load(tmp_path, Device())
    for champion, file in (("lstm", "lstm.safetensors"), ("boosted", "boosted.json")):
        (tmp_path / "model.json").write_text(f'{{"champion": "{champion}"}}')
        (tmp_path / file).write_bytes((SHIPPED / file).read_bytes()[:300])
        with pytest.raises(ModelUnavailable):
            Stock.load(tmp_path, Device())


def test_answering_by_as_today_loads_no_library_of_learning() -> None:
    code = (
        "import sys; from plugins.stock.model import Stock; from shared.model import Device;"
        "assert 'numpy' not in sys.modules; Stock.load(Stock.default, Device());"
        "assert not {'torch', 'xgboost', 'sklearn', 'scipy', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])
