"""`hearth doctor` finds what is missing, says what to do, and lets no failing check hide another."""

import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect, text, update

from bot.doctor import CHECKS, Finding, examine
from bot.doctor.database import LARGE_LOG, schema
from shared.database import Database, now_ms
from shared.jobs import Jobs
from shared.migrate import migrate, newest_revision
from shared.model import Report as Figures
from shared.plugins import Plugins
from shared.schedule import Schedule
from shared.settings import Settings
from shared.store import Store
from shared.tables import audit, job, job_run, quota
from shared.vault import Vault
from tests.kit.postgres import postgres

REPOSITORY = Path(__file__).parents[2]
TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4." + "GaBcDe." + "x" * 38
NAMES = ("HEARTH_", "DISCORD_", "OTEL_")


@dataclass(frozen=True)
class Report:
    """What the doctor found, by the name of the check."""

    findings: list[Finding]

    def __getitem__(self, name: str) -> Finding:
        return next(f for f in self.findings if f.name == name)

    @property
    def problems(self) -> list[str]:
        """The checks with a problem."""
        return [f.name for f in self.findings if f.level == "problem"]


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(NAMES)]:
        monkeypatch.delenv(name)


async def report(folder: Path, *, torch: bool = False, **values: Any) -> Report:
    """Examine a bot whose data folder is `folder`; torch, which takes seconds to import, where it is asked for."""
    settings = Settings(_env_file=None, **{"data_dir": folder / "data", "http_port": 0, **values})
    return Report(await examine(settings, only=[c for c in CHECKS if torch or c != "torch"]))


async def test_a_fresh_folder_is_fine_but_for_the_token(tmp_path: Path) -> None:
    found = await report(tmp_path, torch=True)
    assert found.problems == []
    assert found["token"].level == "warning"
    assert "HEARTH_TOKEN" in found["token"].remedy
    assert found["plugin spam"] == Finding("plugin spam", "ok", "built in")
    assert found["model spam"].seen == "default (default)"
    assert found["torch"].seen.startswith("2.13.0")
    assert "the first start makes its tables" in found["database"].seen


async def test_looking_at_a_database_changes_nothing_in_it(tmp_path: Path) -> None:
    await report(tmp_path)
    async with opened(tmp_path) as database, database.begin() as connection:
        assert await connection.run_sync(lambda c: inspect(c).get_table_names()) == []


