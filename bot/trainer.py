"""The trainer: trains a model, stores the version, and lets it through the gate or not, in a process of its own.

`train` starts it from the bot or the command line, as `bot.labour` does all heavy work; `run` is what is done there.
"""

import asyncio
import hashlib
import importlib
import inspect
import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import msgspec

from bot.labour import LabourFailed, labour
from shared.device import choose_device, limit_threads
from shared.errors import BadInput, Fault
from shared.fingerprint import fingerprint
from shared.manifest import Judgement, Outcome
from shared.model import Progress, Trainable
from shared.store import Damaged, Store

TRAINING_SHARE: Final = 0.9
"""How much of the progress bar the training itself takes; the rest is storing and judging."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What to train: `model` as "module:Class", on what, and where to; `judge`: rows to judge on, if others.

    `fewest` as the gate has it.
    """

    model: str
    data: str
    store: str
    judge: str | None = None
    fewest: int = 0
    hub: str | None = None
    promote: bool = True
    licence: str = "not stated"
    device: str = "auto"
    threads: int = 1


class Finished(msgspec.Struct, frozen=True):
    """The version is stored, and judged where that was asked for."""

    model: str
    version: str
    judgement: Judgement | None


class TrainingFailed(Fault):
    """The training broke off; the text says at what."""


async def train(
    model: str,
    data: Path,
    store: Store,
    on_progress: Progress,
    *,
    judge: Path | None = None,
    fewest: int = 0,
    hub: str | None = None,
    promote: bool = True,
    licence: str = "not stated",
    device: str = "auto",
    threads: int | None = None,
) -> Outcome:
    """Train `model` ("module:Class") in a process of low priority; cancelling this cancels that.

    The gate judges on the held-out rows of `judge`, by default those of `data`, and lets none through on fewer than
    `fewest`. Raises `BadInput` where the data
    cannot be used, `TrainingFailed` otherwise.
    """
    job = Job(
        model=model,
        data=str(data),
        store=str(store.root),
        judge=str(judge) if judge else None,
        fewest=fewest,
        hub=hub,
        promote=promote,
        licence=licence,
        device=device,
        threads=threads or len(os.sched_getaffinity(0)),
    )
    try:
        finished = await labour(run, job, on_progress)
    except LabourFailed as error:
        raise TrainingFailed("The training failed: {reason}", reason=error.reason) from error
    finally:
        await asyncio.to_thread(store.sweep)
    report = await asyncio.to_thread(store.report, finished.model, finished.version)
    return Outcome(
        model=finished.model, version=finished.version, report=report, judgement=finished.judgement
    )


def run(job: Job, progress: Progress) -> Finished:
    """Train, store, judge. Raises `HearthError`, or whatever the model raises."""
    limit_threads(job.threads)
    model = load_class(job.model)
    store, data = Store(Path(job.store)), Path(job.data)
    source = fingerprint(data)
    with store.stage(model.name) as folder:
        report = model.train(data, folder, lambda done, note="": progress(done * TRAINING_SHARE, note))
        progress(TRAINING_SHARE, "storing")
        made = store.publish(
            model.name,
            folder,
            report=report,
            data=source,
            licence=job.licence,
            code=code_version(model),
            parent=_champion(store, model.name),
        )
    judgement = None
    if job.promote:
        from shared.promotion import Gate

        progress(0.95, "comparing with the champion")
        judge = Path(job.judge) if job.judge else data
        gate = Gate(model, store, judge, choose_device(job.device, job.threads), job.hub, job.fewest)
        judgement = gate.admit(made.version)
    progress(1.0, "done")
    return Finished(model.name, made.version, judgement)


def load_class(path: str) -> type[Trainable[Any, Any]]:
    """Import a model class named "module:Class". Raises `BadInput` where it cannot be trained."""
    module, _, name = path.partition(":")
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    if not (hasattr(found, "train") and hasattr(found, "evaluate")):
        raise BadInput("{model} cannot be trained.", model=getattr(found, "name", name))
    return found  # type: ignore[no-any-return]


def code_version(model: type[Any]) -> str:
    """Name the code that trains `model`: Hearth's version, and a checksum of the model's package."""
    try:
        number = version("hearth-bot")
    except PackageNotFoundError:
        number = "unreleased"
    source = Path(inspect.getfile(model))
    digest = hashlib.sha256()
    for path in sorted(source.parent.rglob("*.py")) if (source.parent / "__init__.py").exists() else [source]:
        digest.update(path.relative_to(source.parent).as_posix().encode() + b"\0" + path.read_bytes())
    return f"{number}+{digest.hexdigest()[:12]}"


def _champion(store: Store, name: str) -> str | None:
    try:
        return store.champion(name)
    except Damaged:
        return None
