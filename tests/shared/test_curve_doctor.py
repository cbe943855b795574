"""The doctor of loss curves: each rule on a curve made for it, with noise, and silence where nothing is to be said."""

import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.curve_doctor import read_curves

EPOCHS = 60
Curve = Callable[[float], float]


def curve(shape: Curve, noise: float = 0.0, seed: int = 0, epochs: int = EPOCHS) -> list[float]:
    chance = random.Random(seed)
    return [shape(at / (epochs - 1)) * (1 + noise * chance.gauss(0, 1)) for at in range(epochs)]


def falls(x: float) -> float:
    return 0.1 + math.exp(-10 * x)


def turns(x: float) -> float:
    return 0.3 + math.exp(-12 * x) + 0.6 * x


def kinds(train: list[float], test: list[float]) -> list[str]:
    return [finding.kind for finding in read_curves(train, test)]


CASES: list[tuple[str, Curve, Curve | None]] = [
    ("converged", falls, lambda x: falls(x) + 0.02),
    ("converged", falls, None),
    ("overfitting", falls, turns),
    ("underfitting", lambda x: 1.0 - 0.5 * x, lambda x: 1.05 - 0.5 * x),
    ("underfitting", lambda x: 1.0 - 0.03 * x, lambda x: 1.0 - 0.02 * x),
    ("diverging", lambda x: 0.5 + math.exp(4 * x - 1), lambda x: 0.6 + math.exp(4 * x - 1)),
    ("data_trouble", falls, lambda x: 1.0 + 1.2 * x),
]


@pytest.mark.parametrize("noise", [0.0, 0.01])
@pytest.mark.parametrize(("kind", "train", "test"), CASES)
def test_each_trouble_is_named_on_a_curve_made_for_it(
    kind: str, train: Curve, test: Curve | None, noise: float
) -> None:
    for seed in range(10):
        other = curve(test, noise, seed + 100) if test else []
        assert kinds(curve(train, noise, seed), other) == [kind]


@pytest.mark.parametrize("scale", [1e-6, 1.0, 30.0])
def test_the_scale_of_the_loss_does_not_matter(scale: float) -> None:
    for kind, train, test in CASES:
        other = [scale * each for each in curve(test)] if test else []
        assert kinds([scale * each for each in curve(train)], other) == [kind]


def test_a_learning_rate_that_is_too_high_is_told_by_its_swings() -> None:
    chance = random.Random(1)
    train = [0.6 + 0.4 * math.exp(-at) + 0.4 * chance.random() for at in range(EPOCHS)]
    (finding,) = read_curves(train, [each + 0.1 for each in train])
    assert finding.kind == "rate_too_high"
    assert finding.said.values["ups"] > 0.3


def test_overfitting_names_the_epoch_to_stop_at() -> None:
    test = curve(turns)
    (finding,) = read_curves(curve(falls), test)
    assert finding.epoch is not None
    assert abs(finding.epoch - 1 - test.index(min(test))) <= 3


def test_a_target_that_is_not_scaled_is_told_beside_the_rest() -> None:
    train = [4e4 * each for each in curve(falls)]
    assert kinds(train, [1.1 * each for each in train]) == ["target_not_scaled", "converged"]


@pytest.mark.parametrize("broken", [math.nan, math.inf])
def test_a_loss_that_is_no_number_is_diverging_from_there(broken: float) -> None:
    train = curve(falls)
    train[20] = broken
    (finding,) = read_curves(train, curve(falls))
    assert (finding.kind, finding.epoch) == ("diverging", 21)


def test_a_short_curve_says_nothing() -> None:
    assert read_curves([1.0, 0.5, 0.2], [1.0, 0.6, 0.4]) == []


def test_curves_of_two_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="3 and 2"):
        read_curves([1, 2, 3], [1, 2])


@given(st.lists(st.tuples(st.floats(), st.floats()), max_size=80))
def test_no_curve_at_all_breaks_it(pairs: list[tuple[float, float]]) -> None:
    train, test = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    for finding in read_curves(train, test):
        assert str(finding.said)
