"""Jobs as rows: what shall run, when, and what came of it. The clock that runs them is in `schedules`."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any, Final, Literal

from sqlalchemy import Connection, Row, delete, select, update

from shared.database import Database, now_ms
from shared.errors import BadInput, Refusal
from shared.schedule import LONGEST, Schedule
from shared.tables import job, job_post, job_run

Misfire = Literal["skip", "once", "all"]
"""What to do about due times that were missed: nothing, one run for all of them, or a run for each."""
State = Literal["waiting", "running", "done", "failed", "skipped"]
WHOLE_BOT: Final = 0
MOST: Final = 200
"""Jobs that one server may have."""
MAX_ARGUMENTS: Final = 16_000
ASKED: Final = "asked"
"""First line of the note of a run that somebody asked for, until it has ended."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One job. `guild_id` is 0 where it belongs to no server; `key` tells apart what a server has several of."""

    id: int
    plugin: str
    name: str
    guild_id: int
    key: str
    channel_id: int | None
    user_id: int | None
    locale: str
    arguments: Mapping[str, Any]
    schedule: Schedule
    misfire: Misfire
    paused: bool
    anchor_ms: int
    next_ms: int | None
    told: bool
    broken: BadInput | None = None
    """Why the row cannot be read, if so: it is shown and removed as any other, and runs once more to say it."""

    @property
    def anchor(self) -> datetime:
        """What intervals are counted from."""
        return moment(self.anchor_ms)


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of a job: when it was due, and what came of it. Times are milliseconds since 1970 UTC."""

    id: int
    job_id: int
    due_ms: int
    state: State
    attempt: int
    started_ms: int | None
    ended_ms: int | None
    error_id: str | None
    note: str

    @property
    def asked(self) -> bool:
        """Whether somebody asked for it."""
        return self.note.partition("\n")[0] == ASKED


class Jobs:
    """Reads and writes the rows. Nothing is run here, and the rows may be written by any process."""

    def __init__(self, database: Database, now: Callable[[], int] = now_ms) -> None:
        self._database, self._now = database, now

    async def put(
        self,
        plugin: str,
        name: str,
        schedule: Schedule,
        *,
        guild: int = WHOLE_BOT,
        key: str | None = "",
        channel: int | None = None,
        user: int | None = None,
        locale: str = "en-US",
        arguments: Mapping[str, Any] | None = None,
        misfire: Misfire = "once",
        keep_paused: bool = False,
    ) -> Entry:
        """Add a job; one of the same plugin, name, server and key is changed. Raises `BadInput`.

        `key` None: the first free number, so that none is changed. `keep_paused`: one that is paused stays so.
        """
        now = self._now()
        following = schedule.next(moment(now), moment(now))
        if following is None:
            raise BadInput("{schedule} never comes: no month has such a day.", schedule=str(schedule))
        written = json.dumps(dict(arguments or {}), ensure_ascii=False)
        if len(written) > MAX_ARGUMENTS:
            raise BadInput("That is more than a job can hold.")
        row = {
            "channel_id": channel,
            "user_id": user,
            "locale": locale,
            "arguments": written,
            "schedule": str(schedule),
            "time_zone": schedule.time_zone,
            "misfire": misfire,
            "paused": False,
            "anchor_ms": now,
            "next_ms": milliseconds(following),
            "told": False,
        }
        insert = self._database.insert(job).values(
            plugin=plugin, name=name, guild_id=guild, created_ms=now, **row
        )
        changed = {k: v for k, v in row.items() if not (keep_paused and k == "paused")}
        once = [job.c.plugin, job.c.name, job.c.guild_id, job.c.key]
        put = insert.on_conflict_do_update(index_elements=once, set_=changed).returning(job)
        add = insert.on_conflict_do_nothing().returning(job)

        def work(connection: Connection) -> Entry:
            if guild != WHOLE_BOT:
                others = (
                    select(job.c.plugin, job.c.name, job.c.key).where(job.c.guild_id == guild).limit(MOST + 1)
                )
                if len({*map(tuple, connection.execute(others).all()), (plugin, name, key)}) > MOST:
                    raise BadInput("This server has {count} jobs already: remove one first.", count=MOST)
            if key is not None:
                return entry_of(connection.execute(put.values(key=key)).one())
            for number in count(1):
                # Somebody else may add one at this moment.
                if (added := connection.execute(add.values(key=str(number))).one_or_none()) is not None:
                    return entry_of(added)
            raise AssertionError("numbers do not end")

        return await self._database.transact(work)

    async def declare(
        self,
        plugin: str,
        name: str,
        schedule: Schedule,
        misfire: Misfire,
        *,
        key: str = "",
        arguments: Mapping[str, Any] | None = None,
    ) -> None:
        """Make sure that a job of the whole bot is there as its plugin declares it; whether it is paused stays."""
        for entry in await self.find(plugin, name, guild=WHOLE_BOT, key=key):
            is_so = (entry.schedule, entry.misfire, entry.arguments) == (schedule, misfire, arguments or {})
            if is_so and not entry.broken:
                return
        await self.put(
            plugin, name, schedule, key=key, misfire=misfire, arguments=arguments, keep_paused=True
        )

    async def find(
        self,
        plugin: str | None = None,
        name: str | None = None,
        *,
        guild: int | None = None,
        key: str | None = None,
        id: int | None = None,
    ) -> list[Entry]:
        """Return the jobs that are all of what is given, oldest first."""
        wanted = [
            column == value
            for column, value in (
                (job.c.plugin, plugin), (job.c.name, name), (job.c.guild_id, guild), (job.c.key, key), (job.c.id, id)
            )
            if value is not None
        ]  # fmt: skip
        query = select(job).where(*wanted).order_by(job.c.id)
        return await self._database.transact(
            lambda connection: [entry_of(row) for row in connection.execute(query).all()]
        )

    async def pause(self, id: int, paused: bool) -> bool:
        """Pause a job, or have it go on from now: what was due meanwhile is not made up. Tells whether it is there."""

        def work(connection: Connection) -> bool:
            row = connection.execute(select(job).where(job.c.id == id)).one_or_none()
            if row is None:
                return False
            entry, changes = entry_of(row), {"paused": paused}
            if not paused and entry.broken:
                raise entry.broken
            if not paused and (entry.paused or entry.next_ms is None):
                following = entry.schedule.next(moment(self._now()), entry.anchor)
                changes["next_ms"] = milliseconds(following) if following else None  # type: ignore[assignment]
            connection.execute(update(job).where(job.c.id == id).values(**changes))
            return True

        return await self._database.transact(work)

    async def remove(self, id: int) -> bool:
        """Remove a job and what is known of its runs; one under way is broken off. Tells whether it was there."""

        def work(connection: Connection) -> bool:
            # The job first, as whoever writes down what is due locks it: else two would wait for each other.
            connection.execute(select(job.c.id).where(job.c.id == id).with_for_update()).close()
            runs = select(job_run.c.id).where(job_run.c.job_id == id)
            connection.execute(delete(job_post).where(job_post.c.run_id.in_(runs)))
            connection.execute(delete(job_run).where(job_run.c.job_id == id))
            return connection.execute(delete(job).where(job.c.id == id)).rowcount > 0

        return await self._database.transact(work)

    async def run_now(self, id: int) -> Run | None:
        """Have a job run once as soon as a bot has time, paused or not; None where there is no such job."""

        def work(connection: Connection) -> Run | None:
            if connection.execute(select(job.c.id).where(job.c.id == id)).one_or_none() is None:
                return None
            due = self._now()
            while True:
                row = {
                    "job_id": id,
                    "due_ms": due,
                    "state": "waiting",
                    "attempt": 0,
                    "until_ms": due,
                    "note": ASKED,
                }
                added = connection.execute(
                    self._database.insert(job_run).values(row).on_conflict_do_nothing().returning(job_run)
                ).one_or_none()
                if added is not None:
                    return run_of(added)
                due += 1

        return await self._database.transact(work)

    async def history(self, id: int, limit: int = 20) -> list[Run]:
        """Return a job's runs, the newest first."""
        query = select(job_run).where(job_run.c.job_id == id).order_by(job_run.c.due_ms.desc()).limit(limit)
        return await self._database.transact(
            lambda connection: [run_of(row) for row in connection.execute(query).all()]
        )

    async def run(self, id: int) -> Run | None:
        """Return one run by its id."""
        query = select(job_run).where(job_run.c.id == id)

        def work(connection: Connection) -> Run | None:
            row = connection.execute(query).one_or_none()
            return None if row is None else run_of(row)

        return await self._database.transact(work)


