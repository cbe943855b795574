"""The worker process: holds warm models, answers batches over a socket, and ends when that socket closes.

Three threads: one reads the socket and ends the process at its end, whatever else goes on (so nothing is ever
orphaned); one loads models, beside those that answer; the main one predicts. Started by `bot.worker_process`.
"""

import contextlib
import ctypes
import faulthandler
import os
import queue
import signal
import socket
import sys
import threading
import traceback
from types import TracebackType
from typing import Final

import msgspec

from bot.tracing import traces_of
from bot.warm import WarmModels, log
from shared.device import limit_threads
from shared.frames import (
    MALFORMED,
    Broken,
    Done,
    FrameError,
    FrameReader,
    Hello,
    Load,
    Loaded,
    Run,
    Unload,
    encode,
)  # fmt: skip
from shared.tracing import NO_TRACES, Traces

_READ: Final = 1 << 18
_PR_SET_PDEATHSIG: Final = 1


class Worker:
    """Serves one connection until it closes."""

    def __init__(
        self, connection: socket.socket, device: str, threads: int, traces: Traces = NO_TRACES
    ) -> None:
        self._connection, self._traces = connection, traces
        self._send_lock = threading.Lock()
        self._runs: queue.SimpleQueue[Run] = queue.SimpleQueue()
        self._orders: queue.SimpleQueue[Load | Unload] = queue.SimpleQueue()
        self._models = WarmModels(device, threads, traces)

    def serve(self) -> None:
        """Answer until the connection closes; then the process ends."""
        for work in (self._read, self._load_forever):
            threading.Thread(target=work, name=work.__name__, daemon=True).start()
        self._send(Hello(os.getpid()))
        while True:
            self._send(self._models.run(self._runs.get()))

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
        except (OSError, FrameError, *MALFORMED) as error:
            log("connection broken", error=repr(error))
        # Also in the midst of a prediction: whoever asked is gone.
        os._exit(0)

    def _load_forever(self) -> None:
        while True:
            self._send(self._models.carry_out(self._orders.get()))

    def _send(self, message: Hello | Done | Loaded | Broken) -> None:
        # A closed connection ends the process in the reading thread.
        with contextlib.suppress(OSError), self._send_lock:
            self._connection.sendall(encode(message))


def _end_with_parent() -> None:
    """Have the kernel end this process with the one that started it, even while C code holds the interpreter.

    The end of the socket is what ends it everywhere; but a thread that waits for it needs the interpreter to act.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _uncaught(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    """Write what nobody caught as all else is written: without secrets."""
    log("uncaught", error=repr(error), trace="".join(traceback.format_exception(kind, error, trace)))


def main() -> None:
    """Serve on the socket whose number is the first argument; device and threads are the second and third."""
    # Both go to the whole group of processes, where the bot still finishes what it has begun; it ends this one then.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    faulthandler.enable()
    sys.excepthook = _uncaught
    threading.excepthook = lambda args: _uncaught(args.exc_type, args.exc_value, args.exc_traceback)
    _end_with_parent()
    descriptor, device, threads = sys.argv[1:4]
    limit_threads(int(threads))
    connection = socket.socket(fileno=int(descriptor))
    # What a library starts here must not keep the connection open.
    connection.set_inheritable(False)
    Worker(connection, device, int(threads), traces_of(os.environ, "hearth-worker")).serve()


if __name__ == "__main__":
    main()
