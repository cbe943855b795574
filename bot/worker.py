"""The worker process: holds warm models, answers batches over a socket, and ends when that socket closes.

Three threads: one reads the socket and ends the process at its end, whatever else goes on (so nothing is ever
orphaned); one loads models, beside those that answer; the main one predicts. Started by `bot.worker_process`.
"""

import contextlib
import ctypes
import faulthandler
import gc
import importlib
import json
import os
import queue
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import psutil

from bot.tracing import traces_of
from shared.device import choose_device, limit_threads
from shared.frames import (
    WHOLE_BATCH,
    Broken,
    Done,
    FrameError,
    FrameReader,
    Hello,
    Items,
    Load,
    Loaded,
    Run,
    Unload,
    describe,
    encode,
)
from shared.model import AnyModel, Device, Failure
from shared.tracing import NO_TRACES, Traces, trace_id

_READ: Final = 1 << 18
_PR_SET_PDEATHSIG: Final = 1
FLUSH_SECONDS: Final = 0.5


class _Warm:
    """A loaded model, and how its requests and results are written."""

    def __init__(self, path: str, folder: str | None, device: Device) -> None:
        kind = _class(path)
        self.model: Any = kind.load(None if folder is None else Path(folder), device)
        self.requests, self.results = Items(kind.request), Items(kind.result)


class Worker:
    """Serves one connection until it closes."""

    def __init__(
        self, connection: socket.socket, device: str, threads: int, traces: Traces = NO_TRACES
    ) -> None:
        self._connection, self._wanted, self._threads, self._traces = connection, device, threads, traces
        self._device: Device | None = None
        self._send_lock = threading.Lock()
        self._runs: queue.SimpleQueue[Run] = queue.SimpleQueue()
        self._orders: queue.SimpleQueue[Load | Unload] = queue.SimpleQueue()
        self._models: dict[str, _Warm] = {}
        self._process = psutil.Process()

    def serve(self) -> None:
        """Answer until the connection closes; then the process ends."""
        for work in (self._read, self._load_forever):
            threading.Thread(target=work, name=work.__name__, daemon=True).start()
        self._send(Hello(os.getpid()))
        while True:
            self._run(self._runs.get())

    def _read(self) -> None:
        frames, decoder = FrameReader(), msgspec.msgpack.Decoder(Run | Load | Unload)
        view = memoryview(bytearray(_READ))
        try:
            while count := self._connection.recv_into(view):
                for frame in frames.feed(view[:count]):
                    match decoder.decode(frame):
                        case Run() as run:
                            self._runs.put(run)
                        case order:
                            self._orders.put(order)
        except (OSError, FrameError, msgspec.MsgspecError) as error:
            _log("connection broken", error=repr(error))
        # Also in the midst of a prediction: whoever asked is gone.
        self._traces.close(FLUSH_SECONDS)
        os._exit(0)

    def _run(self, run: Run) -> None:
        started = time.perf_counter()
        try:
            warm = self._models[run.model]
            with self._traces.span(f"run {run.model}", parent=run.traceparent):
                results, failures = _answer(warm, run.batch)
        except Exception as error:
            _log("batch failed", model=run.model, error=repr(error))
            results, failures = msgspec.Raw(b"\x90"), {WHOLE_BATCH: describe(error)}
        self._send(Done(run.id, results, failures, time.perf_counter() - started))

    def _load_forever(self) -> None:
        while True:
            order = self._orders.get()
            try:
                answer: Loaded | Broken = self._carry_out(order)
            # Also SystemExit, which would end this thread alone, and all loading with it.
            except BaseException as error:
                _log("load failed", model=order.model, error=repr(error))
                answer = Broken(order.id, describe(error).reason)
            self._send(answer)

    def _carry_out(self, order: Load | Unload) -> Loaded:
        before = self._rss()
        if self._device is None:
            # Not before it is needed: to look for a GPU may mean to import torch.
            self._device = choose_device(self._wanted, self._threads)
        match order:
            case Load(model=name, path=path, weights=weights):
                # The swap: the next batch is answered by the new one.
                self._models[name] = _Warm(path, weights.folder, self._device)
            case Unload(model=name):
                self._models.pop(name, None)
                _free_memory()
        after = self._rss()
        return Loaded(order.id, self._device.name, after, after - before)

    def _send(self, message: Hello | Done | Loaded | Broken) -> None:
        # A closed connection ends the process in the reading thread.
        with contextlib.suppress(OSError), self._send_lock:
            self._connection.sendall(encode(message))

    def _rss(self) -> float:
        return self._process.memory_info().rss / 2**20


def _answer(warm: _Warm, data: msgspec.Raw) -> tuple[msgspec.Raw, dict[int, Failure]]:
    """Answer each item, or say why it failed; what one of them breaks is kept from its neighbours."""
    answers = warm.requests.decode(data)
    asked = [i for i, request in enumerate(answers) if not isinstance(request, Failure)]
    for i, answer in zip(asked, _predict(warm.model, [answers[i] for i in asked]), strict=True):
        answers[i] = answer if isinstance(answer, Failure) else warm.results.encode(answer)
    failures = {i: answer for i, answer in enumerate(answers) if isinstance(answer, Failure)}
    results = msgspec.msgpack.encode([None if i in failures else each for i, each in enumerate(answers)])
    return msgspec.Raw(results), failures


def _predict(model: Any, batch: Sequence[Any]) -> list[Any]:
    if not batch:
        return []
    try:
        answers = list(model.predict(batch))
        if len(answers) != len(batch):
            raise ValueError(f"{len(answers)} results for {len(batch)} requests")
    except Exception as error:
        if len(batch) == 1:
            _log("request failed", model=type(model).name, error=repr(error))
            return [describe(error)]
        # One bad item must not fail its neighbours.
        return [_predict(model, [item])[0] for item in batch]
    return answers


def _class(path: str) -> AnyModel:
    module, _, name = path.partition(":")
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found  # type: ignore[no-any-return]


def _free_memory() -> None:
    gc.collect()
    if (torch := sys.modules.get("torch")) is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    # glibc keeps what was freed; other C libraries have no such call.
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _end_with_parent() -> None:
    """Have the kernel end this process with the one that started it, even while C code holds the interpreter.

    The end of the socket is what ends it everywhere; but a thread that waits for it needs the interpreter to act.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _log(event: str, **values: object) -> None:
    traced = {"trace_id": here} if (here := trace_id()) is not None else {}
    line = json.dumps({"logger": "hearth.worker", "event": event, **traced, **values}, default=str)
    with contextlib.suppress(OSError):
        sys.stderr.write(line[:2000] + "\n")


def main() -> None:
    """Serve on the socket whose number is the first argument; device and threads are the second and third."""
    # Both go to the whole group of processes, where the bot still finishes what it has begun; it ends this one then.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    faulthandler.enable()
    _end_with_parent()
    descriptor, device, threads = sys.argv[1:4]
    limit_threads(int(threads))
    connection = socket.socket(fileno=int(descriptor))
    # What a library starts here must not keep the connection open.
    connection.set_inheritable(False)
    Worker(connection, device, int(threads), traces_of(os.environ, "hearth-worker")).serve()


if __name__ == "__main__":
    main()
