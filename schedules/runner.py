"""Runs what the ledger holds: claims, leases, time limits, retries with back-off, and a word where a job failed."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import structlog

from schedules.ledger import Claim, Ledger
from shared.errors import DeadlineExceeded, Fault, HearthError, Refusal
from shared.plugin import Job

SLOTS: Final = 4
"""Runs that one bot has under way at once."""
LONGEST_BACKOFF: Final = timedelta(hours=6)
PATIENCE_MS: Final = 60_000
log = structlog.get_logger("hearth.jobs")

Known = Mapping[tuple[str, str], Job]
"""Declared jobs by plugin and name."""


class Lost(Fault):
    """The bot that ran a job was killed, or lost its database for long."""


@dataclass
class Runner:
    """Takes due runs and sees each to its end.

    `known` returns the declared jobs of this process; `work` makes one attempt; `off` says why a job must not run now,
    if so; `explain` logs an error and returns its id, where it is our fault; `tell` says in a job's channel that it
    failed.
    """

    ledger: Ledger
    known: Callable[[], Known]
    work: Callable[[Claim, Job], Awaitable[None]]
    off: Callable[[Claim], str | None] = lambda _claim: None
    explain: Callable[[BaseException, Claim], str | None] = lambda _error, _claim: None
    tell: Callable[[Claim, BaseException, str | None], Awaitable[None]] | None = None
    slots: int = SLOTS
    ended: Callable[[Claim, str, float], None] = lambda _claim, _state, _seconds: None
    _running: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    free: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a run has ended: another may be taken."""

    async def start(self) -> None:
        """Deal with what an earlier life of this bot left under way."""
        await self._bury(await self.ledger.lost(starting=True))

    async def turn(self) -> None:
        """Write down what is due, and take of it what there is room for."""
        await self.ledger.advance()
        await self._bury(await self.ledger.lost(held=self._running))
        if (room := self.slots - len(self._running)) > 0:
            for claim in await self.ledger.take(room, self.known().keys()):
                task = asyncio.create_task(self._see_to(claim))
                self._running[claim.run.id] = task

    async def renew(self) -> None:
        """Lengthen the leases of what is under way; what another bot has taken meanwhile is stopped here."""
        mine = list(self._running)
        if not mine:
            return
        held = await self.ledger.renew(mine)
        for id in mine:
            if id not in held and (task := self._running.get(id)) is not None:
                task.cancel()

    async def idle(self) -> None:
        """Wait until nothing is under way."""
        while self._running:
            await asyncio.wait(list(self._running.values()))

    async def stop(self, grace: float) -> None:
        """Give what is under way some seconds, then break it off; it is tried again by the next start."""
        if self._running:
            await asyncio.wait(list(self._running.values()), timeout=grace)
        for task in list(self._running.values()):
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def _see_to(self, claim: Claim) -> None:
        loop = asyncio.get_running_loop()
        began, state = loop.time(), "lost"
        try:
            state = await self._attempt(claim)
        except asyncio.CancelledError:
            # Stopped, not failed: whoever starts next goes on with it.
            await self.ledger.try_again(claim, self.ledger.now(), "broken off when the bot stopped")
            raise
        # The database may be away: the lease runs out, and the run is found again.
        except Exception as error:
            log.error("run lost", job=name_of(claim), exc_info=error)
        finally:
            self._running.pop(claim.run.id, None)
            self.ended(claim, state, loop.time() - began)
            self.free.set()

    async def _attempt(self, claim: Claim) -> str:
        job = self.known().get((claim.entry.plugin, claim.entry.name))
        if job is None:
            await self.ledger.try_again(claim, self.ledger.now() + PATIENCE_MS, "its plugin is not here")
            return "waiting"
        if claim.entry.broken:
            return await self._failed(claim, job, claim.entry.broken)
        if reason := self.off(claim):
            await self.ledger.end(claim, "skipped", reason)
            return "skipped"
        try:
            async with asyncio.timeout(job.timeout.total_seconds()) as limit:
                await self.work(claim, job)
        # A job may raise anything, and must not stop the others.
        except Exception as error:
            if isinstance(error, TimeoutError) and limit.expired():
                error = DeadlineExceeded(
                    "That took longer than {seconds:g} s, so it was stopped.",
                    seconds=job.timeout.total_seconds(),
                )
            return await self._failed(claim, job, error)
        await self.ledger.end(claim, "done")
        log.info("job done", job=name_of(claim), attempt=claim.run.attempt)
        return "done"

    async def _failed(self, claim: Claim, job: Job, error: Exception) -> str:
        attempt, error_id = claim.run.attempt, self.explain(error, claim)
        note = str(error) if isinstance(error, HearthError) else f"{type(error).__name__}: {error}"
        note = " ".join(note.split())[:500]
        if attempt <= job.retries and not isinstance(error, Refusal):
            wait = min(job.backoff * 2 ** (attempt - 1), LONGEST_BACKOFF)
            at = self.ledger.now() + int(wait.total_seconds() * 1000)
            await self.ledger.try_again(claim, at, note, error_id)
            log.warning(
                "job failed, is tried again",
                job=name_of(claim),
                attempt=attempt,
                error_id=error_id,
                note=note,
            )
            return "waiting"
        log.error("job failed", job=name_of(claim), attempt=attempt, error_id=error_id, note=note)
        if await self.ledger.end(claim, "failed", note, error_id) and self.tell is not None:
            try:
                await self.tell(claim, error, error_id)
            # The ledger has it; a channel that is gone must not make it worse.
            except Exception as untold:
                log.warning("failure not told", job=name_of(claim), error=repr(untold))
        return "failed"

    async def _bury(self, claims: list[Claim]) -> None:
        """See to runs whose bot was killed, or lost its database: by the job's rule they are tried again, or failed."""
        for claim in claims:
            job = self.known().get((claim.entry.plugin, claim.entry.name))
            if job is None:
                await self.ledger.try_again(claim, self.ledger.now() + PATIENCE_MS, "its plugin is not here")
            else:
                await self._failed(claim, job, Lost("The bot that ran it was gone."))


def name_of(claim: Claim) -> str:
    """Name a job for the log."""
    return f"{claim.entry.plugin}/{claim.entry.name}#{claim.entry.id}"
