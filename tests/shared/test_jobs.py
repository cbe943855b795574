"""Rows of jobs: what is added, declared and changed, and stays as somebody left it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from shared.database import Database
from shared.jobs import Jobs
from shared.migrate import migrate
from shared.schedule import Schedule

DAILY = Schedule.read("9:00")


@pytest_asyncio.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/test.db")
    await migrate(database)
    yield database
    await database.close()


async def test_jobs_that_are_added_at_one_moment_stand_beside_each_other(database: Database) -> None:
    jobs = Jobs(database)
    added = await asyncio.gather(
        *(jobs.put("core", "say", DAILY, guild=7, key=None, arguments={"text": str(n)}) for n in range(5))
    )
    assert len({entry.id for entry in added}) == 5
    assert {entry.key for entry in added} == {"1", "2", "3", "4", "5"}
    await jobs.remove(added[1].id)
    assert (await jobs.put("core", "say", DAILY, guild=7, key=None)).key == added[1].key


async def test_what_a_plugin_declares_anew_is_changed_and_stays_paused(database: Database) -> None:
    jobs = Jobs(database)
    await jobs.declare("core", "sweep", DAILY, "once", arguments={"model": "a"})
    (entry,) = await jobs.find()
    await jobs.pause(entry.id, True)
    later = Schedule.read("every 2h")
    await jobs.declare("core", "sweep", later, "all", arguments={"model": "b"})
    (entry,) = await jobs.find()
    assert (entry.schedule, entry.misfire, entry.arguments) == (later, "all", {"model": "b"})
    assert entry.paused


async def test_what_is_declared_as_before_keeps_its_next_time(database: Database) -> None:
    at = 1_700_000_000_000
    for schedule in (Schedule(cron="0  9 * * MON"), Schedule(every=timedelta(hours=2))):
        await Jobs(database, lambda: at).declare("core", str(schedule), schedule, "once")
        (before,) = await Jobs(database).find("core", str(schedule))
        await Jobs(database, lambda: at + 10**9).declare("core", str(schedule), schedule, "once")
        assert await Jobs(database).find("core", str(schedule)) == [before]


def test_an_interval_that_a_row_could_not_keep_is_none() -> None:
    with pytest.raises(ValueError, match="whole minutes"):
        Schedule(every=timedelta(seconds=90))
