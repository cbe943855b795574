"""The trainer: a process of its own that trains a model, stores the version, and lets it through the gate or not.

`train` starts it from the bot or the command line; `python -m bot.trainer` is the process. It reads its job
as one line of JSON from standard input, writes what happens as lines of JSON to standard output, and stops
on SIGTERM or when standard input closes, so that it never outlives who started it.
"""

import asyncio
import contextlib
import hashlib
import importlib
import inspect
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec

from shared import logs
from shared.device import choose_device, limit_threads
from shared.errors import BadInput, Fault, HearthError, Refusal
from shared.fingerprint import fingerprint
from shared.manifest import Judgement
from shared.model import Progress, Report, Trainable
from shared.store import Damaged, Store

NICENESS: Final = 10
GRACE_SECONDS: Final = 5.0
LINE_LIMIT: Final = 1 << 20
TAIL: Final = 4000
PROGRESS_SECONDS: Final = 0.1
TRAINING_SHARE: Final = 0.9
"""How much of the progress bar the training itself takes; the rest is storing and judging."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What to train: `model` as "module:Class", on what, and where to."""

    model: str
    data: str
    store: str
    hub: str | None = None
    promote: bool = True
    licence: str = "not stated"
    device: str = "auto"
    threads: int = 1


class Step(msgspec.Struct, frozen=True, tag="step"):
    """How far it has come, in 0…1."""

    done: float
    note: str


class Finished(msgspec.Struct, frozen=True, tag="finished"):
    """The version is stored, and judged where that was asked for."""

    model: str
    version: str
    judgement: Judgement | None


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """Nothing was stored, or what was stored could not be judged; `refusal` where the data is to blame."""

    reason: str
    refusal: bool


Message = Step | Finished | Failed
_decoder: Final[msgspec.json.Decoder[Message]] = msgspec.json.Decoder(Message)


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


class TrainingFailed(Fault):
    """The training broke off; the text says at what."""


async def train(
    model: str,
    data: Path,
    store: Store,
    on_progress: Progress,
    *,
    hub: str | None = None,
    promote: bool = True,
    licence: str = "not stated",
    device: str = "auto",
    threads: int | None = None,
) -> Outcome:
    """Train `model` ("module:Class") in a process of low priority; cancelling this cancels that.

    Raises `BadInput` where the data cannot be used, `TrainingFailed` otherwise.
    """
    job = Job(
        model=model,
        data=str(data),
        store=str(store.root),
        hub=hub,
        promote=promote,
        licence=licence,
        device=device,
        threads=threads or len(os.sched_getaffinity(0)),
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-P", "-m", "bot.trainer"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=LINE_LIMIT,
        env=_environment(),
        # Ctrl-C reaches only us; we end it in order.
        start_new_session=True,
    )
    try:
        finished = await _attend(process, job, on_progress)
    finally:
        await _stop(process)
        await asyncio.to_thread(store.sweep)
    report = await asyncio.to_thread(store.report, finished.model, finished.version)
    return Outcome(
        model=finished.model, version=finished.version, report=report, judgement=finished.judgement
    )


async def _attend(process: asyncio.subprocess.Process, job: Job, on_progress: Progress) -> Finished:
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    reading = asyncio.create_task(_tail(process.stderr))
    try:
        with contextlib.suppress(ConnectionError):
            process.stdin.write(msgspec.json.encode(job) + b"\n")
            await process.stdin.drain()
        last: Message | None = None
        while line := await process.stdout.readline():
            last = _decoder.decode(line)
            if isinstance(last, Step):
                on_progress(last.done, last.note)
        status, tail = await process.wait(), await reading
    finally:
        reading.cancel()
    match last:
        case Finished():
            return last
        case Failed(reason=reason, refusal=True):
            raise BadInput("{reason}", reason=reason)
        case Failed(reason=reason):
            raise TrainingFailed("The training failed: {reason}", reason=reason)
        case _:
            said = tail.strip().rpartition("\n")[2]
            raise TrainingFailed("The trainer ended with status {status}. {said}", status=status, said=said)


async def _tail(stream: asyncio.StreamReader) -> str:
    tail = b""
    while chunk := await stream.read(TAIL):
        tail = (tail + chunk)[-TAIL:]
    return tail.decode(errors="replace")


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
        try:
            async with asyncio.timeout(GRACE_SECONDS):
                # Also empties the pipes, on which it may be waiting.
                await process.communicate()
        except TimeoutError:
            # Its whole session: a model may have started processes of its own.
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


def _environment() -> dict[str, str]:
    # What we can import, plugins of other folders too, the trainer can.
    return {**os.environ, "PYTHONPATH": os.pathsep.join(os.path.abspath(entry) for entry in sys.path)}


def main() -> int:
    """Run one job; the process's own side of `train`."""
    signal.signal(signal.SIGTERM, _cancel)
    os.nice(NICENESS)
    logs.configure("warning", "console", secrets=[])
    with _own_stdout() as out:
        try:
            job = msgspec.json.decode(sys.stdin.buffer.readline(LINE_LIMIT), type=Job)
            threading.Thread(target=_end_with_parent, daemon=True).start()
            _send(out, run(job, _steps(out)))
        except HearthError as error:
            _send(out, Failed(str(error)[:2000], refusal=isinstance(error, Refusal)))
            return 1
        # A model's own code may raise anything; who started us hears in one line what it was.
        except Exception as error:
            traceback.print_exc()
            _send(out, Failed(f"{type(error).__name__}: {' '.join(str(error).split())[:500]}", refusal=False))
            return 1
    return 0


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
        gate = Gate(model, store, data, choose_device(job.device, job.threads), job.hub)
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


def _steps(out: BinaryIO) -> Progress:
    last = 0.0

    def progress(done: float, note: str = "") -> None:
        nonlocal last
        now = time.monotonic()
        if done >= 1 or now - last >= PROGRESS_SECONDS:
            last = now
            _send(out, Step(min(1.0, max(0.0, done)), note[:200]))

    return progress


def _send(out: BinaryIO, message: Message) -> None:
    out.write(msgspec.json.encode(message) + b"\n")
    out.flush()


@contextlib.contextmanager
def _own_stdout() -> Iterator[BinaryIO]:
    """Keep standard output for our messages: whatever else is printed goes to standard error."""
    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(2, 1)
        yield out


def _cancel(number: int, _frame: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # Unwinds, so that the staged folder is removed.
    raise SystemExit(128 + number)


def _end_with_parent() -> None:
    # Not through sys.stdin, whose lock a thread must not hold when the interpreter ends.
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
