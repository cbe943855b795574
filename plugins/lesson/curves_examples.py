"""Made-up loss curves, one for each trouble that the doctor knows, with a little noise; deterministic by seed."""

import math
import random
from typing import Final, Literal

from shared.training_report import Curves

Example = Literal[
    "overfitting",
    "underfitting",
    "rate too high",
    "diverging",
    "data trouble",
    "target not scaled",
    "converged",
    "nothing",
]
EPOCHS: Final = 60
NOISE: Final = 0.005


def made_up(kind: Example, seed: int) -> Curves:
    """Return curves that show `kind`; "nothing" shows none."""
    chance = random.Random(seed)  # noqa: S311
    pairs = [_losses(kind, at / (EPOCHS - 1), chance) for at in range(EPOCHS)]

    def noisy(loss: float) -> float:
        return loss * (1 + NOISE * chance.gauss(0, 1))

    return Curves("", [noisy(train) for train, _ in pairs], [noisy(test) for _, test in pairs])


def _losses(kind: Example, x: float, chance: random.Random) -> tuple[float, float]:
    """Return training and test loss at `x`, the share of the training that is done."""
    falls = 0.1 + math.exp(-10 * x)
    match kind:
        case "overfitting":
            return falls, 0.3 + math.exp(-12 * x) + 0.6 * x
        case "underfitting":
            return 1.0 - 0.5 * x, 1.05 - 0.5 * x
        case "rate too high":
            # Over the valley and back: now on its one side, now on the other.
            swing = (0.3 + 0.3 * chance.random()) * (round(x * (EPOCHS - 1)) % 2)
            return 0.6 + 0.4 * math.exp(-x * EPOCHS) + swing, 0.7 + 0.4 * math.exp(-x * EPOCHS) + swing
        case "diverging":
            return 0.5 + math.exp(4 * x - 1), 0.6 + math.exp(4 * x - 1)
        case "data trouble":
            return falls, 1.0 + 1.2 * x
        case "target not scaled":
            return 4e4 * falls, 4.4e4 * falls
        case "converged":
            return falls, falls + 0.02
        case "nothing":
            return 0.1 + math.exp(-3.5 * x), 0.13 + math.exp(-3.5 * x)