@dataclass(frozen=True)
class OwnJobs:
    """The jobs of one plugin, as its commands and jobs see them; in one server where somebody asks from there."""

    jobs: Jobs
    plugin: str
    guild: int | None
    user: int | None
    locale: str

    async def add(
        self,
        name: str,
        schedule: Schedule,
        *,
        key: str = "",
        channel: int | None = None,
        arguments: Mapping[str, Any] | None = None,
        misfire: Misfire = "once",
    ) -> Entry:
        """Have the plugin's job `name` run by `schedule`; one of the same server and key is changed.

        `arguments` are JSON values that the run is given. Raises `Refusal`, in direct messages too.
        """
        if self.guild is None:
            raise Refusal("This works in a server only.")
        return await self.jobs.put(
            self.plugin,
            name,
            schedule,
            guild=self.guild,
            key=key,
            channel=channel,
            user=self.user,
            locale=self.locale,
            arguments=arguments,
            misfire=misfire,
        )

    async def find(self, name: str, *, key: str | None = None, guild: int | None = None) -> list[Entry]:
        """Return the plugin's jobs `name` of this server (or of `guild`), oldest first."""
        if (there := self.guild if guild is None else guild) is None:
            return []
        return await self.jobs.find(self.plugin, name, guild=there, key=key)

    async def remove(self, id: int) -> bool:
        """Remove a job of this plugin and server; tells whether it was there."""
        return await self._is_own(id) and await self.jobs.remove(id)

    async def run_now(self, id: int) -> Run | None:
        """Have a job of this plugin and server run once, now."""
        return await self.jobs.run_now(id) if await self._is_own(id) else None

    async def _is_own(self, id: int) -> bool:
        return self.guild is not None and bool(await self.jobs.find(self.plugin, guild=self.guild, id=id))


def moment(at_ms: int) -> datetime:
    """Return the moment that the database keeps as `at_ms`."""
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def milliseconds(at: datetime) -> int:
    """Return a moment as the database keeps it."""
    return round(at.timestamp() * 1000)


def entry_of(row: Row[Any]) -> Entry:
    """Return the job that a row of `job` holds; one that cannot be read says so, and holds nobody else up."""
    values = dict(row._mapping)
    del values["created_ms"]
    zone = values.pop("time_zone")
    try:
        values["schedule"] = Schedule.read(values["schedule"], zone)
        values["arguments"] = dict(json.loads(values["arguments"]))
    # Time zones are renamed, and rows repaired by hand.
    except (BadInput, ValueError, TypeError, RecursionError) as error:
        unread = BadInput("What job number {number} is given cannot be read.", number=row.id)
        values["broken"] = error if isinstance(error, BadInput) else unread
        values["schedule"], values["arguments"] = Schedule(every=LONGEST), {}
    return Entry(**values)


def run_of(row: Row[Any]) -> Run:
    """Return the run that a row of `job_run` holds."""
    names = ("id", "job_id", "due_ms", "state", "attempt", "started_ms", "ended_ms", "error_id", "note")
    return Run(**{name: row._mapping[name] for name in names})
