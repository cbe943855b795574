"""What learns and draws the lessons on perceptrons, in the worker; no weights, everything follows from the request.

The mathematics is in `perceptron_learning`; it is imported where it is needed.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal, Self

import msgspec

from plugins.lesson.points import Drawn, Points, drawn, gate
from shared.model import Device, Failure

Data = Literal["and", "or", "xor", "moons", "circles", "blobs"]


class PerceptronRequest(msgspec.Struct, frozen=True, kw_only=True, tag="perceptron"):
    """What a single-layer perceptron is to learn, and how; `points`, where there are some, in the place of `data`."""

    data: Data
    points: Points | None
    bias: Literal["textbook", "course"]
    rate: float
    epochs: int
    seed: int


class PerceptronResult(msgspec.Struct, frozen=True, kw_only=True):
    """How it went: accuracy before learning and after each epoch, and the best line that was found.

    `converged` is the epoch after which nothing is wrong, None where there is none; `separable` says whether any line
    can do it.
    """

    accuracy: list[float]
    converged: int | None
    separable: bool
    weights: tuple[float, float]
    bias: float
    wrong: int
    count: int


class Perceptrons:
    """Learns and draws; see the module."""

    name: ClassVar[str] = "perceptrons"
    request: ClassVar[type[msgspec.Struct]] = PerceptronRequest
    result: ClassVar[type[msgspec.Struct]] = PerceptronResult
    max_batch: ClassVar[int] = 1
    default: ClassVar[Path | None] = None

    @classmethod
    def load(cls, folder: Path | None, device: Device) -> Self:
        """Learn once, so that what it takes is imported."""
        model = cls()
        model.predict(
            [PerceptronRequest(data="and", points=None, bias="textbook", rate=0.1, epochs=1, seed=0)]
        )
        return model

    def predict(self, batch: Sequence[PerceptronRequest]) -> Sequence[PerceptronResult | Failure]:
        """Answer each lesson."""
        return [_perceptron(request) for request in batch]


def points_of(data: Data, count: int, noise: float, seed: int) -> Points:
    """Return the points of a gate, or those of a set that is drawn."""
    match data:
        case "and" | "or" | "xor":
            return gate(data)
        case _:
            name: Drawn = data
            return drawn(name, count, noise, seed)


def _perceptron(request: PerceptronRequest) -> PerceptronResult:
    import numpy as np

    from plugins.lesson.perceptron_learning import learn, separable

    points = request.points or points_of(request.data, 160, 0.12, request.seed)
    places = np.array(points.places, dtype=np.float64)
    kinds = np.array(points.kind_of, dtype=np.int64)
    learned = learn(places, kinds, request.bias, request.rate, request.epochs, request.seed)
    last = learned.epochs[-1]
    return PerceptronResult(
        accuracy=[epoch.accuracy for epoch in learned.epochs],
        converged=learned.converged,
        separable=separable(places, kinds),
        weights=(float(last.weights[0]), float(last.weights[1])),
        bias=last.bias,
        wrong=round((1 - last.accuracy) * len(places)),
        count=len(places),
    )
