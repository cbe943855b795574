"""Housekeeping removes what had its time, and nothing else."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from sqlalchemy import select

from schedules.housekeeping import DAY_MS, KEPT_RUNS, KEPT_RUNS_MS, sweep
from shared.context import JobContext
from shared.database import Database, now_ms
from shared.jobs import Jobs
from shared.migrate import migrate
from shared.schedule import Schedule
from shared.tables import button, job_post, job_run, pending, quota
from tests.kit.jobs import job_context


@pytest_asyncio.fixture
async def context(tmp_path: Path) -> AsyncIterator[JobContext]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/test.db")
    await migrate(database)
    yield job_context("core", database, tmp_path)[0]
    await database.close()


async def test_housekeeping_removes_what_had_its_time_and_nothing_else(context: JobContext) -> None:
    now = now_ms()
    old = now - 2 * DAY_MS
    press = {"user_id": 1, "plugin": "spam", "command": "mark", "arguments": "{}"}
    waits = {
        "user_id": 1, "application_id": 1, "token": "t", "locale": "en-US", "command": "spam score", "owner": "x"
    }  # fmt: skip
    full = {"tokens": 1.0, "burst": 1.0, "per_ms": 1.0}
    await Jobs(context.database).put("core", "say", Schedule.read("9:00"))
    async with context.database.begin() as connection:
        await connection.execute(button.insert(), {"id": "old", "expires_ms": old, **press})
        await connection.execute(button.insert(), {"id": "new", "expires_ms": now + DAY_MS, **press})
        await connection.execute(pending.insert(), {"interaction_id": 1, "created_ms": old, **waits})
        await connection.execute(pending.insert(), {"interaction_id": 2, "created_ms": now, **waits})
        await connection.execute(quota.insert(), {"bucket": "person:1", "updated_ms": old, **full})
        await connection.execute(quota.insert(), {"bucket": "person:2", "updated_ms": now, **full})
        runs = [("done", 1), ("running", 1), ("done", KEPT_RUNS_MS), ("running", KEPT_RUNS_MS)]
        for id, (state, age) in enumerate(runs):
            row = {
                "job_id": 1,
                "due_ms": now - age - id,
                "state": state,
                "attempt": 1,
                "until_ms": 0,
                "note": "",
            }
            await connection.execute(job_run.insert(), {"id": id, **row})
            await connection.execute(
                job_post.insert(), {"run_id": id, "part": 0, "channel_id": 1, "begun_ms": 0}
            )
    await sweep(context)
    async with context.database.begin() as connection:
        assert (await connection.execute(select(button.c.id))).scalars().all() == ["new"]
        assert (await connection.execute(select(pending.c.interaction_id))).scalars().all() == [2]
        assert (await connection.execute(select(quota.c.bucket))).scalars().all() == ["person:2"]
        assert sorted((await connection.execute(select(job_run.c.id))).scalars().all()) == [0, 1, 3]
        assert sorted((await connection.execute(select(job_post.c.run_id))).scalars().all()) == [0, 1, 3]


async def test_of_many_runs_of_a_job_the_newest_are_kept(context: JobContext) -> None:
    jobs = Jobs(context.database)
    often, seldom = [await jobs.put("core", "say", Schedule.read("9:00"), key=key) for key in "12"]
    now = now_ms()
    same = {"state": "done", "attempt": 1, "until_ms": 0, "note": ""}
    rows = [
        {"job_id": id, "due_ms": now - n, **same}
        for id, count in ((often.id, KEPT_RUNS + 50), (seldom.id, 3), (999, 2))
        for n in range(count)
    ]
    async with context.database.begin() as connection:
        await connection.execute(job_run.insert(), rows)
        await connection.execute(
            job_post.insert(), {"run_id": KEPT_RUNS + 20, "part": 0, "channel_id": 1, "begun_ms": 0}
        )
    await sweep(context)
    kept = await jobs.history(often.id, 2 * KEPT_RUNS)
    assert [run.due_ms for run in kept] == [now - n for n in range(KEPT_RUNS)]
    assert len(await jobs.history(seldom.id)) == 3
    assert await jobs.history(999) == [], "its job is not there any more"
    async with context.database.begin() as connection:
        assert (await connection.execute(select(job_post.c.run_id))).scalars().all() == []
