"""The network of two layers: gradients by hand are those of PyTorch and of finite differences, and it learns XOR."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from plugins.lesson.network import Activation, Parameters, backward, beginning, loss, probabilities
from plugins.lesson.network_torch import Twin
from plugins.lesson.points import CORNERS, GATES, drawn

PLACES, TRUTH = np.array(CORNERS), np.array(GATES["xor"], dtype=np.float64)
ACTIVATIONS: tuple[Activation, ...] = ("sigmoid", "tanh", "relu")


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradients_by_hand_are_those_of_finite_differences(activation: Activation) -> None:
    at = replace(beginning(5, activation, 4), b2=np.array([0.3]))
    gradient = backward(PLACES, TRUTH, at, activation).gradient
    for which, (part, found) in enumerate(zip(at.parts(), gradient.parts(), strict=True)):
        for place in np.ndindex(part.shape):
            ends = []
            for move in (1e-6, -1e-6):
                moved = [each.copy() for each in at.parts()]
                moved[which][place] += move
                ends.append(loss(PLACES, TRUTH, Parameters(*moved), activation))
            assert found[place] == pytest.approx((ends[0] - ends[1]) / 2e-6, abs=1e-8)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("hidden", [1, 7])
def test_gradients_by_hand_are_those_of_torch_all_the_way_down(activation: Activation, hidden: int) -> None:
    points = drawn("moons", 60, 0.2, 1)
    places, truth = np.array(points.places), np.array(points.kind_of, dtype=np.float64)
    at = beginning(hidden, activation, 2)
    twin = Twin(at, activation)
    for _ in range(50):
        found = backward(places, truth, at, activation)
        twin.put(at)
        assert found.gradient.distance(twin.gradient(places, truth)) < 1e-6
        assert found.loss == pytest.approx(
            twin.loss(torch.from_numpy(places), torch.from_numpy(truth)).item()
        )
        at = at.moved(found.gradient, 0.5)


def test_torch_learns_by_itself_what_numpy_learns() -> None:
    at = beginning(4, "tanh", 0)
    twin = Twin(at, "tanh")
    places, truth = torch.from_numpy(PLACES), torch.from_numpy(TRUTH)
    for _ in range(300):
        at = at.moved(backward(PLACES, TRUTH, at, "tanh").gradient, 0.5)
        twin.zero_grad()
        twin.loss(places, truth).backward()
        with torch.no_grad():
            for each in twin.parameters():
                each -= 0.5 * each.grad
    with torch.no_grad():
        assert np.abs(torch.sigmoid(twin(places)).numpy() - probabilities(PLACES, at, "tanh")).max() < 1e-6
    assert ((probabilities(PLACES, at, "tanh") > 0.5) == TRUTH).all()
