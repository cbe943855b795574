"""The job that makes backups by itself, in a process of its own, and removes those that have had their time.

Where it fails at last, the history of the job and the log say why, a metric counts it, and the operator's news channel
hears of it.
"""

import asyncio
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
import structlog

from shared.backup import PART, back_up
from shared.context import JobContext
from shared.durable import locked
from shared.errors import HearthError, Refusal
from shared.jobs import Jobs
from shared.model import Progress
from shared.plugin import Job
from shared.reply import Reply
from shared.schedule import Schedule
from shared.settings import Settings

NAME: Final = re.compile(r"hearth-(\d{8}T\d{6})Z\.zip")
LOCK: Final = ".lock"
RETRIES: Final = 2
log = structlog.get_logger("hearth.backup")


class Order(msgspec.Struct):
    """What to back up, where to, and what to keep there."""

    database: str
    data_dir: str
    folder: str
    days: int
    weeks: int


class Done(msgspec.Struct):
    """The backup that was made, what was left out of it, and the older ones that were removed."""

    name: str
    size: int
    rows: int
    left_out: list[str]
    removed: list[str]


async def run(ctx: JobContext) -> None:
    """Make a backup in the folder that is set."""
    settings: Settings = ctx.settings
    if settings.backup_folder is None:
        raise Refusal("HEARTH_BACKUP_FOLDER is not set.")
    order = Order(
        database=settings.database,
        data_dir=str(settings.data_dir.absolute()),
        folder=str(settings.backup_folder.absolute()),
        days=settings.backup_days,
        weeks=settings.backup_weeks,
    )
    try:
        done = await ctx.labour(make, order)
    except (HearthError, OSError) as error:
        if ctx.attempt > RETRIES or isinstance(error, Refusal):
            await _tell(ctx, settings)
        raise
    log.info("backup made", **msgspec.structs.asdict(done))


def make(order: Order, progress: Progress) -> Done:
    """Make a backup, and remove those that have had their time; runs in a process of its own."""
    folder = Path(order.folder)
    folder.mkdir(parents=True, exist_ok=True)
    settings = Settings(database_url=order.database, data_dir=Path(order.data_dir))
    with locked(folder / LOCK):
        # Of a process that was killed: whoever makes one here holds the lock, which we have.
        for path in folder.glob(f".hearth-*{PART}"):
            path.unlink()
        now = datetime.now(UTC)
        made = asyncio.run(back_up(settings, folder / f"hearth-{now:%Y%m%dT%H%M%S}Z.zip", progress=progress))
        names = [path.name for path in folder.iterdir() if path.is_file()]
        old = superfluous(names, order.days, order.weeks)
        for name in old:
            (folder / name).unlink(missing_ok=True)
    return Done(made.path.name, made.size, made.manifest.rows, made.left_out[:20], old)


def superfluous(names: Iterable[str], days: int, weeks: int) -> list[str]:
    """Return which of the backups are not kept, oldest first; files of other names are nobody's business.

    Kept is the last of each of the last `days` days that have one, the last of each of the last `weeks` weeks that have
    one (Monday to Sunday, UTC), and so always the newest.
    """
    found: dict[datetime, str] = {}
    for name in names:
        if (match := NAME.fullmatch(name)) is not None:
            with suppress(ValueError):
                found[datetime.strptime(match[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)] = name
    by_day: dict[object, datetime] = {}
    by_week: dict[object, datetime] = {}
    for at in sorted(found):
        by_day[at.date()] = at
        by_week[at.isocalendar()[:2]] = at
    last_weeks = list(by_week.values())[-weeks:] if weeks else []
    kept = {*list(by_day.values())[-days:], *last_weeks}
    return [found[at] for at in sorted(found) if at not in kept]


async def declare(jobs: Jobs, settings: Settings) -> None:
    """Write the job as a row, where a folder is set; remove it where this bot wrote it, and none is set any more."""
    mine = {"by": settings.instance}
    if settings.backup_folder is not None:
        schedule = Schedule(cron=settings.backup_cron)
        await jobs.declare("core", BACKUP.name, schedule, BACKUP.misfire, arguments=mine)
        return
    for entry in await jobs.find("core", BACKUP.name):
        if entry.arguments == mine:
            await jobs.remove(entry.id)


async def _tell(ctx: JobContext, settings: Settings) -> None:
    if settings.news_channel is None:
        return
    there = replace(ctx, locale=settings.news_locale)
    text = there.text(
        "⚠️ The backup failed. The log says why, and so does the history of the job core/backup."
    )
    # A channel that is gone must not hide what went wrong.
    with suppress(Refusal):
        await there.post(Reply(text=text, tone="bad"), settings.news_channel)


BACKUP: Final = Job(
    name="backup",
    run=run,
    summary="Back up the database, the models and the plugins' files",
    misfire="once",
    retries=RETRIES,
    backoff=timedelta(minutes=5),
    timeout=timedelta(hours=6),
)
