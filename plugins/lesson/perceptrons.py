"""What learns and draws the lessons on perceptrons, in the worker; no weights, everything follows from the request.

What is done is in `demonstrations`, which is imported where it is needed.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal, Self

import msgspec

from plugins.lesson.points import Points
from shared.model import Device, Failure

Data = Literal["and", "or", "xor", "moons", "circles", "blobs"]


class PictureWords(msgspec.Struct, frozen=True, kw_only=True):
    """The words on the picture, in the reader's language; `loss` is empty where none is drawn."""

    title: str
    epoch: str
    accuracy: str
    loss: str = ""


class PerceptronRequest(msgspec.Struct, frozen=True, kw_only=True, tag="perceptron"):
    """What a single-layer perceptron is to learn, and how; `points`, where there are some, in the place of `data`."""

    data: Data
    points: Points | None
    bias: Literal["textbook", "course"]
    rate: float
    epochs: int
    seed: int
    words: PictureWords


class PerceptronResult(msgspec.Struct, frozen=True, kw_only=True, tag="perceptron"):
    """How it went: accuracy before learning and after each epoch, and the last line.

    `converged` is the epoch after which nothing is wrong, None where there is none; `separable` says whether any line
    can do it. `gif` shows it.
    """

    gif: bytes
    accuracy: list[float]
    converged: int | None
    separable: bool
    weights: tuple[float, float]
    bias: float
    wrong: int
    count: int


class NetworkRequest(msgspec.Struct, frozen=True, kw_only=True, tag="network"):
    """What a network of two layers is to learn, and how; as for the perceptron."""

    data: Data
    points: Points | None
    hidden: int
    activation: Literal["sigmoid", "tanh", "relu"]
    rate: float
    epochs: int
    seed: int
    words: PictureWords


class NetworkResult(msgspec.Struct, frozen=True, kw_only=True, tag="network"):
    """How it went: accuracy and loss before learning and after each epoch.

    `difference` is the largest one seen between a number of numpy's gradient and the same of PyTorch's, in `compared`
    epochs. `diverged`: numbers grew beyond what can be held, and learning ended there.
    """

    gif: bytes
    accuracy: list[float]
    loss: list[float]
    difference: float
    compared: int
    diverged: bool
    wrong: int
    count: int


class Lesson(msgspec.Struct, frozen=True):
    """Either lesson: what crosses to the worker."""

    lesson: PerceptronRequest | NetworkRequest


class Learnt(msgspec.Struct, frozen=True):
    """How either lesson went."""

    lesson: PerceptronResult | NetworkResult


class Perceptrons:
    """Learns and draws; see the module."""

    name: ClassVar[str] = "perceptrons"
    request: ClassVar[type[msgspec.Struct]] = Lesson
    result: ClassVar[type[msgspec.Struct]] = Learnt
    max_batch: ClassVar[int] = 1
    default: ClassVar[Path | None] = None
    warm: ClassVar[bool] = False

    @classmethod
    def load(cls, folder: Path | None, device: Device) -> Self:
        """Learn either way once, so that what it takes is imported."""
        words = PictureWords(title="…", epoch="", accuracy="")
        one = PerceptronRequest(
            data="and", points=None, bias="textbook", rate=0.1, epochs=1, seed=0, words=words
        )
        two = NetworkRequest(
            data="xor", points=None, hidden=2, activation="tanh", rate=0.1, epochs=1, seed=0, words=words
        )
        model = cls()
        model.predict([Lesson(one), Lesson(two)])
        return model

    def predict(self, batch: Sequence[Lesson]) -> Sequence[Learnt | Failure]:
        """Answer each lesson."""
        from plugins.lesson.demonstrations import demonstrate

        return [Learnt(demonstrate(request.lesson)) for request in batch]
