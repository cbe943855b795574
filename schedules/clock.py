"""The clock: wakes the runner when something is due, or may be. APScheduler gives the timers, in memory only.

The rows are the truth. A timer stands at the next due time that they name; another looks every two seconds for what
another process has written meanwhile; a third renews the leases of what is under way.
"""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Final, Self

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

from schedules.ledger import LEASE_MS
from schedules.runner import Runner
from shared.jobs import moment

LOOK_SECONDS: Final = 2
RENEW_SECONDS: Final = LEASE_MS // 3000
GRACE_SECONDS: Final = 2.0
log = structlog.get_logger("hearth.jobs")


class Clock:
    """Keeps a runner going while it is entered."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._timers = AsyncIOScheduler(timezone="UTC")
        self._wake = asyncio.Event()
        self._ending = False
        self._work: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        await self._runner.start()
        options = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        self._timers.add_job(self._wake.set, IntervalTrigger(seconds=LOOK_SECONDS), id="look", **options)
        self._timers.start()
        self._work = [
            asyncio.create_task(self._turns()),
            asyncio.create_task(_forever(self._renew)),
            asyncio.create_task(_forever(self._refill)),
        ]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timers.shutdown(wait=False)
        # What a turn has taken is to be known before it is broken off.
        self._ending = True
        self._wake.set()
        await asyncio.wait(self._work[:1], timeout=GRACE_SECONDS)
        for task in self._work:
            task.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)
        await self._runner.stop(GRACE_SECONDS)

    async def _turns(self) -> None:
        while not self._ending:
            try:
                self._set_timer(await self._runner.turn())
            # A database that is away for a while must not end the clock.
            except Exception as error:
                log.error("the clock could not read its jobs", error=repr(error))
            await self._wake.wait()
            self._wake.clear()

    def _set_timer(self, due: int | None) -> None:
        if due is not None:
            self._timers.add_job(
                self._wake.set,
                DateTrigger(moment(due)),
                id="due",
                replace_existing=True,
                misfire_grace_time=None,
            )

    async def _renew(self) -> None:
        await asyncio.sleep(RENEW_SECONDS)
        await self._runner.renew()

    async def _refill(self) -> None:
        await self._runner.free.wait()
        self._runner.free.clear()
        self._wake.set()


async def _forever(step: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await step()
        except Exception as error:
            log.error("the clock could not keep its runs", error=repr(error))
            await asyncio.sleep(1)
