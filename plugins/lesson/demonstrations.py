"""Learns what a lesson on perceptrons asks for, watching, and makes the film of it. Imported by the worker only."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from plugins.lesson.animation import Field, Film, animate, chosen_epochs
from plugins.lesson.network import Floats, Parameters, backward, beginning, probabilities
from plugins.lesson.network_torch import Twin
from plugins.lesson.perceptron_learning import activation, learn, separable, step
from plugins.lesson.perceptrons import NetworkRequest, NetworkResult, PerceptronRequest, PerceptronResult
from plugins.lesson.points import Points, drawn, gate, scaled

COUNT: Final = 160
NOISE: Final = 0.12
"""Points of a set that is drawn, and how far they are scattered."""
COMPARED: Final = 400
"""Epochs, at most, in which the gradients of numpy and of PyTorch are compared."""
FAR: Final = 1e8
"""A weight beyond this has run away."""


def demonstrate(lesson: PerceptronRequest | NetworkRequest) -> PerceptronResult | NetworkResult:
    """Learn and draw what is asked for."""
    points = lesson.points or _points(lesson)
    # Own points may be kilograms beside metres; what we draw ourselves is of one size.
    places = scaled(points)[0] if lesson.points else np.array(points.places, dtype=np.float64)
    kinds = np.array(points.kind_of, dtype=np.int64)
    match lesson:
        case PerceptronRequest():
            return _perceptron(lesson, points, places, kinds)
        case NetworkRequest():
            return _network(lesson, points, places, kinds)


def _points(lesson: PerceptronRequest | NetworkRequest) -> Points:
    match lesson.data:
        case "and" | "or" | "xor":
            return gate(lesson.data)
        case "moons" | "circles" | "blobs":
            return drawn(lesson.data, COUNT, NOISE, lesson.seed)


def _perceptron(
    lesson: PerceptronRequest, points: Points, places: Floats, kinds: NDArray[np.int64]
) -> PerceptronResult:
    learned = learn(places, kinds, lesson.bias, lesson.rate, lesson.epochs, lesson.seed)

    def field(epoch: int) -> Field:
        now = learned.epochs[epoch]
        return lambda at: step(activation(at, now.weights, now.bias, lesson.bias)).astype(np.float64)

    last = learned.epochs[-1]
    accuracy = [epoch.accuracy for epoch in learned.epochs]
    film = Film(
        places=places,
        kinds=kinds,
        frames=[(epoch, field(epoch)) for epoch in chosen_epochs(len(accuracy) - 1)],
        accuracy=accuracy,
        words=lesson.words,
        axes=points.axes,
        names=points.kinds,
    )
    return PerceptronResult(
        gif=animate(film),
        accuracy=accuracy,
        converged=learned.converged,
        separable=separable(places, kinds),
        weights=(float(last.weights[0]), float(last.weights[1])),
        bias=last.bias,
        wrong=round((1 - last.accuracy) * len(places)),
        count=len(places),
    )


def _network(
    lesson: NetworkRequest, points: Points, places: Floats, kinds: NDArray[np.int64]
) -> NetworkResult:
    truth = kinds.astype(np.float64)
    at = beginning(lesson.hidden, lesson.activation, lesson.seed)
    twin = Twin(at, lesson.activation)
    every = -(-lesson.epochs // COMPARED)
    seen: list[Parameters] = [at]
    losses: list[float] = []
    accuracy: list[float] = []
    difference, compared, diverged = 0.0, 0, False
    for epoch in range(lesson.epochs + 1):
        found = backward(places, truth, at, lesson.activation)
        losses.append(found.loss)
        accuracy.append(float(np.mean((found.said >= 0.5) == kinds)))
        if epoch % every == 0:
            twin.put(at)
            difference = max(difference, found.gradient.distance(twin.gradient(places, truth)))
            compared += 1
        if epoch == lesson.epochs:
            break
        at = at.moved(found.gradient, lesson.rate)
        if not all(np.all(np.abs(part) < FAR) for part in at.parts()):
            diverged = True
            break
        seen.append(at)

    def field(epoch: int) -> Field:
        return lambda where: probabilities(where, seen[epoch], lesson.activation)

    film = Film(
        places=places,
        kinds=kinds,
        frames=[(epoch, field(epoch)) for epoch in chosen_epochs(len(seen) - 1)],
        accuracy=accuracy,
        words=lesson.words,
        axes=points.axes,
        names=points.kinds,
        loss=losses,
    )
    return NetworkResult(
        gif=animate(film),
        accuracy=accuracy,
        loss=losses,
        difference=difference,
        compared=compared,
        diverged=diverged,
        wrong=round((1 - accuracy[-1]) * len(places)),
        count=len(places),
    )
