"""Check of what runs on a schedule: jobs that fail, and runs that nobody takes."""

from typing import Final

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.doctor.finding import Finding
from shared.database import now_ms
from shared.tables import job, job_run

LATE_MS: Final = 15 * 60 * 1000
"""Longer than a bot that runs leaves anything."""
NAMED: Final = 3


async def jobs(connection: AsyncConnection) -> Finding:
    """Name the jobs whose last run failed, and those whose time is over."""
    ended = job_run.c.state.in_(("done", "failed"))
    last = (
        select(job_run.c.job_id, func.max(job_run.c.due_ms).label("due_ms"))
        .where(ended)
        .group_by(job_run.c.job_id)
        .subquery()
    )
    failing = (
        select(job.c.id, job.c.plugin, job.c.name)
        .join(last, last.c.job_id == job.c.id)
        .join(job_run, and_(job_run.c.job_id == job.c.id, job_run.c.due_ms == last.c.due_ms))
        .where(job_run.c.state == "failed", job.c.paused.is_(False))
        .order_by(job.c.id)
    )
    bound = now_ms() - LATE_MS
    open_runs = and_(job_run.c.state.in_(("waiting", "running")), job_run.c.until_ms < bound)
    late = (
        select(job.c.id, job.c.plugin, job.c.name)
        .where(
            job.c.paused.is_(False),
            or_(
                job.c.next_ms < bound,
                job.c.id.in_(select(job_run.c.job_id).where(open_runs)),
            ),
        )
        .order_by(job.c.id)
    )
    failed = (await connection.execute(failing)).all()
    overdue = (await connection.execute(late)).all()
    if failed:
        seen = f"{len(failed)} failed when last run: {_named(failed)}"
        return Finding("jobs", "warning", seen, f"hearth jobs history {failed[0].id}")
    if overdue:
        seen = f"{len(overdue)} are due for over 15 min: {_named(overdue)}"
        return Finding(
            "jobs", "warning", seen, "Does a bot run, and is it in the job's server? hearth jobs list"
        )
    count = (await connection.execute(select(func.count()).select_from(job))).scalar_one()
    return Finding("jobs", "ok", f"{count}, none fails or is late")


def _named(rows: object) -> str:
    found = list(rows)  # type: ignore[call-overload]
    names = [f"{row.plugin}/{row.name} (number {row.id})" for row in found[:NAMED]]
    return ", ".join(names) + (" …" if len(found) > NAMED else "")
