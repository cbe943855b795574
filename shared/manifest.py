"""What the model store writes down: of each version, of how it was judged, and of who is champion."""

from datetime import UTC, datetime
from typing import Final, Literal

import msgspec

from shared.fingerprint import Fingerprint
from shared.model import Interval, Report

NEVER: Final = datetime.min.replace(tzinfo=UTC)


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a model; its whole report lies beside it in `report.json`.

    `files` maps each file of the version (POSIX path) to its sha256. `code` names the code that trained it,
    `parent` the version that was champion then.
    """

    model: str
    version: str
    created: datetime
    n: int
    metrics: dict[str, Interval]
    baseline: dict[str, float]
    baseline_name: str
    data: Fingerprint | None
    licence: str
    code: str
    parent: str | None
    origin: str
    files: dict[str, str]


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """How a challenger fared at the gate.

    `difference` is its mean loss less that of `against` on the same `rows` held-out rows (below zero is
    better), with a 95 % interval; all are None where nothing could be compared.
    """

    at: datetime
    against: str | None
    rows: int
    metrics: dict[str, Interval] = msgspec.field(default_factory=dict)
    rival: dict[str, Interval] = msgspec.field(default_factory=dict)
    """What the challenger and `against` reach on those rows."""

    difference: float | None = None
    low: float | None = None
    high: float | None = None
    passed: bool
    reason: str


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a training: `judgement` is None where the gate was not asked."""

    model: str
    version: str
    report: Report
    judgement: Judgement | None

    @property
    def promoted(self) -> bool:
        """Tell whether the new version is champion now."""
        return self.judgement is not None and self.judgement.passed


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One swap of the champion; `version` None means the weights that ship with the model."""

    at: datetime
    action: Literal["promote", "rollback"]
    version: str | None
    before: str | None
    note: str = ""


class Pointer(msgspec.Struct, frozen=True, kw_only=True):
    """Who is champion: the last of `trail`, which holds those before it, oldest first."""

    trail: list[str] = msgspec.field(default_factory=list)
    changes: list[Change] = msgspec.field(default_factory=list)

    @property
    def champion(self) -> str | None:
        """The version that answers; None where none was promoted."""
        return self.trail[-1] if self.trail else None

    @property
    def changed(self) -> datetime:
        """When that was last changed; long ago where it never was."""
        return self.changes[-1].at if self.changes else NEVER
