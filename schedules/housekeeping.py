"""Removes what has had its time: old buttons, requests that nobody waits for, full quota buckets, old runs of jobs."""

from datetime import timedelta
from typing import Final

from sqlalchemy import delete, select

from shared.context import JobContext
from shared.database import now_ms
from shared.plugin import Job
from shared.tables import button, job_post, job_run, pending, quota

DAY_MS: Final = 86_400_000
KEPT_RUNS_MS: Final = 90 * DAY_MS
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
        await connection.execute(delete(job_post).where(job_post.c.run_id.in_(old)))
        await connection.execute(delete(job_run).where(job_run.c.id.in_(old)))


HOUSEKEEPING: Final = (
    Job(name="sweep", run=sweep, summary="Remove what has had its time", every=timedelta(hours=1)),
)
