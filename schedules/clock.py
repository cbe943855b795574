"""The clock: APScheduler's timers over the declared jobs. A job that fails is logged and runs again next time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from shared.context import JobContext
from shared.plugin import Job

LATE_SECONDS: Final = 3600
log = structlog.get_logger("hearth.jobs")


@dataclass(frozen=True)
class Scheduled:
    """A job, whose it is, and how to make the context of one run."""

    owner: str
    job: Job
    context: Callable[[], JobContext]


class Clock:
    """Runs jobs at their times while it is entered."""

    def __init__(self, jobs: Sequence[Scheduled]) -> None:
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        for each in jobs:
            self._scheduler.add_job(
                _run,
                trigger(each.job),
                args=(each,),
                id=f"{each.owner}/{each.job.name}",
                coalesce=True,
                max_instances=1,
                misfire_grace_time=LATE_SECONDS,
            )

    async def __aenter__(self) -> Self:
        self._scheduler.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._scheduler.shutdown(wait=False)


def trigger(job: Job) -> CronTrigger | IntervalTrigger:
    """Make APScheduler's trigger of a job. Raises `ValueError` where its schedule makes no sense."""
    if (job.every is None) == (job.cron is None):
        raise ValueError(f"job {job.name} needs either `every` or `cron`")
    if job.cron is not None:
        return CronTrigger.from_crontab(job.cron, timezone=job.time_zone)
    assert job.every is not None, "checked above"
    return IntervalTrigger(seconds=max(1, int(job.every.total_seconds())), timezone=job.time_zone)


async def _run(scheduled: Scheduled) -> None:
    name = f"{scheduled.owner}/{scheduled.job.name}"
    try:
        await scheduled.job.run(scheduled.context())
        log.info("job done", job=name)
    # A job may raise anything, and must not stop the clock.
    except Exception as error:
        log.error("job failed", job=name, exc_info=error)