async def test_a_database_that_a_start_has_made_is_fine(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        await migrate(database)
    found = await report(tmp_path)
    assert (found["database"].level, found.problems) == ("ok", [])
    assert f"revision {newest_revision()}" in found["database"].seen


async def test_a_database_of_a_newer_version_is_a_problem(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        await migrate(database)
        async with database.begin() as connection:
            await connection.execute(text("UPDATE hearth_version SET version_num = '9999'"))
    found = await report(tmp_path)
    assert found.problems == ["database"]
    assert "revision 9999, which this version does not know" in found["database"].seen


def test_a_database_of_an_older_version_is_a_warning(tmp_path: Path) -> None:
    versions = tmp_path / "versions"
    versions.mkdir()
    for revision, down in (("0001", None), ("0002", "0001")):
        lines = f"revision = {revision!r}\ndown_revision = {down!r}\n"
        (versions / f"{revision}_step.py").write_text(lines, encoding="utf-8")
    assert schema("here", "0002", tmp_path).level == "ok"
    found = schema("here", "0001", tmp_path)
    assert (found.level, found.seen) == (
        "warning",
        "here is at revision 0001; the next start brings it to 0002",
    )
    assert "backup" in found.remedy


async def test_a_database_that_cannot_be_written_is_a_problem(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        await migrate(database)
    url = f"sqlite:///file:{tmp_path}/data/hearth.db?mode=ro&uri=true"
    found = await report(tmp_path, database_url=url)
    assert found.problems == ["database"]
    assert "readonly" in found["database"].seen


async def test_a_champion_that_is_damaged_is_named_and_the_default_stands_in(tmp_path: Path) -> None:
    store = Store(tmp_path / "data" / "models")
    with store.stage("spam") as folder:
        (folder / "weights.json").write_text("{}", encoding="utf-8")
        figures = Figures(n=1, metrics={}, baseline={}, baseline_name="none", losses=[0.0])
        made = store.publish("spam", folder, report=figures, data=None, licence="CC0", code="1", parent=None)
    store.promote("spam", made.version)
    assert (await report(tmp_path))["model spam"].seen == f"{made.version} (store)"
    (tmp_path / "data" / "models" / "spam" / made.version / "weights.json").write_text("[]", encoding="utf-8")
    found = (await report(tmp_path))["model spam"]
    assert (found.level, found.seen) == (
        "warning",
        f"default (default), since the champion {made.version} is damaged",
    )


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


async def test_a_token_in_a_file_that_others_may_read_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "token").write_text(TOKEN, encoding="utf-8")
    (tmp_path / "token").chmod(0o640)
    assert (await report(tmp_path, token_file=tmp_path / "token"))["secret files"].level == "ok"
    (tmp_path / "token").chmod(0o644)
    found = await report(tmp_path, token_file=tmp_path / "token")
    assert (found["secret files"].level, found["secret files"].remedy) == (
        "warning",
        f"chmod 600 {tmp_path / 'token'}",
    )
    (tmp_path / ".env").write_text("HEARTH_TOKEN=", encoding="utf-8")
    (tmp_path / ".env").chmod(0o666)
    assert (await report(tmp_path))["secret files"].remedy == "chmod 600 .env"


async def test_a_port_that_is_open_to_the_network_is_a_warning(tmp_path: Path) -> None:
    found = (await report(tmp_path, http_host="0.0.0.0"))["http port"]
    assert found.level == "warning"
    assert "without a password" in found.seen
    assert (await report(tmp_path, http_host="::1"))["http port"].level in ("ok", "warning")


async def test_traces_are_looked_at_and_no_password_of_their_address_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://me:opensesame@127.0.0.1:1")
    away = await report(tmp_path)
    assert (away["traces"].level, away["traces"].seen) == ("warning", "127.0.0.1:1 does not answer")
    with socket.create_server(("127.0.0.1", 0)) as there:
        where = f"127.0.0.1:{there.getsockname()[1]}"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://{where}")
        assert (await report(tmp_path))["traces"].seen == f"sent to {where}"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    assert (await report(tmp_path)).problems == ["traces"]
    assert "opensesame" not in repr(away.findings)


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


async def test_hub_models_that_cannot_be_had_or_belong_to_nobody_are_warnings(tmp_path: Path) -> None:
    found = await report(tmp_path, hub={"spam": "no revision", "spma": "org/name@v1"})
    assert found.problems == []
    assert found["model spam"].seen == "default (default), since no revision cannot be had"
    assert found["model spma"].level == "warning"


async def test_a_gpu_that_is_asked_for_and_not_there_is_a_problem(tmp_path: Path) -> None:
    found = await report(tmp_path, torch=True, device="cuda")
    if not found["torch"].seen.endswith("HEARTH_DEVICE is cuda"):
        pytest.skip("this machine has a GPU")
    assert found.problems == ["torch"]
    assert "HEARTH_DEVICE" in found["torch"].remedy


async def test_every_finding_that_is_not_well_says_what_to_do(tmp_path: Path) -> None:
    found = await report(
        tmp_path,
        token="nonsense",
        http_port=None,
        database_url="postgresql://hearth:secret@127.0.0.1:1/hearth",
        plugin_folders=[REPOSITORY / "tests" / "fixtures" / "folder"],
    )
    assert len([f for f in found.findings if f.level != "ok"]) >= 4
    assert [f.name for f in found.findings if f.level != "ok" and not f.remedy] == []


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Database]:
    """Open the database of the bot whose data folder is `folder`."""
    database = Database(f"sqlite+aiosqlite:///{folder}/data/hearth.db")
    try:
        yield database
    finally:
        await database.close()


@pytest.mark.parametrize("token", ["nonsense", "a.b.c", TOKEN + " " + TOKEN, "Bot " + TOKEN])
async def test_a_malformed_token_is_a_problem_and_is_not_shown(tmp_path: Path, token: str) -> None:
    found = await report(tmp_path, token=token)
    assert found.problems == ["token"]
    assert token not in repr(found.findings)


async def test_a_well_formed_token_is_taken_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN + "\n", encoding="utf-8")
    found = await report(tmp_path, token="", token_file=tmp_path / "token")
    assert found["token"].level == "ok"


