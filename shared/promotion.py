"""The gate: a challenger becomes champion only where it is not worse on the same held-out rows."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog

from shared.engine import Weights
from shared.errors import HearthError
from shared.manifest import Judgement
from shared.model import Device, Interval, Report, Trainable
from shared.store import ChampionChanged, Store
from shared.weights import resolve

TRIES: Final = 3
log = structlog.get_logger("hearth.promotion")


class Gate:
    """Judges versions of one model on one data set; used in the trainer or on the command line, never in the bot.

    `hub` is the hub model set for this model, if any: it, or the weights that ship, defend where there is no
    champion yet. On fewer than `fewest` held-out rows none replaces another.
    """

    def __init__(
        self,
        model: type[Trainable[Any, Any]],
        store: Store,
        data: Path,
        device: Device,
        hub: str | None = None,
        fewest: int = 0,
    ) -> None:
        self._model, self._store, self._data, self._device, self._hub = model, store, data, device, hub
        self._fewest = fewest

    def admit(self, version: str, note: str = "") -> Judgement:
        """Judge `version`, write the judgement beside it, and promote it where it passed.

        Judged anew where somebody else promoted another meanwhile. Raises what the challenger raises when it is
        loaded and evaluated, and the store's errors.
        """
        found = self._report(str(self._store.open(self._model.name, version)))
        for _ in range(TRIES):
            champion = self._champion()
            judgement = self._against(resolve(self._model, self._store, self._hub), version, found)
            if judgement.passed:
                try:
                    self._store.promote(
                        self._model.name, version, expect=champion, note=note or judgement.reason
                    )
                except ChampionChanged:
                    continue
            self._store.judge(self._model.name, version, judgement)
            return judgement
        judgement = _undecided(None, "others were promoted while it was judged", passed=False)
        self._store.judge(self._model.name, version, judgement)
        return judgement

    def _against(self, defender: Weights, version: str, found: Report) -> Judgement:
        if defender.origin == "none":
            alone = _undecided(None, "there is nothing to compare it with", passed=True)
            return msgspec.structs.replace(alone, metrics=defined(found.metrics))
        if defender.version == version:
            return _undecided(version, "it answers already", passed=True)
        try:
            rival = self._report(defender.folder)
        # Whatever is wrong with the one that answers now, replacing it unseen is for a person to decide.
        except Exception as error:
            log.debug("defender not judged", model=self._model.name, version=defender.version, exc_info=True)
            reason = " ".join(str(error).split())[:300] or type(error).__name__
            return _undecided(
                defender.version, f"{defender.version} could not be judged: {reason}", passed=False
            )
        if not found.losses or len(found.losses) != len(rival.losses):
            rows = f"{len(found.losses)} and {len(rival.losses)} held-out rows"
            return _undecided(defender.version, f"the two were judged on {rows}", passed=False)
        judged = _compare(defender.version, found.losses, rival.losses)
        if judged.rows < self._fewest:
            few = f"{judged.rows} held-out rows are too few to replace {defender.version} by itself"
            judged = msgspec.structs.replace(judged, passed=False, reason=few)
        return msgspec.structs.replace(judged, metrics=defined(found.metrics), rival=defined(rival.metrics))

    def _report(self, folder: str | None) -> Report:
        model = self._model.load(Path(folder) if folder else None, self._device)
        return model.evaluate(self._data, part="holdout")

    def _champion(self) -> str | None:
        try:
            return self._store.champion(self._model.name)
        except HearthError:
            # A damaged pointer counts as none, and promoting mends it.
            return None


def _compare(against: str, losses: Sequence[float], rival: Sequence[float]) -> Judgement:
    from shared.quality import not_worse

    found = not_worse(losses, rival)
    verdict = "is not worse" if found.not_worse else "is worse"
    return Judgement(
        at=datetime.now(UTC),
        against=against,
        rows=len(losses),
        difference=found.difference,
        low=found.low,
        high=found.high,
        passed=found.not_worse,
        reason=f"{verdict} than {against} on {len(losses)} held-out rows",
    )


def defined(metrics: Mapping[str, Interval]) -> dict[str, Interval]:
    """Return the metrics that are numbers, which JSON can hold."""
    return {
        name: each
        for name, each in metrics.items()
        if all(map(math.isfinite, (each.value, each.low, each.high)))
    }


def _undecided(against: str | None, reason: str, *, passed: bool) -> Judgement:
    return Judgement(at=datetime.now(UTC), against=against, rows=0, passed=passed, reason=reason)


def said(judgement: Judgement) -> str:
    """Say a judgement in one line."""
    if judgement.difference is None:
        return judgement.reason
    return (
        f"{judgement.reason}: mean loss differs by {judgement.difference:+.4f} "
        f"(95% interval {judgement.low:+.4f} to {judgement.high:+.4f}; below zero is better)"
    )
