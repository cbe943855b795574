"""`hearth doctor` finds what is missing, says what to do, and lets no failing check hide another."""

import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.doctor import Finding, examine
from shared.settings import Settings

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


async def report(folder: Path, **values: Any) -> Report:
    """Examine a bot whose data folder is `folder`."""
    settings = {"data_dir": folder / "data", "http_port": 0, **values}
    return Report(await examine(Settings(_env_file=None, **settings)))


async def test_a_fresh_folder_is_fine_but_for_the_token(tmp_path: Path) -> None:
    found = await report(tmp_path)
    assert found.problems == []
    assert found["token"].level == "warning"
    assert "HEARTH_TOKEN" in found["token"].remedy
    assert found["plugin spam"] == Finding("plugin spam", "ok", "built in")
    assert found["model spam"].seen == "default (default)"
    assert found["torch"].seen.startswith("2.13.0")
    assert "revision" in found["database"].seen


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
    assert "http_port" in done.stderr
