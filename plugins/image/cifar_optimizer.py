"""Muon for filters and Nesterov's momentum for the rest, with a state that is plain tensors.

Imported by the trainer only: it needs torch.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from shared.muon import orthogonal


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
