"""What a model is: typed requests in, typed results out, in batches; trained and judged by the same class.

A module that defines a model is imported by the bot too, for its request and result types. So it imports
torch, scikit-learn and the like inside `load`, `train` and `evaluate`, which only the worker and the trainer
call.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, Self, TypeVar

import msgspec

Request = TypeVar("Request", contravariant=True)
Result = TypeVar("Result", covariant=True)

Part = Literal["all", "holdout"]
"""Which rows of a data file to judge on: all of it, or only those that training never sees."""


class Failure(msgspec.Struct, frozen=True):
    """One item of a batch that could not be answered; the others are not touched by it.

    `reason` is for the user when `refusal` is true (a msgid, such as "The picture holds no digit."), else for
    the log.
    """

    reason: str
    refusal: bool = False


@dataclass(frozen=True)
class Device:
    """Where a model runs: a torch device name, and how many CPU threads it may use."""

    name: str = "cpu"
    threads: int = 1


class Progress(Protocol):
    """Told how far a long work has come: `done` in 0…1, and a few words on what it does now."""

    def __call__(self, done: float, note: str = "") -> None: ...


class Interval(msgspec.Struct, frozen=True):
    """A figure with the ends of its 95 % interval."""

    value: float
    low: float
    high: float


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """How good a model is on rows that it never saw, beside the simplest rival.

    `baseline` holds the same metrics of the simple rival named in `baseline_name`; `reference` holds figures
    that others report for the same task (name to metrics); `losses` is one figure a row, lower is better, in
    the order of the rows: two versions judged on the same rows are compared by them. `confusion` counts truth
    (rows) against prediction (columns) in the order of `labels`; `reliability` holds (mean predicted
    probability, observed share, rows) a bin.
    """

    n: int
    metrics: dict[str, Interval]
    baseline: dict[str, float]
    baseline_name: str
    reference: dict[str, dict[str, float]] = msgspec.field(default_factory=dict)
    losses: list[float] = msgspec.field(default_factory=list)
    labels: list[str] = msgspec.field(default_factory=list)
    confusion: list[list[int]] = msgspec.field(default_factory=list)
    reliability: list[tuple[float, float, int]] = msgspec.field(default_factory=list)
    details: dict[str, Any] = msgspec.field(default_factory=dict)


class Model(Protocol[Request, Result]):
    """A capability's model. `request` and `result` are msgspec Structs: they cross the process boundary."""

    name: ClassVar[str]
    request: ClassVar[type[msgspec.Struct]]
    result: ClassVar[type[msgspec.Struct]]
    max_batch: ClassVar[int]
    default: ClassVar[Path | None]
    """Folder of the weights that ship in the package; None where there are none."""

    @classmethod
    def load(cls, folder: Path | None, device: Device) -> Self:
        """Read the weights of `folder` (None for a model that needs none); warmed up when it returns."""
        ...

    def predict(self, batch: Sequence[Request]) -> Sequence[Result | Failure]:
        """Answer each request, in order. No input or output; a bad item fails alone."""
        ...


class Trainable(Model[Request, Result], Protocol[Request, Result]):
    """A model that can be trained and judged from the command line and by schedule."""

    data_columns: ClassVar[Mapping[str, str]]
    """Columns that a data file must have, and what each holds."""

    @classmethod
    def train(cls, data: Path, folder: Path, progress: Progress) -> Report:
        """Fit on the training part of `data`, write weights to `folder`, report on the held-out part.

        Raises `BadInput` where the data cannot be used.
        """
        ...

    def evaluate(self, data: Path, part: Part = "all") -> Report:
        """Judge these weights on `data`. Raises `BadInput` where the data cannot be used."""
        ...


AnyModel = type[Model[Any, Any]]
"""A model class, whatever its request and result."""


def stays_warm(model: AnyModel) -> bool:
    """Tell whether a model is loaded at start.

    All are, but those that declare `warm: ClassVar[bool] = False`: such a one is loaded when it is first asked. So
    should a model that ships no weights and must be trained first.
    """
    return bool(getattr(model, "warm", True))
