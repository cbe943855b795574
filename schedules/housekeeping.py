"""Removes what has had its time: buttons that are too old, requests that nobody waits for, full quota buckets."""

from datetime import timedelta
from typing import Final

from sqlalchemy import delete

from shared.context import JobContext
from shared.database import now_ms
from shared.plugin import Job
from shared.tables import button, pending, quota

DAY_MS: Final = 86_400_000


async def sweep(ctx: JobContext) -> None:
    """Delete expired rows of the core's tables."""
    now = now_ms()
    async with ctx.database.begin() as connection:
        await connection.execute(delete(button).where(button.c.expires_ms < now))
        await connection.execute(delete(pending).where(pending.c.created_ms < now - DAY_MS))
        # A bucket that nobody touched for a day is full again, as if it had never been.
        await connection.execute(delete(quota).where(quota.c.updated_ms < now - DAY_MS))


HOUSEKEEPING: Final = (Job(name="sweep", run=sweep, every=timedelta(hours=1)),)
