"""`hearth privacy` hands over and removes what is kept of a person who cannot ask in chat."""

import asyncio
import logging
import stat
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from sqlalchemy import insert, select

from bot.cli import main
from plugins.stock.tables import alarm
from shared.database import Database
from shared.settings import Settings
from tests.kit.privacy import rows_in

WHO = 7


@pytest.fixture
def restored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    monkeypatch.setenv("HEARTH_DATA_DIR", str(tmp_path / "data"))
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield tmp_path
    # The command line sends logs to a standard error that ends with this test.
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_a_person_is_handed_all_and_forgotten_by_the_command_line(
    restored: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def hearth(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["hearth", "privacy", *arguments])
        status = 0
        try:
            main()
        except SystemExit as end:
            status = int(end.code or 0)
        said = capsys.readouterr()
        return status, said.out + said.err

    file = restored / "person.zip"
    assert hearth("export", str(WHO), str(file), "--locale", "zh-TW")[0] == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "Hearth 保存了你的哪些資料" in zipfile.ZipFile(file).read("index.html").decode()
    status, said = hearth("export", str(WHO), str(file))
    assert (status, "is there already" in said) == (1, True)

    asyncio.run(set_alarm(restored))
    assert hearth("export", str(WHO), str(restored / "again.zip"))[0] == 0
    rows = rows_in(zipfile.ZipFile(restored / "again.zip"))
    assert [row["code"] for row in rows["stock/alarms"]] == ["2330"]
    assert hearth("forget", str(WHO), "--yes") == (0, "1 rows and 0 files removed, 0 requests broken off\n")
    assert asyncio.run(alarms(restored)) == []


def database(root: Path) -> Database:
    return Database(Settings(_env_file=None, data_dir=root / "data").database)


async def set_alarm(root: Path) -> None:
    row = {
        "user_id": WHO, "channel_id": 1, "locale": "en-US", "code": "2330", "above": True, "price": 1.0,
        "seen_on": "2026-01-02", "created_ms": 1,
    }  # fmt: skip
    there = database(root)
    async with there.begin() as connection:
        await connection.execute(insert(alarm).values(row))
    await there.close()


async def alarms(root: Path) -> list[int]:
    there = database(root)
    async with there.begin() as connection:
        found = list((await connection.execute(select(alarm.c.user_id))).scalars())
    await there.close()
    return found
