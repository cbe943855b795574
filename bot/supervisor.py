"""Keeps one worker process running: starts it, notices its death, and starts it again.

A worker that dies before it has answered anything is barren. After each barren life the pause before the next grows,
and after a few of them whoever waits for a worker is told so instead of waiting on.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec
import structlog

from bot.worker_process import WorkerProcess
from shared.errors import ModelUnavailable, WorkerCrashed
from shared.frames import MALFORMED, Broken, Done, Hello, Loaded

HOPELESS: Final = 4
PAUSE_SECONDS: Final = 0.1
LONGEST_PAUSE: Final = 10.0
Answer = Done | Loaded | Broken
log = structlog.get_logger("hearth.worker")


class Supervisor:
    """Runs workers one after another. `on_answer` gets what they send, `on_up` and `on_death` mark their lives."""

    def __init__(
        self,
        device: str,
        threads: int,
        *,
        on_answer: Callable[[Answer], None],
        on_up: Callable[[], None],
        on_death: Callable[[], None],
    ) -> None:
        self._device, self._threads = device, threads
        self._on_answer, self._on_up, self._on_death = on_answer, on_up, on_death
        self._decoder: msgspec.msgpack.Decoder[Hello | Answer] = msgspec.msgpack.Decoder(Hello | Answer)
        self._worker: WorkerProcess | None = None
        self._keeper: asyncio.Task[None] | None = None
        # Set where `until_up` has something to say: a worker is up, or none will be for a while.
        self._changed = asyncio.Event()
        self._proved, self._barren = False, 0
        self.alive, self.closed = False, False
        self.restarts = 0

    @property
    def pid(self) -> int | None:
        """Return the worker's process id."""
        return None if self._worker is None else self._worker.pid

    @property
    def rss_mib(self) -> float:
        """Return the worker's resident memory."""
        return 0.0 if self._worker is None else self._worker.rss_mib

    def start(self) -> None:
        """Begin."""
        self._keeper = asyncio.create_task(self._keep())

    async def until_up(self) -> None:
        """Wait for a worker. Raises `ModelUnavailable` where workers die at once, `WorkerCrashed` after the end."""
        while not self.alive:
            if self.closed:
                raise WorkerCrashed("The worker was stopped.")
            if self._barren >= HOPELESS:
                raise ModelUnavailable("The models cannot be started at the moment.")
            await self._changed.wait()

    def send(self, frame: bytes) -> None:
        """Send a frame to the worker that is up."""
        assert self.alive, "callers wait until it is up"
        assert self._worker is not None, "what is alive is there"
        self._worker.send(frame)

    def kill(self) -> None:
        """End the worker at once; another is started."""
        if self._worker is not None:
            self._worker.kill()

    async def close(self) -> None:
        """End the worker, and start no other."""
        self.closed = True
        self._changed.set()
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)

    async def _keep(self) -> None:
        while True:
            await self._live()
            await asyncio.sleep(min(PAUSE_SECONDS * 2**self._barren, LONGEST_PAUSE) if self._barren else 0)
            self.restarts += 1

    async def _live(self) -> None:
        self._proved = False
        try:
            worker = await WorkerProcess.start(self._device, self._threads, self._on_frame)
        except OSError as error:
            log.error("worker not started", error=str(error))
            self._mourn()
            return
        self._worker = worker
        try:
            await worker.ended.wait()
        finally:
            self._mourn()
            status = await worker.close()
        # Negative: the signal that ended it.
        log.error("worker died", status=status, restarts=self.restarts)

    def _mourn(self) -> None:
        self._worker, self.alive = None, False
        self._barren = 0 if self._proved else self._barren + 1
        if self._barren < HOPELESS and not self.closed:
            self._changed.clear()
        else:
            self._changed.set()
        self._on_death()

    def _on_frame(self, body: bytes) -> None:
        try:
            message = self._decoder.decode(body)
        except MALFORMED as error:
            log.error("worker sent nonsense", error=str(error))
            self.kill()
            return
        match message:
            case Hello():
                self.alive = True
                self._changed.set()
                self._on_up()
            case answer:
                self._proved = True
                self._on_answer(answer)
