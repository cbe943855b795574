"""Heavy work in a process of its own, at low priority: training, clustering, whatever takes longer than a request.

`labour(function, request, progress)` runs a module-level function `(request: SomeStruct, progress: Progress) ->
OtherStruct`. `python -m bot.labour MODULE:FUNCTION` is the process. It reads its request as one frame (see
`shared.frames`) from standard input, writes what happens as frames to standard output, and stops on SIGTERM or when
standard input closes, so that it never outlives who started it.
"""

import asyncio
import contextlib
import importlib
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, BinaryIO, Final, TypeVar, get_type_hints

import msgspec

from bot.parent import end_with_parent
from shared import logs
from shared.errors import BadInput, Fault, HearthError, Refusal
from shared.frames import FrameError, FrameReader, encode
from shared.model import Progress
from shared.redaction import Redactor, without_secrets

NICENESS: Final = 10
GRACE_SECONDS: Final = 5.0
END_SECONDS: Final = 2.0
CHUNK: Final = 1 << 16
TAIL: Final = 4000
PROGRESS_SECONDS: Final = 0.1
Request = TypeVar("Request")
Result = TypeVar("Result")


class LabourFailed(Fault):
    """The work broke off; the value `reason` of its text says at what, for the log."""

    @property
    def reason(self) -> str:
        """Say at what the work broke off."""
        return str(self.text.values["reason"])

    def __str__(self) -> str:
        return f"{self.text} {self.reason}"


class Step(msgspec.Struct, frozen=True, tag="step"):
    """How far it has come, in 0…1."""

    done: float
    note: str


class Made(msgspec.Struct, frozen=True, tag="made"):
    """The work is done: its result, as msgpack."""

    result: msgspec.Raw


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """Nothing came of it, through a fault of ours."""

    reason: str


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """Nothing came of it, and the request is to blame: a message, and the values for it."""

    msgid: str
    values: dict[str, str | int | float]


Message = Step | Made | Refused | Failed
_messages: Final[msgspec.msgpack.Decoder[Message]] = msgspec.msgpack.Decoder(Message)


