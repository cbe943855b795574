"""The ledger of runs: each due time of each job is taken once, by whichever bot on the database comes first.

A due time becomes a row by INSERT … ON CONFLICT DO NOTHING, in the transaction that moves the job on. A bot takes a
waiting row by changing it from "waiting" to "running" with a lease, which it renews; what a killed bot held is found
when its lease has run out, or when the same bot starts again.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from sqlalchemy import Connection, and_, bindparam, delete, exists, not_, or_, select, update
from sqlalchemy.sql import ColumnElement

from shared.database import Database, now_ms
from shared.jobs import ASKED, WHOLE_BOT, Entry, Run, entry_of, milliseconds, moment, run_of
from shared.tables import job, job_run

BATCH: Final = 200
"""Jobs that one transaction moves on."""
RUNS: Final = 1000
"""Runs that one statement changes."""
MOST_AT_ONCE: Final = 500
"""Missed due times of one job that one transaction writes down; more follow in the next."""
GRACE: Final = timedelta(minutes=1)
"""How late a due time may be noticed without counting as missed."""
LATEST: Final = timedelta(minutes=15)
"""How late a run may begin that was noticed in time, where missed ones are skipped."""
FAR: Final = timedelta(days=1)
LEASE_MS: Final = 30_000
OPEN: Final = ("waiting", "running")


@dataclass(frozen=True)
class Claim:
    """A run that this bot holds, and the job it is of."""

    run: Run
    entry: Entry


@dataclass(frozen=True)
class Look:
    """Whether there is anything to see to now, and the next moment in the future at which something is due."""

    anything: bool
    next_ms: int | None


class Ledger:
    """One bot's hand in the ledger. `instance` names the bot, over its restarts; `life` this start of it.

    `guilds` returns the servers that the bot is in, or None for any.
    """

    def __init__(
        self,
        database: Database,
        *,
        instance: str,
        life: str,
        guilds: Callable[[], Collection[int] | None] = lambda: None,
        now: Callable[[], int] = now_ms,
        lease_ms: int = LEASE_MS,
    ) -> None:
        self._database, self._guilds, self.now, self._lease_ms = database, guilds, now, lease_ms
        self._instance, self._owner = f"{instance}/", f"{instance}/{life}"[:100]

    async def realign(self) -> None:
        """Bring back jobs that were moved on by a clock that ran far ahead, and was put right since."""

        def work(connection: Connection) -> None:
            now = self.now()
            ahead = job.c.next_ms > now + FAR // timedelta(milliseconds=1)
            for row in connection.execute(select(job).where(ahead, job.c.paused.is_(False))).all():
                entry = entry_of(row)
                anchor = min(entry.anchor_ms, now)
                following = entry.schedule.next(moment(now), moment(anchor))
                if entry.broken or following is None or milliseconds(following) >= row.next_ms:
                    continue
                moved = {"next_ms": milliseconds(following), "anchor_ms": anchor}
                connection.execute(update(job).where(job.c.id == row.id).values(moved))

        await self._database.transact(work)

    async def advance(self) -> int:
        """Write down what is due, and move the jobs on to their next times; returns how many jobs were due."""
        moved = 0
        while (batch := await self._database.transact(self._advance)) > 0:
            moved += batch
        return moved

    async def look(self, held: Collection[int] = ()) -> Look:
        """Look in one cheap read whether there is anything to see to; `held` as for `lost`.

        What is waiting for another bot, or for a free slot of this one, counts too.
        """
        now = self.now()
        waiting, coming = job_run.c.state == "waiting", job.c.paused.is_(False)
        busy = or_(
            exists().where(coming, job.c.next_ms <= now),
            exists().where(waiting, job_run.c.until_ms <= now),
            exists().where(job_run.c.state == "running", _left(now, held)),
        )
        times = [
            select(at).where(still, at > now).order_by(at).limit(1).scalar_subquery()
            for at, still in ((job_run.c.until_ms, waiting), (job.c.next_ms, coming))
        ]
        anything, *found = await self._database.transact(lambda c: c.execute(select(busy, *times)).one())
        return Look(bool(anything), min((at for at in found if at is not None), default=None))

    async def next_due(self) -> int | None:
        """Return the next moment in the future at which something is due, as far as the rows say."""
        return (await self.look()).next_ms

    async def take(self, count: int, known: Collection[tuple[str, str]]) -> list[Claim]:
        """Take up to `count` runs that are due, of the jobs (plugin, name) `known`, the oldest first."""

        def work(connection: Connection) -> list[Claim]:
            now, claims = self.now(), []
            self._skip_late(connection, now)
            other, first = job_run.alias(), job_run.alias()
            # One run of a job at a time, the oldest first.
            busy = exists().where(and_(other.c.job_id == job_run.c.job_id, other.c.state == "running"))
            behind = exists().where(
                first.c.job_id == job_run.c.job_id,
                first.c.due_ms < job_run.c.due_ms,
                first.c.state == "waiting",
                first.c.until_ms <= now,
            )
            due = (
                select(job_run.c.id, job_run.c.job_id)
                .join(job, job.c.id == job_run.c.job_id)
                .where(job_run.c.state == "waiting", job_run.c.until_ms <= now, ~busy, ~behind)
                # What another bot is about to skip is still to be seen as waiting.
                .where(self._mine(known), not_(_late(now)))
                .order_by(job_run.c.until_ms, job_run.c.id)
                .limit(count)
                .with_for_update(skip_locked=True, of=(job, job_run))
            )
            for id, job_id in connection.execute(due).all():
                taken = {
                    "state": "running",
                    "owner": self._owner,
                    "until_ms": now + self._lease_ms,
                    "started_ms": now,
                }
                claimed = connection.execute(
                    update(job_run)
                    # Asked again: another bot may have taken a run of this job while this one waited for the lock.
                    .where(job_run.c.id == id, job_run.c.state == "waiting", ~busy)
                    .values(attempt=job_run.c.attempt + 1, **taken)
                    .returning(job_run)
                ).one_or_none()
                row = connection.execute(select(job).where(job.c.id == job_id)).one_or_none()
                if claimed is not None and row is not None:
                    claims.append(Claim(run_of(claimed), entry_of(row)))
            return claims

        return await self._database.transact(work)

    async def renew(self, runs: Iterable[Run]) -> set[int]:
        """Lengthen the leases of `runs`; returns the ids of those that this bot still holds."""
        dues = {run.id: run.due_ms for run in runs}
        held = (
            update(job_run)
            .where(job_run.c.id.in_(list(dues)), job_run.c.state == "running", job_run.c.owner == self._owner)
            .values(until_ms=self.now() + self._lease_ms)
            .returning(job_run.c.id, job_run.c.due_ms)
        )
        found = await self._database.transact(lambda connection: connection.execute(held).all())
        return {id for id, due_ms in found if dues[id] == due_ms}

    async def lost(self, *, held: Collection[int] = (), starting: bool = False) -> list[Claim]:
        """Return runs whose bot is gone: this one holds them now. `starting`: also what its earlier life held.

        `held` are those that this bot does have under way, whatever their leases say.
        """

        def work(connection: Connection) -> list[Claim]:
            now = self.now()
            gone = _left(now, held)
            if starting:
                earlier = and_(
                    job_run.c.owner.startswith(self._instance, autoescape=True),
                    job_run.c.owner != self._owner,
                )
                gone = or_(gone, earlier)
            taken = (
                update(job_run)
                .where(job_run.c.id.in_(_free(connection, and_(job_run.c.state == "running", gone))))
                .values(owner=self._owner, until_ms=now + self._lease_ms)
                .returning(job_run)
            )
            claims = []
            for row in connection.execute(taken).all():
                of = connection.execute(select(job).where(job.c.id == row.job_id)).one_or_none()
                if of is not None:
                    claims.append(Claim(run_of(row), entry_of(of)))
                else:
                    connection.execute(update(job_run).where(job_run.c.id == row.id).values(state="failed"))
            return claims

        return await self._database.transact(work)

    async def end(self, claim: Claim, state: str, note: str = "", error_id: str | None = None) -> bool:
        """Write down how a run ended; tells whether its job's channel is to hear that it failed."""

        def work(connection: Connection) -> bool:
            ended = {
                "state": state,
                "ended_ms": self.now(),
                "note": _writable(note),
                "error_id": error_id,
                "owner": None,
            }
            changed = connection.execute(update(job_run).where(self._held(claim)).values(**ended)).rowcount
            if changed == 0 or state == "skipped":
                return False
            failed = state == "failed"
            told = (
                update(job).where(job.c.id == claim.entry.id, job.c.told.is_(not failed)).values(told=failed)
            )
            return connection.execute(told).rowcount > 0 and failed

        return await self._database.transact(work)

    async def untold(self, claim: Claim) -> None:
        """Note that a job's channel could not be told, so that it is when the job fails again."""
        change = update(job).where(job.c.id == claim.entry.id).values(told=False)
        await self._database.transact(lambda connection: connection.execute(change).close())

    async def try_again(
        self, claim: Claim, at_ms: int, note: str, error_id: str | None = None, *, counts: bool = True
    ) -> None:
        """Give a run back, to be taken again at `at_ms`; where it is nobody's fault, the attempt does not count."""
        note = _writable(note)
        back = {
            "state": "waiting",
            "until_ms": at_ms,
            "owner": None,
            # Who asked for it is to have what was asked for at the next attempt, too.
            "note": f"{ASKED}\n{note}" if claim.run.asked else note,
            "error_id": error_id,
            "attempt": claim.run.attempt - (0 if counts else 1),
        }
        change = update(job_run).where(self._held(claim)).values(**back)
        await self._database.transact(lambda connection: connection.execute(change).close())

    def _held(self, claim: Claim) -> ColumnElement[bool]:
        # SQLite gives the numbers of removed runs again, to runs of other times.
        run = claim.run
        return and_(job_run.c.id == run.id, job_run.c.due_ms == run.due_ms, job_run.c.owner == self._owner)

    def _skip_late(self, connection: Connection, now: int) -> None:
        """Skip what was due in time and found no bot that could: its plugin, its server or a free slot were missing."""
        skipped = {"state": "skipped", "ended_ms": now, "note": "missed: no bot could run it then"}
        while ids := _free(connection, _late(now)):
            connection.execute(update(job_run).where(job_run.c.id.in_(ids)).values(skipped))

    def _mine(self, known: Collection[tuple[str, str]]) -> ColumnElement[bool]:
        guilds = self._guilds()
        kinds = or_(*(and_(job.c.plugin == plugin, job.c.name == name) for plugin, name in sorted(known)))
        if guilds is None:
            return kinds
        return and_(kinds, job.c.guild_id.in_([WHOLE_BOT, *guilds]))

    def _advance(self, connection: Connection) -> int:
        now = self.now()
        due = (
            select(job)
            .where(job.c.next_ms <= now, job.c.paused.is_(False))
            .order_by(job.c.next_ms)
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        )
        entries = [entry_of(row) for row in connection.execute(due).all()]
        runs, moves = [], []
        # One that was asked for by hand is in nobody's way: what is due comes after it.
        open_runs = select(job_run).where(
            job_run.c.job_id.in_([entry.id for entry in entries]),
            job_run.c.state.in_(OPEN),
            job_run.c.note != ASKED,
            job_run.c.note.not_like(f"{ASKED}\n%"),
        )
        busy, unbegun = set(), {}
        for row in connection.execute(open_runs).all():
            if row.started_ms is None:
                unbegun[row.job_id] = row
            else:
                busy.add(row.job_id)
        for entry in entries:
            if entry.broken:
                # It runs once, which tells why, and rests until it is changed or resumed.
                runs.append(_row(entry, moment(entry.next_ms or now)))
                moves.append({"moved": entry.id, "next_ms": None})
                continue
            in_the_way = entry.id in busy or (entry.misfire == "skip" and entry.id in unbegun)
            rows, until = _due(entry, moment(now), in_the_way)
            if entry.misfire == "once" and rows and (before := unbegun.get(entry.id)) is not None:
                # One run for all of them: the last takes the place of the one that nobody has begun.
                connection.execute(
                    delete(job_run).where(job_run.c.id == before.id, job_run.c.started_ms.is_(None))
                )
                rows = [row | {"until_ms": before.until_ms} for row in rows]
            runs += rows
            following = entry.schedule.next(until, entry.anchor)
            moves.append({"moved": entry.id, "next_ms": milliseconds(following) if following else None})
        if runs:
            # ON CONFLICT: by another bot, or asked for by hand at the very millisecond.
            connection.execute(self._database.insert(job_run).on_conflict_do_nothing(), runs)
        if moves:
            connection.execute(
                update(job).where(job.c.id == bindparam("moved")).values(next_ms=bindparam("next_ms")), moves
            )
        return len(entries)


