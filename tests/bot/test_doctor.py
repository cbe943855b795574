"""`hearth doctor` finds what is missing, says what to do, and lets no failing check hide another."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect, text

from bot.doctor import CHECKS, Finding, examine, schema
from shared.database import Database
from shared.migrate import migrate, newest_revision
from shared.model import Report as Figures
from shared.settings import Settings
from shared.store import Store

REPOSITORY = Path(__file__).parents[2]
TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4." + "GaBcDe." + "x" * 38
NAMES = ("HEARTH_", "DISCORD_")


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
