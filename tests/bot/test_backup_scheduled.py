"""Backups that are made by themselves: when, which are kept, and who is told when one fails."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.labour import LabourFailed
from schedules.backup import BACKUP, NAME, RETRIES, declare, run, superfluous
from schedules.clock import LOOK_SECONDS
from shared.backup_archive import Archive
from shared.context import JobContext
from shared.database import Database
from shared.errors import Refusal
from shared.jobs import Jobs
from shared.migrate import migrate
from shared.restore import restore
from shared.settings import Settings
from tests.kit.house import house
from tests.kit.jobs import Hands, job_context

TIMES = st.lists(
    st.datetimes(datetime(2025, 12, 1), datetime(2026, 3, 1), timezones=st.just(UTC)), max_size=60
)


def name_of(at: datetime) -> str:
    return f"hearth-{at:%Y%m%dT%H%M%S}Z.zip"


def settings(folder: Path, **more: object) -> Settings:
    values = {"data_dir": folder / "data", "http_port": None, "backup_folder": folder / "backups", **more}
    return Settings(_env_file=None, **values)  # type: ignore[arg-type]


async def context(here: Settings) -> tuple[JobContext, Hands]:
    database = Database(here.database)
    await migrate(database)
    return job_context("core", database, here.data_dir, settings=here)


def test_the_last_of_each_of_the_last_days_and_weeks_is_kept() -> None:
    start = datetime(2026, 1, 1, 3, 30, tzinfo=UTC)
    names = [name_of(start + timedelta(hours=12 * n)) for n in range(120)]
    others = [
        "hearth.zip",
        "hearth-x.zip",
        ".hearth-20260101T033000Z.zip.ab.part",
        "hearth-20261301T000000Z.zip",
    ]
    gone = superfluous([*names, *others], 7, 4)
    kept = [name for name in names if name not in gone]
    # The afternoons of the last seven days, which end with a Sunday, and of the three Sundays before.
    days = [(2, 8), (2, 15), (2, 22), *((2, day) for day in range(23, 29)), (3, 1)]
    assert kept == [name_of(datetime(2026, month, day, 15, 30, tzinfo=UTC)) for month, day in days]
    assert not set(others) & set(gone)


@given(TIMES, st.integers(1, 10), st.integers(0, 6))
def test_the_newest_is_always_kept_and_no_more_than_was_asked_for(
    times: list[datetime], days: int, weeks: int
) -> None:
    names = {name_of(at) for at in times}
    gone = superfluous(names, days, weeks)
    kept = names - set(gone)
    assert gone == sorted(gone)
    assert len(kept) <= days + weeks
    assert not names or max(names) in kept
    # A second look removes no more.
    assert superfluous(kept, days, weeks) == []


async def test_a_run_makes_a_backup_and_sweeps_what_a_killed_one_left(tmp_path: Path) -> None:
    here = settings(tmp_path, backup_days=1, backup_weeks=0)
    ctx, _ = await context(here)
    folder = tmp_path / "backups"
    folder.mkdir()
    old, part = (
        name_of(datetime(2026, 1, 1, tzinfo=UTC)),
        f".{name_of(datetime(2026, 1, 2, tzinfo=UTC))}.ab.part",
    )
    for name in (old, part, "mine.zip"):
        (folder / name).write_bytes(b"x")
    await run(ctx)
    names = {path.name for path in folder.iterdir()}
    (made,) = [name for name in names if NAME.fullmatch(name)]
    assert names == {made, "mine.zip", ".lock"}
    with Archive.open(folder / made) as archive:
        archive.verify()
        assert archive.manifest.tables["job"].rows == 0
    await ctx.database.close()


async def test_one_that_fails_is_told_once_it_is_not_tried_again(tmp_path: Path) -> None:
    (tmp_path / "backups").write_text("no folder")
    here = settings(tmp_path, news_channel=77, news_locale="zh-TW")
    ctx, hands = await context(here)
    for attempt in (1, RETRIES + 1):
        assert hands.posts == []
        with pytest.raises(LabourFailed, match="FileExistsError"):
            await run(replace(ctx, attempt=attempt))
    ((channel, reply),) = hands.posts
    assert channel == 77
    assert "備份失敗" in reply.text
    await ctx.database.close()


async def test_it_is_a_job_only_where_a_folder_is_set(tmp_path: Path) -> None:
    here = settings(tmp_path)
    ctx, _ = await context(here)
    jobs = Jobs(ctx.database)
    await declare(jobs, here)
    (entry,) = await jobs.find("core", BACKUP.name)
    assert str(entry.schedule) == "30 3 * * *"
    await jobs.pause(entry.id, True)
    await declare(jobs, settings(tmp_path, backup_cron="0 5 * * sun"))
    (entry,) = await jobs.find("core", BACKUP.name)
    assert (str(entry.schedule), entry.paused) == ("0 5 * * sun", True)
    unset = settings(tmp_path, backup_folder="")
    # Another bot on the database has no say.
    await declare(jobs, settings(tmp_path, backup_folder="", instance="another"))
    assert len(await jobs.find("core", BACKUP.name)) == 1
    await declare(jobs, unset)
    assert await jobs.find("core", BACKUP.name) == []
    with pytest.raises(Refusal, match="is not set"):
        await run(replace(ctx, settings=unset))
    with pytest.raises(ValidationError, match="backup_cron"):
        settings(tmp_path, backup_cron="at night")
    await ctx.database.close()


async def test_a_bot_that_runs_backs_itself_up_and_answers_meanwhile(tmp_path: Path) -> None:
    here = settings(tmp_path)
    async with house(here) as home:
        person = await home.person("admin")
        (entry,) = await home.core.jobs.find("core", BACKUP.name)
        asked = await home.core.jobs.run_now(entry.id)
        assert asked is not None
        async with asyncio.timeout(60):
            while (now := await home.core.jobs.run(asked.id)) is None or now.state in ("waiting", "running"):
                assert "spam" in (await person.slash("plugins list")).text
                await asyncio.sleep(1)
        assert now.state == "done", now.note
    (made,) = (tmp_path / "backups").glob("*.zip")
    there = settings(tmp_path / "there")
    plugins = {p.name: p.card.migrations for p in home.core.plugins if p.card.migrations is not None}
    done = await restore(there, made, plugins)
    assert done.manifest.tables["job"].rows >= 1
    # Its tokens stay with it.
    assert "pending" not in done.manifest.tables


async def test_a_bot_without_a_folder_leaves_the_job_to_one_that_has_it(tmp_path: Path) -> None:
    here = settings(tmp_path, instance="one")
    ctx, _ = await context(here)
    jobs = Jobs(ctx.database)
    await declare(jobs, here)
    (entry,) = await jobs.find("core", BACKUP.name)
    async with house(settings(tmp_path, instance="two", backup_folder="")):
        asked = await jobs.run_now(entry.id)
        assert asked is not None
        await asyncio.sleep(2 * LOOK_SECONDS)
        waiting = await jobs.run(asked.id)
        assert waiting is not None
        assert waiting.state == "waiting"
    await ctx.database.close()
