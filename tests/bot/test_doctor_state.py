"""`hearth doctor` on what a bot has kept: its database, jobs, backups and key."""

import re
import sqlite3
import zipfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text, update

from bot.doctor.database import LARGE_LOG
from shared.database import Database, now_ms
from shared.jobs import Jobs
from shared.migrate import migrate
from shared.plugins import Plugins
from shared.schedule import Schedule
from shared.settings import Settings
from shared.tables import audit, job, job_run, quota
from shared.vault import Vault
from tests.bot.doctored import forget_settings, opened, report
from tests.kit.postgres import postgres


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_settings(monkeypatch)


async def test_the_tables_of_a_plugin_that_are_of_a_newer_version_are_a_warning_or_a_problem(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as database:
        await migrate(database)
        for plugin in Plugins.discover():
            if plugin.card.migrations is not None:
                await migrate(database, plugin.name, plugin.card.migrations)
        async with database.begin() as connection:
            await connection.execute(text("UPDATE rollcall_version SET version_num = '9999'"))
    found = await report(tmp_path)
    assert found.problems == ["database"]
    assert [f.seen for f in found.findings if "tables of" in f.seen] == [
        "tables of rollcall is at revision 9999, which this version does not know"
    ]


async def test_a_database_file_that_is_damaged_is_a_problem(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        await migrate(database)
        rows = [
            {"bucket": f"person:{number}", "tokens": 1.0, "updated_ms": 1, "burst": 1.0, "per_ms": 1.0}
            for number in range(2000)
        ]
        async with database.begin() as connection:
            await connection.execute(quota.insert(), rows)
            root = (
                await connection.execute(text("SELECT rootpage FROM sqlite_master WHERE name = 'quota'"))
            ).scalar_one()
    path = tmp_path / "data" / "hearth.db"
    whole = bytearray(path.read_bytes())
    # A page of the table's tree is written over.
    size = int.from_bytes(whole[16:18], "big")
    whole[(root - 1) * size + 8 : root * size] = b"\xff" * (size - 8)
    path.write_bytes(whole)
    found = await report(tmp_path)
    assert found["database file"].level == "problem"
    assert "restore" in found["database file"].remedy


async def test_a_log_of_the_database_that_cannot_be_cut_is_a_warning(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        await migrate(database)
        # Somebody reads on and on, while much is written.
        with closing(sqlite3.connect(tmp_path / "data" / "hearth.db")) as reader:
            reader.execute("BEGIN").execute("SELECT count(*) FROM quota").fetchone()
            async with database.begin() as connection:
                await connection.execute(text("CREATE TABLE large (body BLOB)"))
                for _ in range(5):
                    await connection.execute(text(f"INSERT INTO large VALUES (zeroblob({LARGE_LOG // 4}))"))
            found = await report(tmp_path)
    assert found["database file"].level == "warning"
    assert "hearth.db-wal has" in found["database file"].seen


async def test_rows_from_the_future_tell_of_a_clock_that_is_wrong(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        await migrate(database)
        assert (await report(tmp_path))["clock of rows"].level == "ok"
        act = {"at_ms": now_ms() + 3_600_000, "act": "trial", "details": "{}"}
        async with database.begin() as connection:
            await connection.execute(audit.insert(), act)
    found = (await report(tmp_path))["clock of rows"]
    assert found.level == "warning"
    assert re.fullmatch(r"something in the database is of 3[56]\d\d s from now", found.seen)


async def test_jobs_that_fail_and_runs_that_nobody_takes_are_named(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        await migrate(database)
        jobs, hour = Jobs(database), 3_600_000
        failing = await jobs.put("stock", "post", Schedule(cron="0 9 * * *"))
        mended = await jobs.put("reviews", "scrape", Schedule(cron="0 9 * * *"))
        paused = await jobs.put("trial", "sleep", Schedule(cron="0 9 * * *"))
        runs = [
            (failing.id, "done", 3), (failing.id, "failed", 2), (mended.id, "failed", 3), (mended.id, "done", 2),
            (paused.id, "failed", 2),
        ]  # fmt: skip
        async with database.begin() as connection:
            for number, state, ago in runs:
                at = now_ms() - ago * hour
                values = {
                    "job_id": number,
                    "due_ms": at,
                    "state": state,
                    "attempt": 1,
                    "until_ms": at,
                    "note": "",
                }
                await connection.execute(job_run.insert(), values)
            await connection.execute(update(job).where(job.c.id == paused.id).values(paused=True))
        found = (await report(tmp_path))["jobs"]
        assert (found.level, found.seen) == ("warning", "1 failed when last run: stock/post (number 1)")
        assert found.remedy == "hearth jobs history 1"
        async with database.begin() as connection:
            await connection.execute(job_run.delete())
            await connection.execute(update(job).where(job.c.id == mended.id).values(next_ms=now_ms() - hour))
        found = (await report(tmp_path))["jobs"]
        assert (found.level, found.seen) == (
            "warning",
            "1 are due for over 15 min: reviews/scrape (number 2)",
        )


async def test_on_postgresql_the_two_clocks_are_compared(tmp_path: Path) -> None:
    with postgres() as url:
        fresh = await report(tmp_path, database_url=url)
        assert re.fullmatch(r"0\.\d s apart from the database's", fresh["clock"].seen)
        assert "empty" in fresh["database"].seen
        database = Database(Settings(_env_file=None, database_url=url).database)
        await migrate(database)
        await database.close()
        found = await report(tmp_path, database_url=url)
    assert found.problems == []
    assert (found["database"].level, found["jobs"].level, found["clock of rows"].level) == ("ok", "ok", "ok")


async def test_backups_are_named_with_their_age_and_missed_ones_are_a_warning(tmp_path: Path) -> None:
    assert (await report(tmp_path))["backups"].level == "warning"
    folder, now = tmp_path / "backups", datetime.now(UTC)
    folder.mkdir()
    hourly = {"backup_folder": folder, "backup_cron": "0 * * * *"}
    assert (await report(tmp_path, **hourly))["backups"].seen == f"none in {folder} yet"

    def made(ago: timedelta) -> Path:
        path = folder / f"hearth-{now - ago:%Y%m%dT%H%M%S}Z.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("manifest.json", "{}")
        return path

    made(timedelta(hours=30))
    found = (await report(tmp_path, **hourly))["backups"]
    assert (found.level, found.seen.endswith("30.0 h old, and the next is overdue")) == ("warning", True)
    path = made(timedelta(minutes=5))
    (folder / "hearth-of-mine.zip").write_bytes(b"")
    found = (await report(tmp_path, **hourly))["backups"]
    assert (found.level, found.seen.startswith(path.name)) == ("ok", True)
    path.write_bytes(path.read_bytes()[:20])
    assert (await report(tmp_path, **hourly)).problems == ["backups"]


async def test_a_key_that_is_gone_or_that_others_may_read_is_named(tmp_path: Path) -> None:
    assert (await report(tmp_path))["secret key"].level == "ok"
    async with opened(tmp_path) as database:
        await migrate(database)
    gone = (await report(tmp_path))["secret key"]
    assert gone.level == "warning"
    assert "what was sealed by it is lost" in gone.remedy
    Vault.of(Settings(_env_file=None, data_dir=tmp_path / "data"))
    path = tmp_path / "data" / "secret.key"
    assert (await report(tmp_path))["secret key"].level == "ok"
    path.chmod(0o644)
    assert (await report(tmp_path))["secret key"].remedy == f"chmod 600 {path}"
    path.chmod(0o600)
    path.write_text("short", encoding="utf-8")
    broken = await report(tmp_path)
    assert broken.problems == ["secret key"]
    assert "short" not in repr(broken["secret key"])
