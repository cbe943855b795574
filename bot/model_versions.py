"""A version of a model as chat shows it: where it comes from, how good it is, and how it compares with another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import msgspec

from bot.cards import card_text, figures_of
from shared.charts import Measured
from shared.engine import Weights
from shared.errors import HearthError, Refusal
from shared.manifest import Judgement, Manifest
from shared.model import AnyModel, Interval, Progress, Report
from shared.store import Store
from shared.training_report import measured
from shared.weights import shipped


class Losses(msgspec.Struct, frozen=True):
    """The losses of two versions on the same rows."""

    one: list[float]
    other: list[float]


class Difference(msgspec.Struct, frozen=True):
    """Mean loss of one version less that of another on the same rows, with its 95 % interval."""

    difference: float
    low: float
    high: float

    def turned(self) -> Self:
        """Return the same seen from the other version."""
        return type(self)(-self.difference, -self.high, -self.low)


def paired(request: Losses, progress: Progress) -> Difference:
    """Compare losses row by row; in a process of its own, for it needs numpy and draws a thousand resamples."""
    from shared.quality import not_worse

    progress(0.1, "")
    found = not_worse(request.one, request.other)
    return Difference(found.difference, found.low, found.high)


@dataclass(frozen=True)
class Version:
    """What is known of a version; manifest and report are those of the store, None for weights from elsewhere."""

    name: str
    origin: str
    card: str
    size: int
    manifest: Manifest | None = None
    report: Report | None = None
    judgements: Sequence[Judgement] = ()

    @classmethod
    def read(cls, store: Store, model: AnyModel, weights: Weights) -> Self:
        """Read it. Reads the disk. Raises `UnknownVersion` or `Damaged`."""
        folder = Path(weights.folder) if weights.folder else None
        card, size = card_text(model, weights), _size(folder)
        if weights.origin != "store":
            return cls(weights.version, weights.origin, card, size)
        name = model.name
        return cls(
            weights.version,
            weights.origin,
            card,
            size,
            store.manifest(name, weights.version),
            store.report(name, weights.version),
            store.judgements(name, weights.version),
        )

    @property
    def figures(self) -> list[Measured]:
        """The key figures: of its report, else those that its card tells in a table."""
        return measured(self.report) if self.report is not None else figures_of(self.card)


def named(store: Store, model: AnyModel, version: str, answering: Weights) -> Weights:
    """Return the weights of a version: one of the store, "default", or what answers now. Raises `UnknownVersion`."""
    if version == answering.version:
        return answering
    if version == "default" and (found := shipped(model)).origin == "default":
        return found
    store.manifest(model.name, version)
    return Weights(folder=str(store.root / model.name / version), version=version, origin="store")


def rival_of(store: Store, model: AnyModel, version: str, answering: Weights) -> str:
    """Return which version another is best compared with: what answers, the one before, or what ships.

    Raises `Refusal` where there is no other.
    """
    if version != answering.version:
        return answering.version
    try:
        trail = store.pointer(model.name).trail
    except HearthError:
        trail = []
    there = store.versions(model.name)
    before = [each for each in trail if each != version and each in there]
    if before:
        return before[-1]
    if version != "default" and shipped(model).origin == "default":
        return "default"
    newest = [each for each in there if each != version]
    if newest:
        return newest[-1]
    raise Refusal("{model} has one version only, so there is nothing to compare it with.", model=model.name)


@dataclass(frozen=True)
class Common:
    """What two versions reach on rows that both were judged on; `losses` are still to be compared, if any."""

    rows: int
    one: Mapping[str, Interval]
    other: Mapping[str, Interval]
    difference: Difference | None = None
    losses: Losses | None = field(default=None, repr=False)


def common_of(one: Version, other: Version) -> Common | None:
    """Find where both were judged on the same rows: by the gate, or in trainings on the same file."""
    for judgement in reversed(one.judgements):
        if judgement.against == other.name and (found := _difference(judgement)) is not None:
            return Common(judgement.rows, judgement.metrics, judgement.rival, found)
    for judgement in reversed(other.judgements):
        if judgement.against == one.name and (found := _difference(judgement)) is not None:
            return Common(judgement.rows, judgement.rival, judgement.metrics, found.turned())
    if one.manifest is None or other.manifest is None or one.report is None or other.report is None:
        return None
    first, second = one.manifest.data, other.manifest.data
    losses = Losses(one.report.losses, other.report.losses)
    if first is None or second is None or first.sha256 != second.sha256 or not losses.one:
        return None
    if len(losses.one) != len(losses.other):
        return None
    return Common(one.report.n, one.report.metrics, other.report.metrics, losses=losses)


def _difference(judgement: Judgement) -> Difference | None:
    if judgement.difference is None or judgement.low is None or judgement.high is None:
        return None
    return Difference(judgement.difference, judgement.low, judgement.high)


def _size(folder: Path | None) -> int:
    if folder is None or not folder.is_dir():
        return 0
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
