"""One worker process and the socket to it, as the bot's side sees them."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any, Self

from shared.frames import FrameError, FrameReader


class WorkerProcess(asyncio.Protocol):
    """A running `python -m bot.worker`. `on_frame` gets each frame's body; `on_end` is called once, at its end."""

    def __init__(
        self, process: subprocess.Popen[bytes], on_frame: Callable[[bytes], None], on_end: Callable[[], None]
    ) -> None:
        self._process, self._on_frame, self._on_end = process, on_frame, on_end
        self._frames = FrameReader()
        self._transport: asyncio.Transport | None = None
        self.ended = asyncio.Event()

    @classmethod
    async def start(
        cls, device: str, threads: int, on_frame: Callable[[bytes], None], on_end: Callable[[], None]
    ) -> Self:
        """Start the process and connect to it."""
        ours, theirs = socket.socketpair()
        try:
            # A plugin folder outside the packages must be importable there too.
            path = os.pathsep.join(p for p in sys.path if p)
            process = await asyncio.to_thread(
                subprocess.Popen,
                [sys.executable, "-m", "bot.worker", str(theirs.fileno()), device, str(threads)],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=2,
                env={**os.environ, "PYTHONPATH": path},
            )
        finally:
            theirs.close()
        ours.setblocking(False)
        loop = asyncio.get_running_loop()
        _, protocol = await loop.create_unix_connection(lambda: cls(process, on_frame, on_end), sock=ours)
        return protocol

    @property
    def pid(self) -> int:
        """Return the process's id."""
        return self._process.pid

    def send(self, frame: bytes) -> None:
        """Send a frame; what cannot go out at once is buffered."""
        if self._transport is not None:
            self._transport.write(frame)

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()

    async def close(self, seconds: float = 2.0) -> None:
        """Close the socket, at which the process ends by itself; kill it where it does not."""
        if self._transport is not None:
            self._transport.close()
        try:
            await asyncio.to_thread(self._process.wait, seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)

    def connection_made(self, transport: Any) -> None:
        """Keep the transport."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Put frames together and hand them on."""
        try:
            frames = self._frames.feed(data)
        except FrameError:
            self.kill()
            return
        for frame in frames:
            self._on_frame(frame)

    def connection_lost(self, error: Exception | None) -> None:
        """Tell that the process is gone."""
        self._transport = None
        # The socket closes when the process ends; what is left is to take its status off the table.
        self._process.kill()
        self.ended.set()
        self._on_end()

    async def reap(self) -> int:
        """Wait for the process's end; return its exit status (negative: the signal that ended it)."""
        return await asyncio.to_thread(self._process.wait)
