"""Migrations make exactly the declared tables, forward and back, also when two processes start at once."""

import asyncio
import multiprocessing
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, MetaData, inspect

from plugins.spam.tables import metadata as spam_metadata
from shared.database import Database
from shared.migrate import CORE_MIGRATIONS, current_revision, migrate, migrate_back, newest_revision
from shared.tables import metadata

SPAM = Path(__file__).parents[2] / "plugins" / "spam" / "migrations"


def differences(connection: Connection, declared: MetaData) -> list[object]:
    context = MigrationContext.configure(connection)
    return [d for d in compare_metadata(context, declared) if "_version" not in str(d)]


async def test_the_core_and_spam_tables_are_as_declared_and_go_back(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/a.db")
    try:
        for name, folder, declared in (("hearth", CORE_MIGRATIONS, metadata), ("spam", SPAM, spam_metadata)):
            await migrate(database, name, folder)
            await migrate(database, name, folder)
            async with database.begin() as connection:
                assert await connection.run_sync(current_revision, name) == newest_revision(folder)
                assert await connection.run_sync(differences, declared) == []
            await migrate_back(database, "base", name, folder)
            async with database.begin() as connection:
                tables = await connection.run_sync(lambda c: inspect(c).get_table_names())
            assert not set(declared.tables) & set(tables)
    finally:
        await database.close()


def _migrate(path: str) -> None:
    async def once() -> None:
        database = Database(f"sqlite+aiosqlite:///{path}")
        await migrate(database)
        await database.close()

    asyncio.run(once())


def test_two_processes_that_start_at_once_both_succeed(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_migrate, args=(str(tmp_path / "a.db"),)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
