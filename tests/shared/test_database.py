"""What a database in trouble raises, that a snapshot is of one moment, and what a full disk does to a transaction."""

import asyncio
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

import shared.database
from shared.database import Database
from shared.database_trouble import DatabaseTrouble
from shared.migrate import migrate
from shared.settings import Settings
from shared.tables import watch
from tests.kit.postgres import postgres

ROW = {"plugin": "spam", "channel_id": 1, "changed_ms": 1}


async def opened(path: Path) -> Database:
    database = Database(f"sqlite+aiosqlite:///{path}")
    await migrate(database)
    return database


def count(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(watch)).scalar_one()


def add(connection: Connection, number: int = 1, plugin: str = "spam") -> None:
    connection.execute(watch.insert().values({**ROW, "channel_id": number, "plugin": plugin}))


async def test_a_snapshot_is_of_one_moment_writes_nothing_and_keeps_nobody_from_writing(
    tmp_path: Path,
) -> None:
    database = await opened(tmp_path / "a.db")
    await database.transact(add)
    async with database.snapshot() as reading:
        await database.transact(lambda connection: add(connection, 2))
        assert await database.transact(count) == 2
        assert await reading.run_sync(count) == 1
        with pytest.raises(DBAPIError, match="readonly"):
            await reading.run_sync(add, 3)
    assert await database.transact(count) == 2
    await database.close()


async def test_what_is_wrong_with_a_request_is_raised_as_it_is(tmp_path: Path) -> None:
    database = await opened(tmp_path / "a.db")
    await database.transact(add)
    with pytest.raises(IntegrityError):
        await database.transact(add)
    with pytest.raises(DBAPIError, match="no such table"):
        async with database.begin() as connection:
            await connection.execute(text("SELECT * FROM absent"))
    with pytest.raises(FileNotFoundError):
        async with database.begin():
            (tmp_path / "absent").read_bytes()
    await database.close()


async def test_a_file_that_is_damaged_or_not_to_be_opened_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "noise.db").write_bytes(os.urandom(8192))
    (tmp_path / "folder.db").mkdir()
    for name, words in (("noise.db", "is damaged"), ("folder.db", "does not answer")):
        database = Database(f"sqlite+aiosqlite:///{tmp_path / name}")
        with pytest.raises(DatabaseTrouble, match=words):
            await database.transact(count)
        with pytest.raises(DatabaseTrouble, match=words):
            await migrate(database)
        await database.close()


async def test_those_behind_one_that_waited_in_vain_are_told_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared.database, "BUSY_TIMEOUT_MS", 1000)
    database = await opened(tmp_path / "a.db")
    holder = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    told = await asyncio.gather(
        *(database.transact(lambda connection, n=n: add(connection, n)) for n in range(20)),  # type: ignore[misc]
        return_exceptions=True,
    )
    assert {type(each) for each in told} == {DatabaseTrouble}
    # One waited for the file, the others for that one.
    assert sum(each.__cause__ is not None for each in told if isinstance(each, DatabaseTrouble)) == 1
    assert {str(each.text) for each in told if isinstance(each, DatabaseTrouble)} == {
        "The database is busy: others have held it for too long."
    }
    holder.execute("ROLLBACK")
    holder.close()
    await database.transact(add)
    assert await database.transact(count) == 1
    await database.close()


@contextmanager
def small_disk(folder: Path, size: str, owner: str | None = None) -> Iterator[Path]:
    """Mount a file system of this size; skips the test where that is not allowed."""
    folder.mkdir(exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("no file system may be mounted here")
    try:
        if owner is not None:
            shutil.chown(folder, owner)
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


async def test_a_disk_that_is_full_undoes_the_transaction_and_no_more(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "2m") as disk:
        database = await opened(disk / "a.db")
        await database.transact(add)
        filler = disk / "filler"
        filler.write_bytes(bytes(shutil.disk_usage(disk).free - 65536))

        def many(connection: Connection) -> None:
            for number in range(2, 40_000):
                add(connection, number, "x" * 60)

        with pytest.raises(DatabaseTrouble, match="There is no room left for the database"):
            await database.transact(many)
        assert await database.transact(count) == 1
        filler.unlink()
        await database.transact(lambda connection: add(connection, 2))
        assert await database.transact(count) == 2
        await database.close()


async def test_a_full_disk_of_postgresql_undoes_the_transaction_and_no_more() -> None:
    # PostgreSQL's own user must be able to reach it.
    folder = Path("/tmp", f"hearth-disk-{os.getpid()}")
    if os.geteuid() != 0:
        pytest.skip("no file system may be mounted here")
    with postgres() as url, small_disk(folder, "2m", "postgres") as disk:
        database = Database(Settings(_env_file=None, database_url=url).database)  # type: ignore[call-arg]
        await migrate(database)
        async with database.engine.connect() as connection:
            plain = await connection.execution_options(isolation_level="AUTOCOMMIT")
            await plain.execute(text(f"CREATE TABLESPACE small LOCATION '{disk}'"))
            await plain.execute(text("ALTER TABLE watch SET TABLESPACE small"))
        await database.transact(add)

        def many(connection: Connection) -> None:
            connection.execute(
                text(
                    "INSERT INTO watch SELECT repeat('x', 60), n, NULL, 0 FROM generate_series(2, 40000) AS n"
                )
            )

        with pytest.raises(DatabaseTrouble, match="There is no room left for the database"):
            await database.transact(many)
        assert await database.transact(count) == 1
        await database.transact(lambda connection: add(connection, 2))
        async with database.engine.connect() as connection:
            plain = await connection.execution_options(isolation_level="AUTOCOMMIT")
            await plain.execute(text("ALTER TABLE watch SET TABLESPACE pg_default"))
            await plain.execute(text("DROP TABLESPACE small"))
        assert await database.transact(count) == 2
        await database.close()
    folder.rmdir()
