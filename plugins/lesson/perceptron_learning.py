"""The single-layer perceptron, with the textbook's bias and with the course's, and whether a line can do it at all.

Imported where models run.
"""

import math
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

Bias = Literal["textbook", "course"]
Floats = NDArray[np.float64]
NO_ANGLE: Final = np.pi / 2
"""The angle to a point at the origin, which has no direction: that of a cosine of 0."""


@dataclass(frozen=True)
class Epoch:
    """What the perceptron was after an epoch: its weights, its bias, and how much it gets right."""

    weights: Floats
    bias: float
    accuracy: float


@dataclass(frozen=True)
class Learned:
    """Every epoch, the first being before any learning; `converged`: the first epoch without a mistake."""

    epochs: list[Epoch]
    converged: int | None


def activation(places: Floats, weights: Floats, bias: float, kind: Bias) -> Floats:
    """Return what the step is applied to: w·x + b, or, as the course has it, w·x + the angle between w and x."""
    products: Floats = places @ weights
    if kind == "textbook":
        return products + bias
    lengths = np.linalg.norm(places, axis=-1) * np.linalg.norm(weights)
    cosines = np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0)
    return products + np.where(lengths > 0, np.arccos(np.clip(cosines, -1.0, 1.0)), NO_ANGLE)


def step(values: Floats) -> NDArray[np.int64]:
    """Return 1 where a value is not below 0, else 0."""
    return (values >= 0).astype(np.int64)


def learn(
    places: Floats, kinds: NDArray[np.int64], kind: Bias, rate: float, epochs: int, seed: int
) -> Learned:
    """Learn by Rosenblatt's rule, point by point in an order drawn anew each epoch, until there is no mistake.

    The course's bias is not learned: it follows from w and x.
    """
    random = np.random.default_rng(seed)
    weights, bias = random.normal(0, 0.5, 2), 0.0
    # Numbers of Python's own: for two of them at a time numpy's arrays take ten times as long.
    points = [(x, y, truth) for (x, y), truth in zip(places.tolist(), kinds.tolist(), strict=True)]

    def now() -> Epoch:
        right = step(activation(places, weights, bias, kind)) == kinds
        return Epoch(weights, bias, float(right.mean()))

    seen = [now()]
    for _ in range(epochs):
        if seen[-1].accuracy == 1.0:
            break
        order = random.permutation(len(points)).tolist()
        w, v, bias = _epoch([points[at] for at in order], (*weights.tolist(), bias), kind, rate)
        weights = np.array([w, v])
        seen.append(now())
    return Learned(seen, len(seen) - 1 if seen[-1].accuracy == 1.0 else None)


def _epoch(
    points: list[tuple[float, float, int]], at: tuple[float, float, float], kind: Bias, rate: float
) -> tuple[float, float, float]:
    """Go through all points once; return both weights and the bias."""
    w, v, bias = at
    for x, y, truth in points:
        product = w * x + v * y
        if kind == "textbook":
            said = product + bias >= 0
        else:
            length = math.hypot(x, y) * math.hypot(w, v)
            said = product + (math.acos(max(-1.0, min(1.0, product / length))) if length else NO_ANGLE) >= 0
        if said != truth:
            error = rate * (truth - said)
            w, v = w + error * x, v + error * y
            if kind == "textbook":
                bias += error
    return w, v, bias


def separable(places: Floats, kinds: NDArray[np.int64]) -> bool:
    """Tell whether a line divides the two kinds: whether a linear program has a solution with a margin of 1."""
    from scipy.optimize import linprog

    sides = np.where(kinds == 1, 1.0, -1.0)
    rows = -sides[:, None] * np.column_stack([places, np.ones(len(places))])
    found = linprog(np.zeros(3), A_ub=rows, b_ub=-np.ones(len(places)), bounds=[(None, None)] * 3)
    return bool(found.status == 0)
