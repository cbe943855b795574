"""The clock runs declared jobs again and again, one that fails included; housekeeping removes what had its time."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from sqlalchemy import select

from schedules.clock import Clock, Scheduled, trigger
from schedules.housekeeping import DAY_MS, sweep
from shared.context import JobContext
from shared.database import Database, now_ms
from shared.migrate import migrate
from shared.plugin import Job
from shared.predictor import Predictor
from shared.tables import button, pending, quota


async def nothing(_context: JobContext) -> None:
    """Do nothing."""


@pytest_asyncio.fixture
async def context(tmp_path: Path) -> AsyncIterator[JobContext]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/test.db")
    await migrate(database)
    # No job here asks a model.
    yield JobContext("core", None, database, Predictor.__new__(Predictor))
    await database.close()


async def test_a_job_that_fails_is_run_again(context: JobContext) -> None:
    again = asyncio.Event()
    runs = []

    async def fail(given: JobContext) -> None:
        runs.append(given.plugin)
        if len(runs) == 2:
            again.set()
        raise RuntimeError("asked to fail")

    job = Job(name="failing", run=fail, every=timedelta(seconds=1))
    async with Clock([Scheduled("core", job, lambda: context)]), asyncio.timeout(10):
        await again.wait()
    assert runs[:2] == ["core", "core"]


def test_a_cron_line_is_read_in_its_time_zone() -> None:
    job = Job(name="daily", run=nothing, cron="30 14 * * *", time_zone="Asia/Taipei")
    fires = trigger(job).get_next_fire_time(None, datetime(2026, 3, 1, tzinfo=UTC))
    assert fires == datetime(2026, 3, 1, 14, 30, tzinfo=ZoneInfo("Asia/Taipei"))


@pytest.mark.parametrize(
    "job",
    [
        Job(name="never", run=nothing),
        Job(name="both", run=nothing, every=timedelta(hours=1), cron="0 0 * * *"),
        Job(name="odd", run=nothing, cron="61 * * * *"),
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused(job: Job) -> None:
    with pytest.raises(ValueError, match=r"."):
        trigger(job)


async def test_housekeeping_removes_what_had_its_time_and_nothing_else(context: JobContext) -> None:
    now = now_ms()
    old = now - 2 * DAY_MS
    press = {"user_id": 1, "plugin": "spam", "command": "mark", "arguments": "{}"}
    waits = {
        "user_id": 1, "application_id": 1, "token": "t", "locale": "en-US", "command": "spam score", "owner": "x"
    }  # fmt: skip
    full = {"tokens": 1.0, "burst": 1.0, "per_ms": 1.0}
    async with context.database.begin() as connection:
        await connection.execute(button.insert(), {"id": "old", "expires_ms": old, **press})
        await connection.execute(button.insert(), {"id": "new", "expires_ms": now + DAY_MS, **press})
        await connection.execute(pending.insert(), {"interaction_id": 1, "created_ms": old, **waits})
        await connection.execute(pending.insert(), {"interaction_id": 2, "created_ms": now, **waits})
        await connection.execute(quota.insert(), {"bucket": "person:1", "updated_ms": old, **full})
        await connection.execute(quota.insert(), {"bucket": "person:2", "updated_ms": now, **full})
    await sweep(context)
    async with context.database.begin() as connection:
        assert (await connection.execute(select(button.c.id))).scalars().all() == ["new"]
        assert (await connection.execute(select(pending.c.interaction_id))).scalars().all() == [2]
        assert (await connection.execute(select(quota.c.bucket))).scalars().all() == ["person:2"]
