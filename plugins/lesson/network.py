"""A network of two layers in numpy, with its own backward pass. `network_torch` is the same in PyTorch.

p = σ(f(x W₁ + b₁) W₂ + b₂), trained on the mean cross-entropy by gradient descent on all points at once. Imported where
models run.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Activation = Literal["sigmoid", "tanh", "relu"]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pass:
    """What a pass there and back finds: the loss, the probability of kind 1 of each point, and the gradient."""

    loss: float
    said: Floats
    gradient: "Parameters"


@dataclass(frozen=True)
class Parameters:
    """Weights and biases of both layers, or their gradients: (2, h), (h,), (h, 1) and (1,) numbers."""

    w1: Floats
    b1: Floats
    w2: Floats
    b2: Floats

    def moved(self, gradient: "Parameters", rate: float) -> "Parameters":
        """Return these a step down the gradient."""
        return Parameters(*(p - rate * g for p, g in zip(self.parts(), gradient.parts(), strict=True)))

    def parts(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Return the four arrays."""
        return self.w1, self.b1, self.w2, self.b2

    def distance(self, other: "Parameters") -> float:
        """Return the largest difference of any number in them."""
        pairs = zip(self.parts(), other.parts(), strict=True)
        return max(float(np.max(np.abs(one - two))) for one, two in pairs)


def beginning(hidden: int, activation: Activation, seed: int) -> Parameters:
    """Draw the first weights: wide enough apart that hidden units differ from one another, biases too."""
    random = np.random.default_rng(seed)
    spread = 2.0 if activation == "sigmoid" else 1.0
    return Parameters(
        random.normal(0, spread, (2, hidden)),
        random.normal(0, spread / 2, hidden),
        random.normal(0, spread / np.sqrt(hidden), (hidden, 1)),
        np.zeros(1),
    )


def probabilities(places: Floats, at: Parameters, activation: Activation) -> Floats:
    """Return the probability of kind 1 for each place."""
    return _sigmoid(_logits(places, at, activation)[2])


def loss(places: Floats, kinds: Floats, at: Parameters, activation: Activation) -> float:
    """Return the mean cross-entropy, in nats."""
    return _cross_entropy(_logits(places, at, activation)[2], kinds)


def backward(places: Floats, kinds: Floats, at: Parameters, activation: Activation) -> Pass:
    """Find the loss, and its gradient by the chain rule, from the last layer back to the first."""
    inner, active, logits = _logits(places, at, activation)
    said = _sigmoid(logits)
    # Sigmoid and cross-entropy together: what is said less what is true.
    to_logits = ((said - kinds) / len(places))[:, None]
    to_inner = to_logits @ at.w2.T * _slope(inner, active, activation)
    gradient = Parameters(
        places.T @ to_inner, to_inner.sum(axis=0), active.T @ to_logits, to_logits.sum(axis=0)
    )
    return Pass(_cross_entropy(logits, kinds), said, gradient)


def _cross_entropy(logits: Floats, kinds: Floats) -> float:
    return float(np.mean(np.logaddexp(0.0, logits) - kinds * logits))


def _logits(places: Floats, at: Parameters, activation: Activation) -> tuple[Floats, Floats, Floats]:
    inner = places @ at.w1 + at.b1
    active = _active(inner, activation)
    return inner, active, (active @ at.w2 + at.b2)[:, 0]


def _active(inner: Floats, activation: Activation) -> Floats:
    match activation:
        case "sigmoid":
            return _sigmoid(inner)
        case "tanh":
            return np.tanh(inner)
        case "relu":
            return np.maximum(inner, 0.0)


def _slope(inner: Floats, active: Floats, activation: Activation) -> Floats:
    match activation:
        case "sigmoid":
            return active * (1 - active)
        case "tanh":
            return 1 - active**2
        case "relu":
            return (inner > 0).astype(np.float64)


def _sigmoid(values: Floats) -> Floats:
    """Return 1 / (1 + e⁻ᵛ); this way nothing overflows."""
    return 0.5 * (1 + np.tanh(0.5 * values))
