"""What computes how good predictions are, and draws ROC and PR curves, in the worker; what is done is in
`scores_measuring`, which is imported where it is needed. Needs no weights."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal, Self

import msgspec

from shared.model import Device, Failure, Interval

Costlier = Literal["equal", "misses", "false alarms"]
"""Which mistake costs more; a miss is a false negative."""


class CurveWords(msgspec.Struct, frozen=True, kw_only=True):
    """The words on the picture of the curves, in the reader's language; the two titles hold {area}."""

    roc: str
    pr: str
    false_alarms: str
    recall: str
    precision: str
    chance: str
    chosen: str


class Scored(msgspec.Struct, frozen=True, kw_only=True):
    """A score a row, higher for what is likelier positive, and whether the row is."""

    positive: list[bool]
    score: list[float]
    words: CurveWords


class ScoresRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of truth (rows) against prediction (columns); `positive` is the class to be found, None of many."""

    counts: list[list[int]]
    positive: int | None
    costlier: Costlier = "equal"
    scored: Scored | None = None


class ClassFigures(msgspec.Struct, frozen=True, kw_only=True):
    """How well one class is found; not a number where a figure is not defined. `rows` are truly of it."""

    precision: float
    recall: float
    f1: float
    rows: int


class Threshold(msgspec.Struct, frozen=True, kw_only=True):
    """Saying yes from `at` on: what that gives, and the figure that is highest there."""

    at: float
    tp: int
    fp: int
    fn: int
    tn: int
    figure: str
    value: float


class Curves(msgspec.Struct, frozen=True, kw_only=True):
    """Areas under the curves, the best threshold, and the picture of both."""

    png: bytes
    roc_auc: Interval
    average_precision: Interval
    best: Threshold


class ScoresResult(msgspec.Struct, frozen=True, kw_only=True):
    """Figures by name, with intervals; the same of answering the commonest class always; each class's own.

    Of two classes: accuracy, balanced_accuracy, precision, recall, f1, f2, f0.5. Of many: accuracy,
    balanced_accuracy, and precision, recall and f1 after macro_, micro_ and weighted_. A figure that is not defined
    is not a number.
    """

    figures: dict[str, Interval]
    baseline: dict[str, float]
    common: int
    share: float
    classes: list[ClassFigures]
    recommended: str
    curves: Curves | None = None


class Scores:
    """Computes and draws; see the module."""

    name: ClassVar[str] = "scores"
    request: ClassVar[type[msgspec.Struct]] = ScoresRequest
    result: ClassVar[type[msgspec.Struct]] = ScoresResult
    max_batch: ClassVar[int] = 1
    default: ClassVar[Path | None] = None
    warm: ClassVar[bool] = False

    @classmethod
    def load(cls, folder: Path | None, device: Device) -> Self:
        """Judge four rows, so that what it takes is imported."""
        words = CurveWords(
            roc="{area}", pr="{area}", false_alarms="", recall="", precision="", chance="", chosen=""
        )
        rows = Scored(positive=[True, False, True, False], score=[0.9, 0.1, 0.4, 0.6], words=words)
        model = cls()
        model.predict([ScoresRequest(counts=[[1, 1], [1, 1]], positive=1, scored=rows)])
        return model

    def predict(self, batch: Sequence[ScoresRequest]) -> Sequence[ScoresResult | Failure]:
        """Answer each request."""
        from plugins.lesson.scores_measuring import judge

        return [judge(request) for request in batch]
