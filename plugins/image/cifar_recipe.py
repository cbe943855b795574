"""How the networks for 32-pixel pictures are trained: on few CPU cores, on a GPU, and as the course does."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from torch import nn

from plugins.image.cifar_networks import CourseNetwork, StrongNetwork
from plugins.image.cifar_optimizer import Rule

FULL: Final = 2000
"""Pictures of a batch that the rates of airbench94 are for: its loss is a sum."""
WHITENING_EPOCHS: Final = 3
"""Epochs in which the bias of the whitening layer learns."""


@dataclass(frozen=True)
class Cycle:
    """Some epochs in which the rates fall in a straight line from their `peak` share to nothing.

    `cutout`: the side of a square that is cut out of each picture, in pixels (DeVries & Taylor 2017).
    """

    epochs: int
    peak: float = 1.0
    cutout: int = 0


@dataclass(frozen=True)
class Recipe:
    """All that a training depends on beside its data. `micro`: pictures that go through the network at once."""

    cycles: tuple[Cycle, ...]
    batch: int
    micro: int
    network: Literal["strong", "course"] = "strong"
    precision: Literal["float32", "bfloat16"] = "float32"
    rates: float = 1.0
    translate: int = 2
    smoothing: float = 0.2
    widths: tuple[int, int, int] = (64, 256, 256)
    seed: int = 1

    @property
    def epochs(self) -> int:
        """Return the epochs of all cycles."""
        return sum(cycle.epochs for cycle in self.cycles)

    def share(self, epoch: float) -> float:
        """Return the share of the rates after so many epochs."""
        for cycle in self.cycles:
            if epoch < cycle.epochs:
                return cycle.peak * (1 - epoch / cycle.epochs)
            epoch -= cycle.epochs
        return 0.0

    def cutout(self, epoch: int) -> int:
        """Return the side of the square that is cut out in an epoch."""
        for cycle in self.cycles:
            if epoch < cycle.epochs:
                return cycle.cutout
            epoch -= cycle.epochs
        return 0

    def made(self) -> nn.Module:
        """Return the network, untrained."""
        return StrongNetwork(self.widths) if self.network == "strong" else CourseNetwork()

    def weight(self) -> float:
        """Return what the mean loss of a batch is multiplied with."""
        return float(FULL) if self.network == "strong" else 1.0

    def rules(self, network: nn.Module) -> Mapping[str, Rule]:
        """Return how each parameter learns."""
        learning = {name: value for name, value in network.named_parameters() if value.requires_grad}
        if self.network == "course":
            return {name: Rule(0.02 * self.rates, 0.9, 5e-4) for name in learning}
        # As airbench94 has them; weight decay is divided by the rate, so that it decays the same however fast.
        decay = 2e-6 * FULL
        bias = Rule(0.053 * self.rates, 0.85, decay / 0.053)
        head = Rule(0.67 * self.rates, 0.85, decay / 0.67)
        filters = Rule(0.24 * self.rates, 0.6, muon=True)
        return {
            name: filters if value.ndim == 4 else head if name == "head.weight" else bias
            for name, value in learning.items()
        }


CPU: Final = Recipe(cycles=(Cycle(9), Cycle(7, 0.5, 10), Cycle(7, 0.4, 12)), batch=1000, micro=500, rates=0.7)
"""About five minutes of a core an epoch: two hours in all, which may be broken off.

In cycles, so that there is a usable network after each.
"""
GPU: Final = replace(
    CPU, cycles=(Cycle(48, cutout=10),), batch=2000, micro=2000, precision="bfloat16", rates=1.0
)
COURSE: Final = Recipe(cycles=(Cycle(12),), batch=64, micro=64, network="course", translate=0, smoothing=0.0)
