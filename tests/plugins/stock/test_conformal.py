"""Intervals hold as often as they promise, whatever comes, and learn from nothing but the past."""

import numpy as np
import pytest
from numpy.typing import NDArray

from plugins.stock.conformal import LEVELS, track
from plugins.stock.prices import Prices
from plugins.stock.ticks import LOOK_BACK, inwards, on_ticks, tick
from plugins.stock.volatility import Volatility, ewma, measures
from tests.plugins.stock.invented import invented

Floats = NDArray[np.float64]


def held(scores: Floats, ahead: int, level: int) -> NDArray[np.bool_]:
    reach = track(scores)
    return scores[:-ahead, ahead - 1] <= reach[level, :-ahead, ahead - 1]


@pytest.mark.parametrize(
    ("kind", "starts", "off"),
    [
        ("calm", (300, 700, 1000), 0.03),
        ("heavy tails", (300, 700, 1000), 0.03),
        # A step of the spread that nothing foresaw costs its misses once, and is over.
        ("a regime that triples", (200, 1000), 0.03),
        ("a trend", (300, 700, 1000), 0.045),
    ],
)
def test_the_share_of_hits_comes_out_as_promised_over_two_years(
    kind: str, starts: tuple[int, ...], off: float
) -> None:
    random = np.random.default_rng(3)
    scores = np.abs(random.standard_normal((1500, 1)))
    match kind:
        case "heavy tails":
            scores = np.abs(random.standard_t(2, (1500, 1)))
        case "a regime that triples":
            scores[700:] *= 3
        case "a trend":
            scores *= np.linspace(1, 4, 1500)[:, None]
    for level, promised in enumerate(LEVELS):
        hits = held(scores, 1, level)
        for start in starts:
            assert hits[start : start + 490].mean() == pytest.approx(promised, abs=off)


def test_what_comes_later_changes_nothing_earlier() -> None:
    scores = np.abs(np.random.default_rng(1).standard_normal((200, 20)))
    later = scores.copy()
    later[120:] = 9.0
    # What was forecast on day 100 for 20 days ahead is not known before day 120.
    for ahead in range(1, 21):
        later[121 - ahead : 120, ahead - 1] = 9.0
    assert np.array_equal(track(scores)[:, :121], track(later)[:, :121])
    assert not np.array_equal(track(scores)[:, 121], track(later)[:, 121])


def test_a_wider_level_is_never_narrower() -> None:
    scores = np.abs(np.random.default_rng(2).standard_normal((300, 20))) * np.linspace(0.01, 10, 300)[:, None]
    reach = track(scores)
    assert (reach[1] >= reach[0]).all()


def test_scores_that_have_not_come_yet_are_not_learned_from() -> None:
    scores = np.full((50, 2), np.nan)
    reach = track(scores)
    assert np.array_equal(reach[:, 0], reach[:, -1])


def test_moving_averages_are_those_of_the_formula() -> None:
    values = np.random.default_rng(0).random(30)
    weights = 0.9 ** np.arange(30)[::-1]
    assert ewma(values, 0.1)[-1] == pytest.approx(weights @ values / weights.sum())
    assert ewma(values, 0.1)[0] == pytest.approx(values[0])


def test_spreads_scale_with_moves_and_not_with_prices() -> None:
    prices = Prices.of(invented(150))
    dearer = Prices(
        **{
            name: values * 7 if name in ("open", "high", "low", "close") else values
            for name, values in vars(prices).items()
        }
    )
    spread = Volatility().spread(prices)
    assert Volatility().spread(dearer) == pytest.approx(spread, rel=1e-9)
    assert (np.diff(spread, axis=1) > 0).all()
    assert spread.shape == (150, 20)


def test_what_a_payout_takes_from_the_price_is_no_move() -> None:
    days = invented(300)
    prices = Prices.of(days)
    (ex,) = np.flatnonzero(prices.ex)
    paid = prices.close.copy()
    paid[:ex] *= 1.3
    before = {name: values.copy() for name, values in vars(prices).items()}
    for name in ("open", "high", "low", "close"):
        before[name][:ex] *= 1.3
    assert measures(Prices(**before)) == pytest.approx(measures(prices))


def test_interval_ends_are_prices_that_can_be_traded_and_lose_none() -> None:
    random = np.random.default_rng(5)
    low = random.uniform(5, 1200, 2000)
    high = low * random.uniform(1.001, 1.2, 2000)
    new_low, new_high = inwards(low, high, np.ones(2000, dtype=bool))
    assert ((new_low >= low - 1e-6) & (new_high <= high + 1e-6) & (new_low <= new_high)).all()
    moved = new_low > low
    assert (new_low[moved] / tick(new_low[moved])) == pytest.approx(
        np.round(new_low[moved] / tick(new_low[moved]))
    )
    assert ((new_low - low)[moved] < tick(low)[moved] + 1e-6).all()


def test_prices_off_the_exchange_s_steps_are_left_as_they_are() -> None:
    close = np.full(200, 250.5)
    close[100] = 250.33
    allowed = on_ticks(close)
    assert allowed[:100].all()
    assert not allowed[100 : 100 + LOOK_BACK].any()
    assert allowed[100 + LOOK_BACK :].all()
    low, high = inwards(np.array([250.1]), np.array([252.3]), np.array([False]))
    assert (low[0], high[0]) == (250.1, 252.3)
