"""The worker process: holds warm models, answers batches over a socket, and ends when that socket closes.

Three threads: one reads the socket and ends the process at its end, whatever else goes on (so nothing is ever
orphaned); one loads models, beside those that answer; the main one predicts. Started by `bot.local_engine`.
"""

import contextlib
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
from typing import Any

import msgspec
import psutil

from shared.device import choose_device, limit_threads
from shared.frames import (
    WHOLE_BATCH,
    Broken,
    Done,
    FrameError,
    FrameReader,
    Load,
    Loaded,
    Run,
    Unload,
    encode,
)
from shared.model import AnyModel, Device, Failure

_READ = 1 << 18


class Worker:
    """Serves one connection until it closes."""

    def __init__(self, connection: socket.socket, device: Device) -> None:
        self._connection, self._device = connection, device
        self._send_lock = threading.Lock()
        self._runs: queue.SimpleQueue[Run] = queue.SimpleQueue()
        self._loads: queue.SimpleQueue[Load | Unload] = queue.SimpleQueue()
        self._models: dict[str, tuple[Any, msgspec.msgpack.Decoder[Any]]] = {}
        self._encoder = msgspec.msgpack.Encoder()
        self._process = psutil.Process()

    def serve(self) -> None:
        """Answer until the connection closes; then the process ends."""
        for work in (self._read, self._load_forever):
            threading.Thread(target=work, daemon=True).start()
        while True:
            self._run(self._runs.get())

    def _read(self) -> None:
        frames, decoder = FrameReader(), msgspec.msgpack.Decoder(Run | Load | Unload)
        try:
            while data := self._connection.recv(_READ):
                for frame in frames.feed(data):
                    match decoder.decode(frame):
                        case Run() as run:
                            self._runs.put(run)
                        case other:
                            self._loads.put(other)
        except (OSError, FrameError, msgspec.MsgspecError) as error:
            _log("connection broken", error=repr(error))
        # Also in the midst of a prediction: whoever asked is gone.
        os._exit(0)

    def _run(self, run: Run) -> None:
        started = time.perf_counter()
        try:
            model, decoder = self._models[run.model]
            answers = self._predict(model, decoder.decode(run.batch))
            failures = {i: answer for i, answer in enumerate(answers) if isinstance(answer, Failure)}
            results = self._encoder.encode([None if i in failures else a for i, a in enumerate(answers)])
        except Exception as error:
            _log("batch failed", model=run.model, error=repr(error))
            results, failures = self._encoder.encode([]), {WHOLE_BATCH: _failure(error)}
        self._send(Done(run.id, msgspec.Raw(results), failures, time.perf_counter() - started))

    def _predict(self, model: Any, batch: Sequence[Any]) -> list[Any]:
        try:
            answers = list(model.predict(batch))
            if len(answers) != len(batch):
                raise ValueError(f"{len(answers)} results for {len(batch)} requests")
        except Exception as error:
            if len(batch) == 1:
                _log("request failed", model=type(model).name, error=repr(error))
                return [_failure(error)]
            # One bad item must not fail its neighbours.
            return [self._predict(model, [item])[0] for item in batch]
        return answers

    def _load_forever(self) -> None:
        while True:
            order = self._loads.get()
            before = self._rss()
            try:
                match order:
                    case Load(model=name, path=path, weights=weights):
                        model = _class(path)
                        folder = None if weights.folder is None else Path(weights.folder)
                        loaded = model.load(folder, self._device)
                        # The swap: the next batch is answered by the new one.
                        self._models[name] = (loaded, _decoder(model))
                    case Unload(model=name):
                        self._models.pop(name, None)
            except Exception as error:
                _log("load failed", model=order.model, error=repr(error))
                self._send(Broken(order.id, _failure(error).reason))
                continue
            after = self._rss()
            self._send(Loaded(order.id, after, after - before))

    def _send(self, message: Done | Loaded | Broken) -> None:
        # A closed connection ends the process in the reading thread.
        with contextlib.suppress(OSError), self._send_lock:
            self._connection.sendall(encode(message))

    def _rss(self) -> float:
        return self._process.memory_info().rss / 2**20


def _failure(error: Exception) -> Failure:
    return Failure(f"{type(error).__name__}: {error}"[:500])


def _decoder(model: AnyModel) -> msgspec.msgpack.Decoder[Any]:
    kind: Any = list[model.request]  # type: ignore[name-defined]
    return msgspec.msgpack.Decoder(kind)


def _class(path: str) -> AnyModel:
    module, _, name = path.partition(":")
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found  # type: ignore[no-any-return]


def _log(event: str, **values: object) -> None:
    sys.stderr.write(json.dumps({"logger": "hearth.worker", "event": event, **values}, default=str) + "\n")


def main() -> None:
    """Serve on the socket whose number is the first argument; device and threads are the second and third."""
    # Ctrl-C goes to the whole group of processes; the bot ends this one when it is done with it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    number, wanted, threads = sys.argv[1:4]
    limit_threads(int(threads))
    connection = socket.socket(fileno=int(number))
    Worker(connection, choose_device(wanted, int(threads))).serve()


if __name__ == "__main__":
    main()