def _late(now: int) -> ColumnElement[bool]:
    """Tell which runs nobody has begun in time, of jobs that skip such."""
    return and_(
        job_run.c.state == "waiting",
        job_run.c.until_ms < now - LATEST // timedelta(milliseconds=1),
        job_run.c.started_ms.is_(None),
        job_run.c.note != ASKED,
        job_run.c.job_id.in_(select(job.c.id).where(job.c.misfire == "skip")),
    )


def _left(now: int, held: Collection[int]) -> ColumnElement[bool]:
    """Tell which runs under way have no bot any more, but for those that this one holds."""
    return and_(job_run.c.until_ms < now, job_run.c.id.not_in(list(held)))


def _free(connection: Connection, which: ColumnElement[bool]) -> list[int]:
    """Return runs, `RUNS` at most, that are so and in no other bot's hands, and keep them in this one's.

    Two that change many rows, each in an order of its own, would wait for each other: so none waits for any.
    """
    query = select(job_run.c.id).where(which).order_by(job_run.c.id).limit(RUNS)
    return list(connection.execute(query.with_for_update(skip_locked=True)).scalars())


def _writable(note: str) -> str:
    """Leave out what a database does not take: zero bytes, and halves of surrogate pairs."""
    return note[:2000].replace("\0", "").encode(errors="replace").decode()


def _due(entry: Entry, now: datetime, busy: bool) -> tuple[list[dict[str, object]], datetime]:
    """Return the rows of what is due of a job by its misfire rule, and up to when that is all."""
    assert entry.next_ms is not None, "it is due"
    before = moment(entry.next_ms) - timedelta(milliseconds=1)
    if entry.misfire == "all":
        times = list(islice(entry.schedule.between(before, now, entry.anchor), MOST_AT_ONCE))
        return [_row(entry, at) for at in times], (times[-1] if len(times) == MOST_AT_ONCE else now)
    last = entry.schedule.last(before, now, entry.anchor)
    if last is None:
        # The schedule was changed since.
        return [], now
    if busy:
        return [_row(entry, last, skipped="the run before it had not ended")], now
    if entry.misfire == "skip" and now - last > GRACE:
        return [_row(entry, last, skipped="missed: no bot ran then")], now
    return [_row(entry, last)], now


def _row(entry: Entry, due: datetime, skipped: str = "") -> dict[str, object]:
    at = milliseconds(due)
    return {
        "job_id": entry.id,
        "due_ms": at,
        "state": "skipped" if skipped else "waiting",
        "attempt": 0,
        "until_ms": at,
        "note": skipped,
    }
