"""Answers a stream of lines in order, many at once, in bounded memory: the working part of `hearth predict`."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import CancelledError
from typing import BinaryIO, Final

CHUNK: Final = 1 << 16
LINE_LIMIT: Final = 16 << 20
"""Bytes of one line: room for a picture of 10 MiB in base64."""

IN_FLIGHT_BYTES: Final = 32 << 20
WINDOW: Final = 512
"""Lines that may be in work at once."""


class Splitter:
    """Cuts bytes as they come into lines; one over `limit` bytes becomes None, and is not kept in memory."""

    def __init__(self, limit: int = LINE_LIMIT) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._length = 0

    def feed(self, chunk: bytes) -> list[bytes | None]:
        """Return the lines that `chunk` completes."""
        *ended, rest = chunk.split(b"\n")
        found: list[bytes | None] = []
        for piece in ended:
            self._add(piece)
            found.append(self._take())
        self._add(rest)
        return found

    def end(self) -> list[bytes | None]:
        """Return the last line, where it lacks its end."""
        return [self._take()] if self._length else []

    def _add(self, piece: bytes) -> None:
        self._length += len(piece)
        if self._length > self._limit:
            self._parts.clear()
        else:
            self._parts.append(piece)

    def _take(self) -> bytes | None:
        line = None if self._length > self._limit else b"".join(self._parts)
        self._parts, self._length = [], 0
        return line


async def read_lines(descriptor: int, limit: int = LINE_LIMIT) -> AsyncIterator[bytes | None]:
    """Yield the lines of a file, pipe or terminal as soon as they come; None for one that is too long.

    Raises `OSError`. Read by a thread that ends with the process, for a read of a terminal cannot be cancelled.
    """
    loop = asyncio.get_running_loop()
    chunks: asyncio.Queue[bytes | OSError] = asyncio.Queue(maxsize=2)

    def read() -> None:
        chunk: bytes | OSError = b"-"
        while chunk and not isinstance(chunk, OSError):
            try:
                chunk = os.read(descriptor, CHUNK)
            except OSError as error:
                chunk = error
            put = chunks.put(chunk)
            try:
                asyncio.run_coroutine_threadsafe(put, loop).result()
            except (RuntimeError, CancelledError):
                # Nobody waits for it any more.
                put.close()
                return

    threading.Thread(target=read, name="lines", daemon=True).start()
    splitter = Splitter(limit)
    while chunk := await chunks.get():
        if isinstance(chunk, OSError):
            raise chunk
        for line in splitter.feed(chunk):
            yield line
    for line in splitter.end():
        yield line


async def answer_lines(
    lines: AsyncIterator[bytes | None], answer: Callable[[bytes | None], Awaitable[bytes]], out: BinaryIO
) -> None:
    """Write the answer to each line, in the order of the lines. `answer` does not raise."""
    order: asyncio.Queue[tuple[asyncio.Task[bytes], int] | None] = asyncio.Queue()
    budget = _Budget(IN_FLIGHT_BYTES)

    async def answered(line: bytes | None) -> bytes:
        return await answer(line)

    async def read() -> None:
        async for line in lines:
            cost = max(len(line or b""), IN_FLIGHT_BYTES // WINDOW)
            await budget.take(cost)
            order.put_nowait((group.create_task(answered(line)), cost))
        order.put_nowait(None)

    async def write() -> None:
        ready: list[bytes] = []
        costs = 0
        while (following := await order.get()) is not None:
            task, cost = following
            if ready and not task.done():
                await flush(ready, costs)
                costs = 0
            ready.append(await task)
            costs += cost
            if order.empty():
                await flush(ready, costs)
                costs = 0
        await flush(ready, costs)

    async def flush(ready: list[bytes], costs: int) -> None:
        # In a thread: who reads the answers may be slow, and the worker is to be attended to meanwhile.
        await asyncio.to_thread(_write, out, ready)
        ready.clear()
        budget.give(costs)

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(read())
            group.create_task(write())
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None


def _write(out: BinaryIO, answers: list[bytes]) -> None:
    out.write(b"".join(line + b"\n" for line in answers))
    out.flush()


class _Budget:
    """Lets in as much at once as `limit`; more than that only when nothing else is in."""

    def __init__(self, limit: int) -> None:
        self._limit, self._used = limit, 0
        self._changed = asyncio.Event()

    async def take(self, amount: int) -> None:
        while self._used and self._used + amount > self._limit:
            self._changed.clear()
            await self._changed.wait()
        self._used += amount

    def give(self, amount: int) -> None:
        self._used -= amount
        self._changed.set()
