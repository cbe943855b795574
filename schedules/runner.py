"""Runs what the ledger holds: claims, leases, time limits, retries with back-off, and a word where a job failed."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import structlog

from schedules.ledger import Claim, Ledger
from shared.errors import DeadlineExceeded, Fault, HearthError, Refusal
from shared.jobs import State
from shared.plugin import Job
from shared.redaction import Redactor

SLOTS: Final = 4
"""Runs that one bot has under way at once."""
SHORT: Final = timedelta(minutes=10)
"""Jobs with a longer time limit are long: one slot is never theirs, so that no post is late for hours of training."""
LONGEST_BACKOFF: Final = timedelta(hours=6)
PATIENCE_MS: Final = 60_000
WRITING_SECONDS: Final = (1.0, 2.0, 4.0, 8.0, 15.0, *(30.0,) * 20)
"""How long to wait between tries to write down how a run ended: ten minutes in all."""
log = structlog.get_logger("hearth.jobs")

Known = Mapping[tuple[str, str], Job]
"""Declared jobs by plugin and name."""


class Lost(Fault):
    """The bot that ran a job was killed, or lost its database for long."""


@dataclass(frozen=True)
class Ending:
    """How an attempt ended; "waiting": it is tried again at `at_ms`. `error` is what to tell, where it failed."""

    state: State
    note: str = ""
    error_id: str | None = None
    error: BaseException | None = None
    at_ms: int = 0


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
    _running: dict[int, tuple[Claim, asyncio.Task[None]]] = field(default_factory=dict)
    _telling: set[asyncio.Task[None]] = field(default_factory=set)
    free: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a run has ended: another may be taken."""

    async def start(self) -> None:
        """Deal with what an earlier life of this bot left under way, and with a clock that was put right."""
        await self.ledger.realign()
        await self._bury(await self.ledger.lost(starting=True))

    async def turn(self) -> int | None:
        """Write down what is due, and take of it what there is room for; returns when something is due next."""
        look = await self.ledger.look(self._running)
        if not look.anything:
            return look.next_ms
        await self.ledger.advance()
        await self._bury(await self.ledger.lost(held=self._running))
        await self._fill()
        return await self.ledger.next_due()

    async def _fill(self) -> None:
        """Take runs into the free slots, the oldest first, but long ones into all slots but one at most."""
        known = self.known()
        short = {key for key, job in known.items() if job.timeout <= SHORT}
        while (room := self.slots - len(self._running)) > 0:
            keys = [(claim.entry.plugin, claim.entry.name) for claim, _ in self._running.values()]
            # What is not known any more ends soon.
            long = sum(key in known and key not in short for key in keys)
            long_room = max(1, self.slots - 1) - long
            wanted, kinds = (min(room, long_room), known.keys()) if long_room > 0 else (room, short)
            claims = await self.ledger.take(wanted, kinds) if kinds else []
            for claim in claims:
                self._running[claim.run.id] = claim, asyncio.create_task(self._see_to(claim))
            if len(claims) < wanted:
                return

    async def renew(self) -> None:
        """Lengthen the leases of what is under way; what another bot has taken meanwhile is stopped here."""
        mine = list(self._running.values())
        if not mine:
            return
        held = await self.ledger.renew(claim.run for claim, _ in mine)
        for claim, task in mine:
            if claim.run.id not in held:
                task.cancel()

    async def idle(self) -> None:
        """Wait until nothing is under way."""
        while tasks := self._tasks():
            await asyncio.wait(tasks)

    async def stop(self, grace: float) -> None:
        """Give what is under way some seconds, then break it off; it is tried again by the next start."""
        if tasks := self._tasks():
            _, late = await asyncio.wait(tasks, timeout=grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _tasks(self) -> list[asyncio.Task[None]]:
        return [*(task for _, task in self._running.values()), *self._telling]

    async def _see_to(self, claim: Claim) -> None:
        loop = asyncio.get_running_loop()
        began, state, ending = loop.time(), "lost", None
        try:
            try:
                ending = await self._attempt(claim)
                news = await self._write(claim, ending)
            except asyncio.CancelledError:
                # Stopped, not failed: whoever starts next goes on with it. But what had ended has.
                if ending is not None:
                    await self._write_once(claim, ending)
                else:
                    why = "broken off when the bot stopped"
                    await self.ledger.try_again(claim, self.ledger.now(), why, counts=False)
                raise
            state = ending.state
            if news and ending.error is not None:
                await self._say(claim, ending.error, ending.error_id)
        # The database may be away: the lease runs out, and the run is found again.
        except Exception as error:
            log.error("run lost", job=name_of(claim), exc_info=error)
        finally:
            if (held := self._running.get(claim.run.id)) is not None and held[0] is claim:
                del self._running[claim.run.id]
            self.ended(claim, state, loop.time() - began)
            self.free.set()

    async def _attempt(self, claim: Claim) -> Ending:
        job = self.known().get((claim.entry.plugin, claim.entry.name))
        if job is None:
            return Ending("waiting", "its plugin is not here", at_ms=self.ledger.now() + PATIENCE_MS)
        if claim.entry.broken:
            return self._failed(claim, job, claim.entry.broken)
        if reason := self.off(claim):
            return Ending("skipped", reason)
        task = asyncio.current_task()
        assert task is not None, "a coroutine runs in one"
        try:
            async with asyncio.timeout(job.timeout.total_seconds()) as limit:
                await self.work(claim, job)
        except asyncio.CancelledError as error:
            # Nobody cancelled this run: the job waited for something that was.
            if task.cancelling():
                raise
            return self._failed(claim, job, error)
        # A job may raise anything, and must stop neither the others nor the bot.
        except (Exception, SystemExit) as error:
            if isinstance(error, TimeoutError) and limit.expired():
                said = "That took longer than {seconds:g} s, so it was stopped."
                return self._failed(claim, job, DeadlineExceeded(said, seconds=job.timeout.total_seconds()))
            return self._failed(claim, job, error)
        log.info("job done", job=name_of(claim), attempt=claim.run.attempt)
        return Ending("done")

    def _failed(self, claim: Claim, job: Job, error: BaseException) -> Ending:
        attempt, error_id = claim.run.attempt, self.explain(error, claim)
        note = str(error) if isinstance(error, HearthError) else f"{type(error).__name__}: {error}"
        note = " ".join(note.split())
        note = Redactor.here().text(note)[:500]
        about = {"job": name_of(claim), "attempt": attempt, "error_id": error_id, "note": note}
        if attempt <= job.retries and not isinstance(error, Refusal):
            # Twenty times as much again is longer than the longest, and no more than a timedelta holds.
            wait = min(job.backoff * 2 ** min(attempt - 1, 20), LONGEST_BACKOFF)
            log.warning("job failed, is tried again", **about)
            at = self.ledger.now() + int(wait.total_seconds() * 1000)
            return Ending("waiting", note, error_id, at_ms=at)
        log.error("job failed", **about)
        return Ending("failed", note, error_id, error)

    async def _write(self, claim: Claim, ending: Ending) -> bool:
        """Write down how a run ended, though the database be away for a while: it must not run again for that."""
        for wait in WRITING_SECONDS:
            try:
                return await self._write_once(claim, ending)
            # Whatever a driver raises means the same here.
            except Exception as error:
                log.warning("run not written down yet", job=name_of(claim), error=repr(error))
                await asyncio.sleep(wait)
        return await self._write_once(claim, ending)

    async def _write_once(self, claim: Claim, ending: Ending) -> bool:
        if ending.state == "waiting":
            await self.ledger.try_again(claim, ending.at_ms, ending.note, ending.error_id)
            return False
        return await self.ledger.end(claim, ending.state, ending.note, ending.error_id)

    async def _say(self, claim: Claim, error: BaseException, error_id: str | None) -> None:
        """Tell a job's channel that it failed; where that cannot be, the next failure is told."""
        if self.tell is None:
            return
        try:
            await self.tell(claim, error, error_id)
        except asyncio.CancelledError:
            await self.ledger.untold(claim)
            raise
        # The ledger has it; a channel that is gone must not make it worse.
        except Exception as untold:
            log.warning("failure not told", job=name_of(claim), error=repr(untold))
            await self.ledger.untold(claim)

    async def _bury(self, claims: list[Claim]) -> None:
        """See to runs whose bot was killed, or lost its database: by the job's rule they are tried again, or failed."""
        for claim in claims:
            job = self.known().get((claim.entry.plugin, claim.entry.name))
            if job is None:
                why, at = "its plugin is not here", self.ledger.now() + PATIENCE_MS
                await self.ledger.try_again(claim, at, why)
                continue
            error = Lost("The bot that ran it was gone.")
            ending = self._failed(claim, job, error)
            if await self._write_once(claim, ending):
                # Not waited for: the clock starts before the bot is on Discord.
                task = asyncio.create_task(self._say(claim, error, ending.error_id))
                self._telling.add(task)
                task.add_done_callback(self._telling.discard)


def name_of(claim: Claim) -> str:
    """Name a job for the log."""
    return f"{claim.entry.plugin}/{claim.entry.name}#{claim.entry.id}"
