"""`hearth jobs`: what is there, what is not, and numbers that no database keeps."""

import asyncio
import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from bot.cli import main
from shared.database import Database
from shared.jobs import Jobs
from shared.migrate import migrate
from shared.schedule import Schedule
from shared.settings import Settings

HUGE = "99999999999999999999"


@pytest.fixture
def cli(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator["Cli"]:
    monkeypatch.setenv("HEARTH_DATA_DIR", str(tmp_path))
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield Cli(monkeypatch, capsys)
    # The command line sends logs to a standard error that ends with this test.
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


class Cli:
    """Runs `hearth jobs …` in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, *arguments: str) -> tuple[int, str]:
        self._monkeypatch.setattr(sys, "argv", ["hearth", "jobs", *arguments])
        status = 0
        try:
            main()
        except SystemExit as end:
            status = int(end.code or 0)
        said = self._capsys.readouterr()
        return status, said.out + said.err


def add_job() -> int:
    async def add() -> int:
        database = Database(Settings().database)
        await migrate(database)
        entry = await Jobs(database).put("core", "say", Schedule.read("9:00"), guild=7)
        await database.close()
        return entry.id

    return asyncio.run(add())


def test_a_job_is_listed_paused_resumed_and_removed(cli: Cli) -> None:
    number = str(add_job())
    ((listed),) = json.loads(cli("list", "--json")[1])
    assert (listed["job"], listed["paused"], listed["broken"]) == ("core/say", False, None)
    assert cli("pause", number) == (0, f"Job {number} rests.\n")
    assert "paused" in cli("list")[1]
    assert cli("resume", number)[0] == 0
    assert cli("remove", number)[0] == 0
    assert cli("list", "--json") == (0, "[]\n")


@pytest.mark.parametrize("command", ["pause", "resume", "remove", "run", "history"])
def test_a_job_that_is_not_there_is_said_so(cli: Cli, command: str) -> None:
    status, said = cli(command, "77")
    assert (status, said) == (1, "hearth: There is no job number 77; see hearth jobs list.\n")


@pytest.mark.parametrize("arguments", [["pause", HUGE], ["history", "0"], ["list", "--guild", HUGE]])
def test_numbers_that_no_database_keeps_are_refused_in_a_line(cli: Cli, arguments: list[str]) -> None:
    status, said = cli(*arguments)
    assert status == 2
    assert "Invalid value" in said
    assert "Traceback" not in said


def test_a_run_that_no_bot_takes_is_waited_for_and_not_for_ever(cli: Cli) -> None:
    number = str(add_job())
    status, said = cli("run", number, "--wait", "0")
    assert status == 2
    assert "waits" in said
    ((run),) = json.loads(cli("history", number, "--json")[1])
    assert (run["state"], run["started"], run["ended"]) == ("waiting", None, None)