async def labour(
    function: Callable[[Request, Progress], Result], request: Request, progress: Progress
) -> Result:
    """Run `function(request, progress)` in a process of its own; cancelling this cancels that.

    Raises `BadInput` where the function refused, `LabourFailed` where it or its process broke.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-P", "-m", "bot.labour", f"{function.__module__}:{function.__qualname__}"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=_environment(),
        # Ctrl-C reaches only us; we end it in order.
        start_new_session=True,
    )
    try:
        made = await _attend(process, encode(request), progress)
    finally:
        await _stop(process)
    try:
        result: Result = msgspec.msgpack.decode(made.result, type=get_type_hints(function)["return"])
    except msgspec.MsgspecError as error:
        raise LabourFailed(
            "The work broke off on our side.", reason=f"Its result is none: {error}"
        ) from error
    return result


async def _attend(process: asyncio.subprocess.Process, request: bytes, progress: Progress) -> Made:
    assert process.stdin is not None
    assert process.stderr is not None
    reading = asyncio.create_task(_tail(process.stderr))
    writing = asyncio.create_task(_write(process.stdin, request))
    try:
        last: Message | None = None
        async for last in _received(process):
            if isinstance(last, Step):
                progress(last.done, last.note)
            else:
                # Whatever still runs of it, and may hold the pipes open, is not waited for.
                break
        tail = await _last_words(process, reading)
    finally:
        reading.cancel()
        writing.cancel()
    match last:
        case Made():
            return last
        case Refused(msgid=msgid, values=values):
            raise BadInput(msgid, **values)
        case Failed(reason=reason):
            raise LabourFailed("The work broke off on our side.", reason=reason)
        case _:
            said = tail.strip().rpartition("\n")[2]
            reason = f"The process ended with status {process.returncode}. {said}"
            raise LabourFailed("The work broke off on our side.", reason=reason)


async def _write(stream: asyncio.StreamWriter, data: bytes) -> None:
    with contextlib.suppress(ConnectionError):
        stream.write(data)
        await stream.drain()


async def _received(process: asyncio.subprocess.Process) -> AsyncIterator[Message]:
    assert process.stdout is not None
    frames = FrameReader()
    while data := await process.stdout.read(CHUNK):
        for body in frames.feed(data):
            yield _messages.decode(body)


async def _last_words(process: asyncio.subprocess.Process, reading: asyncio.Task[str]) -> str:
    """Let the process end by itself, and return what it said last; in vain after some seconds."""
    try:
        async with asyncio.timeout(END_SECONDS):
            tail = await reading
            await process.wait()
    except TimeoutError:
        return ""
    return tail


async def _tail(stream: asyncio.StreamReader) -> str:
    tail = b""
    while chunk := await stream.read(TAIL):
        tail = (tail + chunk)[-TAIL:]
    return tail.decode(errors="replace")


async def _stop(process: asyncio.subprocess.Process) -> None:
    try:
        if process.returncode is None:
            process.terminate()
            async with asyncio.timeout(GRACE_SECONDS):
                # Also empties the pipes, on which it may be waiting.
                await process.communicate()
    except (TimeoutError, ProcessLookupError):
        pass
    finally:
        # Its whole session: the work may have started processes of its own.
        with contextlib.suppress(ProcessLookupError, TimeoutError):
            os.killpg(process.pid, signal.SIGKILL)
            async with asyncio.timeout(END_SECONDS):
                await process.wait()


def _environment() -> dict[str, str]:
    # What we can import, plugins of other folders too, the process can.
    return {
        **without_secrets(os.environ),
        "PYTHONPATH": os.pathsep.join(os.path.abspath(entry) for entry in sys.path),
    }


def main() -> int:
    """Do one piece of work; the process's own side of `labour`."""
    signal.signal(signal.SIGTERM, _cancel)
    os.nice(NICENESS)
    logs.configure("warning", "console", secrets=[])
    with _own_stdout() as out:
        try:
            function = _load(sys.argv[1])
            request = msgspec.msgpack.decode(_frame(sys.stdin.buffer), type=_request_type(function))
            threading.Thread(target=end_with_parent, args=(GRACE_SECONDS,), daemon=True).start()
            result = function(request, _steps(out))
            _send(out, Made(msgspec.Raw(msgspec.msgpack.encode(result))))
        except Refusal as error:
            _send(out, _refused(error))
            return 1
        except HearthError as error:
            _send(out, Failed(str(error)[:2000]))
            return 1
        # The work's own code may raise anything; who started us hears in one line what it was.
        except Exception as error:
            sys.stderr.write(Redactor.here().text(traceback.format_exc()))
            _send(out, Failed(f"{type(error).__name__}: {' '.join(str(error).split())[:500]}"))
            return 1
    return 0


def _load(path: str) -> Callable[..., Any]:
    module, _, name = path.partition(":")
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found  # type: ignore[no-any-return]


def _request_type(function: Callable[..., Any]) -> Any:
    hints = get_type_hints(function)
    return next(hint for name, hint in hints.items() if name != "return")


def _frame(stream: BinaryIO) -> bytes:
    frames = FrameReader()
    while data := os.read(stream.fileno(), CHUNK):
        if found := frames.feed(data):
            return found[0]
    raise FrameError("standard input ended within the request")


def _refused(error: Refusal) -> Refused:
    values = error.text.values.items()
    return Refused(
        error.text.msgid, {k: v if isinstance(v, int | float) else str(v)[:1000] for k, v in values}
    )


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
    out.write(encode(message))
    out.flush()


@contextlib.contextmanager
def _own_stdout() -> Iterator[BinaryIO]:
    """Keep standard output for our messages: whatever else is printed goes to standard error."""
    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(2, 1)
        yield out


def _cancel(number: int, _frame: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # Unwinds, so that what is half written is removed.
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
