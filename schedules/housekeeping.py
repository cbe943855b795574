"""Removes what has had its time: old buttons, requests nobody waits for, full quota buckets, old runs, old feedback."""

import asyncio
import os
from datetime import timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from schedules.retrain import FOLDER as RETRAIN_FOLDER
from shared.context import JobContext
from shared.database import now_ms
from shared.durable import hold
from shared.feedback import DAYS as FEEDBACK_DAYS
from shared.feedback import feedback_tables
from shared.plugin import Job
from shared.tables import button, job, job_post, job_run, pending, quota

DAY_MS: Final = 86_400_000
KEPT_RUNS_MS: Final = 90 * DAY_MS
KEPT_RUNS: Final = 1000
"""Ended runs of one job: a job of every minute has half a million a year."""
ENDED: Final = ("done", "failed", "skipped")


async def sweep(ctx: JobContext) -> None:
    """Delete expired rows of the core's tables."""
    now = now_ms()
    async with ctx.database.begin() as connection:
        await connection.execute(delete(button).where(button.c.expires_ms < now))
        await connection.execute(delete(pending).where(pending.c.created_ms < now - DAY_MS))
        # A bucket that nobody touched for a day is full again, as if it had never been.
        await connection.execute(delete(quota).where(quota.c.updated_ms < now - DAY_MS))
        old = select(job_run.c.id).where(job_run.c.due_ms < now - KEPT_RUNS_MS, job_run.c.state.in_(ENDED))
        await connection.execute(delete(job_run).where(job_run.c.id.in_(old)))
        await _thin(connection)
        # Of jobs that were removed while another bot wrote down what was due.
        gone = (job_run.c.job_id.not_in(select(job.c.id)), job_run.c.state != "running")
        await connection.execute(delete(job_run).where(*gone))
        await connection.execute(delete(job_post).where(job_post.c.run_id.not_in(select(job_run.c.id))))
        for table in await connection.run_sync(feedback_tables):
            await connection.execute(delete(table).where(table.c.created_ms < now - FEEDBACK_DAYS * DAY_MS))
    await asyncio.to_thread(_remove_joined, ctx.folder / RETRAIN_FOLDER)


def _remove_joined(folder: Path) -> None:
    """Remove data files of trainings that were killed: they hold what people wrote."""
    if (held := hold(folder)) is None:
        # A training is under way, or there has been none.
        return
    try:
        for path in folder.glob("*.csv"):
            path.unlink(missing_ok=True)
    finally:
        os.close(held)


async def _thin(connection: AsyncConnection) -> None:
    """Keep the newest runs of each job."""
    ended = job_run.c.state.in_(ENDED)
    many = select(job_run.c.job_id).where(ended).group_by(job_run.c.job_id).having(func.count() > KEPT_RUNS)
    for id in (await connection.execute(many)).scalars().all():
        own = (job_run.c.job_id == id, ended)
        newest = select(job_run.c.due_ms).where(*own).order_by(job_run.c.due_ms.desc())
        last = (await connection.execute(newest.offset(KEPT_RUNS).limit(1))).scalar()
        await connection.execute(delete(job_run).where(*own, job_run.c.due_ms <= last))


HOUSEKEEPING: Final = (
    Job(name="sweep", run=sweep, summary="Remove what has had its time", every=timedelta(hours=1)),
)
