"""Muon for filters and Nesterov's momentum for the rest, with a state that is plain tensors.

Imported by the trainer only: it needs torch.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

STEPS: Final = 3
QUINTIC: Final = (3.4445, -4.7750, 2.0315)
"""Coefficients of the Newton-Schulz iteration whose slope at zero is steepest (K. Jordan et al., "Muon", 2024)."""


@dataclass(frozen=True)
class Rule:
    """How one parameter learns. `muon`: its update is made orthogonal, and its norm is kept."""

    rate: float
    momentum: float
    decay: float = 0.0
    muon: bool = False


class Optimizer:
    """Steps each parameter by its rule; `buffers` (name to tensor) is all that it keeps between steps."""

    def __init__(self, parameters: Iterable[tuple[str, Tensor]], rules: Mapping[str, Rule]) -> None:
        self.parameters = {name: value for name, value in parameters if name in rules}
        self.rules = rules
        self.buffers = {name: torch.zeros_like(value) for name, value in self.parameters.items()}

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for value in self.parameters.values():
            value.grad = None

    @torch.no_grad()
    def step(self, shares: Mapping[str, float]) -> None:
        """Step each parameter with its share of its rate; those with none stay."""
        for name, value in self.parameters.items():
            share, rule = shares.get(name, 0.0), self.rules[name]
            if value.grad is None or share <= 0:
                continue
            gradient = value.grad.add(value, alpha=rule.decay) if rule.decay else value.grad
            buffer = self.buffers[name].mul_(rule.momentum).add_(gradient)
            update = gradient.add(buffer, alpha=rule.momentum)
            if rule.muon:
                value.mul_(len(value) ** 0.5 / value.norm())
                update = orthogonal(update.reshape(len(update), -1)).view_as(value)
            value.add_(update, alpha=-rule.rate * share)


def orthogonal(matrix: Tensor, steps: int = STEPS) -> Tensor:
    """Return about the nearest semi-orthogonal matrix: singular values of 0.7 to 1.2 (Newton-Schulz)."""
    a, b, c = QUINTIC
    x = matrix / (matrix.norm() + 1e-7)
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    found: Tensor = x.T if tall else x
    return found
