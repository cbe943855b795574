"""One worker process and the socket to it, as the bot's side sees them."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Self

import psutil

from shared.frames import FrameError, FrameReader
from shared.redaction import without_secrets

_READ: Final = 1 << 18
_LAST_WORDS_SECONDS: Final = 0.5


class WorkerProcess(asyncio.BufferedProtocol):
    """A running `python -m bot.worker`. `on_frame` gets each frame's body; `ended` is set once, at its end."""

    def __init__(self, process: subprocess.Popen[bytes], on_frame: Callable[[bytes], None]) -> None:
        self._process, self._on_frame = process, on_frame
        self._frames = FrameReader()
        self._buffer = memoryview(bytearray(_READ))
        self._transport: asyncio.Transport | None = None
        self._pidfd: int | None = None
        self.ended = asyncio.Event()

    @classmethod
    async def start(cls, device: str, threads: int, on_frame: Callable[[bytes], None]) -> Self:
        """Start the process and connect to it. Raises `OSError`."""
        ours, theirs = socket.socketpair()
        # A plugin folder outside the packages must be importable there too.
        path = os.pathsep.join(p or str(Path.cwd()) for p in sys.path)
        try:
            # In this thread, at the price of some ms: the kernel ends the worker when the thread that started it ends.
            process = subprocess.Popen(  # noqa: ASYNC220, S603  # nosec B603 # our own program, no shell
                [sys.executable, "-P", "-m", "bot.worker", str(theirs.fileno()), device, str(threads)],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                # What models print must not mix with what a command writes.
                stdout=2,
                env={**without_secrets(os.environ), "PYTHONPATH": path},
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        ours.setblocking(False)
        loop = asyncio.get_running_loop()
        try:
            _, protocol = await loop.create_unix_connection(lambda: cls(process, on_frame), sock=ours)
        except BaseException:
            process.kill()
            process.wait()
            raise
        protocol._watch_process(loop)
        return protocol

    @property
    def pid(self) -> int:
        """Return the process's id."""
        return self._process.pid

    @property
    def rss_mib(self) -> float:
        """Return the process's resident memory; 0 where it is gone."""
        try:
            return float(psutil.Process(self.pid).memory_info().rss / 2**20)
        except psutil.Error:
            return 0.0

    def send(self, frame: bytes) -> None:
        """Send a frame; what cannot go out at once is buffered, what comes after the end is dropped."""
        if self._transport is not None:
            self._transport.write(frame)

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()

    async def close(self, seconds: float = 2.0) -> int:
        """Close the socket, at which the process ends by itself; kill it where it does not. Return its exit status."""
        if self._transport is not None:
            self._transport.close()
        try:
            return await asyncio.to_thread(self._process.wait, seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return await asyncio.to_thread(self._process.wait)
        finally:
            # Cancelled: what is killed ends within milliseconds, and must not stay behind as a zombie.
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait()

    def connection_made(self, transport: Any) -> None:
        """Keep the transport."""
        self._transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where to read to."""
        return self._buffer

    def buffer_updated(self, count: int) -> None:
        """Hand on what came."""
        self._take(self._buffer[:count])

    def connection_lost(self, error: Exception | None) -> None:
        """Take it for the end of the process."""
        self._read_last_words()
        self._transport = None
        if self._pidfd is not None:
            asyncio.get_running_loop().remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = None
        # Where only the socket closed, the process ends by it; where that is not heard, by this.
        self._process.kill()
        self.ended.set()

    def _take(self, data: bytes | memoryview) -> None:
        """Put frames together and hand them on; a worker that sends what is none is ended."""
        try:
            for frame in self._frames.feed(data):
                self._on_frame(frame)
        except FrameError:
            self.kill()

    def _read_last_words(self) -> None:
        """Read what the worker sent before it died: a write that fails ends the transport before that is read."""
        assert self._transport is not None, "it is lost only once"
        descriptor = self._transport.get_extra_info("socket").fileno()
        with contextlib.suppress(OSError):
            while data := os.read(descriptor, _READ):
                self._take(data)

    def _watch_process(self, loop: asyncio.AbstractEventLoop) -> None:
        """Notice the process's end even while a child of its own holds the socket open."""
        if self._transport is None or not hasattr(os, "pidfd_open"):
            return
        try:
            self._pidfd = os.pidfd_open(self.pid)
        # Not every kernel has it; the socket's end then stands alone.
        except OSError:
            return
        loop.add_reader(self._pidfd, self._on_exit, loop)

    def _on_exit(self, loop: asyncio.AbstractEventLoop) -> None:
        assert self._pidfd is not None, "removed together with its reader"
        loop.remove_reader(self._pidfd)
        if self._transport is not None:
            # Its last answers may still be on their way here.
            loop.call_later(_LAST_WORDS_SECONDS, self._transport.abort)