async def test_a_token_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    found = await report(tmp_path, token_file=tmp_path / "nowhere")
    assert found.problems == ["token"]
    assert str(tmp_path / "nowhere") in found["token"].seen


async def test_an_unreachable_database_is_named_without_its_password(tmp_path: Path) -> None:
    found = await report(tmp_path, database_url="postgresql://hearth:opensesame@127.0.0.1:1/hearth")
    assert found.problems == ["database"]
    assert "127.0.0.1:1/hearth" in found["database"].seen
    assert "opensesame" not in repr(found.findings)


async def test_an_address_that_is_no_database_is_one_problem_among_the_checks(tmp_path: Path) -> None:
    found = await report(tmp_path, database_url="not an address")
    assert found.problems == ["database"]
    assert found["plugin spam"].level == "ok"


async def test_a_broken_plugin_is_named_with_its_fault_and_the_others_are_well(tmp_path: Path) -> None:
    found = await report(tmp_path, plugin_folders=[REPOSITORY / "tests" / "fixtures" / "folder"])
    assert found.problems == ["plugin broken", "plugin greedy"]
    assert found["plugin broken"].seen.startswith("set aside: ")
    assert "HEARTH_DISABLED_PLUGINS" in found["plugin broken"].remedy
    assert found["plugin trial"].level == found["plugin spam"].level == "ok"


async def test_a_data_folder_that_cannot_be_made_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    found = await report(tmp_path, data_dir=tmp_path / "file" / "data")
    assert "data folder" in found.problems
    assert "HEARTH_DATA_DIR" in found["data folder"].remedy
    assert found["plugin spam"].level == "ok"


async def test_a_port_that_is_taken_is_a_warning(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        found = await report(tmp_path, http_port=port)
    assert found["http port"].level == "warning"
    assert str(port) in found["http port"].seen


def doctor(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command as an operator does, in a folder of its own."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(NAMES)}
    return subprocess.run(
        [sys.executable, "-m", "bot.cli", "doctor", *arguments],
        cwd=folder,
        env={**inherited, "PYTHONPATH": str(REPOSITORY), "HEARTH_HTTP_PORT": "0", **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_json_is_one_list_of_findings_and_the_status_tells_of_problems(tmp_path: Path) -> None:
    well = doctor(tmp_path, "--json")
    assert well.returncode == 0, well.stderr
    findings = json.loads(well.stdout)
    assert {"python", "torch", "data folder", "database", "token"} <= {f["name"] for f in findings}
    assert all(set(f) == {"name", "level", "seen", "remedy"} for f in findings)
    ill = doctor(tmp_path, "--json", HEARTH_TOKEN="nonsense")
    assert ill.returncode == 1
    assert [f["name"] for f in json.loads(ill.stdout) if f["level"] == "problem"] == ["token"]


def test_people_read_a_line_for_each_finding_and_one_for_what_to_do(tmp_path: Path) -> None:
    done = doctor(tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("! token"))
    assert lines[at + 1].strip().startswith("→ Set HEARTH_TOKEN")
    assert not done.stderr


def test_a_setting_that_is_not_allowed_ends_with_one_line_that_names_it(tmp_path: Path) -> None:
    done = doctor(tmp_path, HEARTH_HTTP_PORT="eighty")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "HEARTH_HTTP_PORT: " in done.stderr
