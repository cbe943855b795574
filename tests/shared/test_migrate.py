"""Migrations make exactly the declared tables from every schema there was, with rows in them, forward and back."""

import asyncio
import importlib
import multiprocessing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, MetaData, inspect, text
from sqlalchemy.exc import DBAPIError

from shared.backup_rows import tables
from shared.database import Database
from shared.migrate import (
    CORE,
    CORE_MIGRATIONS,
    current_revision,
    downgrade,
    lines,
    migrate,
    newest_revision,
    revisions,
    upgrade,
)
from shared.plugins import Plugins
from shared.settings import Settings
from shared.tables import metadata
from tests.kit.filled import contents, fill
from tests.kit.postgres import new_database, postgres

PLUGINS = {p.name: p.card.migrations for p in Plugins.discover() if p.card.migrations is not None}
FOLDERS = {CORE: CORE_MIGRATIONS, **PLUGINS}
SCHEMAS = [(line, revision) for line, folder in FOLDERS.items() for revision in revisions(folder)]
Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    url = f"sqlite:///{tmp_path}/a.db"
    if request.param == "postgresql":
        server: str = request.getfixturevalue("server")
        url = await new_database(server, tmp_path.name)
    database = Database(Settings(_env_file=None, database_url=url).database)  # type: ignore[call-arg]
    yield database
    await database.close()


def declared(line: str) -> MetaData:
    if line == CORE:
        return metadata
    found = importlib.import_module(f"plugins.{line}.tables").metadata
    assert isinstance(found, MetaData)
    return found


def differences(connection: Connection, line: str) -> list[object]:
    # Of an empty text as a default, SQLite's reflection tells another than was declared.
    options = {"compare_type": True, "compare_server_default": connection.dialect.name == "postgresql"}
    context = MigrationContext.configure(connection, opts=options)
    return [
        d
        for d in compare_metadata(context, declared(line))
        if not any(f"{known}_version" in str(d) for known in FOLDERS)
    ]


def names(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


def rows(connection: Connection, line: str) -> Rows:
    """Return every row of a line, as column and value: a later schema may have more columns."""
    own = tables(connection)[line]
    columns = {table.name: [column.name for column in table.columns] for table in own}
    return {
        name: [dict(zip(columns[name], row, strict=True)) for row in found]
        for name, found in contents(connection, own).items()
    }


def are_kept(before: Rows, after: Rows) -> bool:
    """Tell whether each row of each table is there still, with every value that its columns had."""
    return all(
        len(after[name]) == len(found)
        and all(old.items() <= new.items() for old, new in zip(found, after[name], strict=True))
        for name, found in before.items()
    )


def test_every_line_is_tested() -> None:
    assert {"spam", "rollcall", "stock", "reviews"} <= PLUGINS.keys()
    assert len(SCHEMAS) >= len(FOLDERS) + 3


@pytest.mark.parametrize(("line", "revision"), SCHEMAS)
async def test_from_each_schema_with_rows_in_it_forward_back_and_up_again(
    database: Database, line: str, revision: str
) -> None:
    folder = FOLDERS[line]

    def forward(connection: Connection) -> None:
        upgrade(connection, line, folder, revision)
        assert lines(connection) == {line: revision}
        fill(connection, tables(connection)[line])
        before = rows(connection, line)
        assert before
        assert all(len(found) == 2 for found in before.values())
        upgrade(connection, line, folder)
        assert current_revision(connection, line) == newest_revision(folder)
        assert differences(connection, line) == []
        assert are_kept(before, rows(connection, line))

    def back_to_it(connection: Connection) -> None:
        newest = rows(connection, line)
        downgrade(connection, line, folder, revision)
        assert current_revision(connection, line) == revision
        kept = rows(connection, line)
        assert kept.keys() <= newest.keys()
        assert are_kept(kept, newest)

    def back_and_up(connection: Connection) -> None:
        downgrade(connection, line, folder)
        assert not names(connection) & set(declared(line).tables)
        upgrade(connection, line, folder)
        assert differences(connection, line) == []
        assert not any(rows(connection, line).values())
        fill(connection, tables(connection)[line])

    for step in (forward, back_to_it, back_and_up):
        async with database.begin() as connection:
            await connection.run_sync(step)


async def test_a_migration_that_fails_half_way_leaves_the_schema_that_was(
    database: Database, tmp_path: Path
) -> None:
    folder = tmp_path / "migrations"
    (folder / "versions").mkdir(parents=True)
    (folder / "versions" / "0001_half.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\nrevision = '0001'\ndown_revision = None\n"
        "def upgrade():\n"
        "    op.create_table('half_one', sa.Column('id', sa.Integer, primary_key=True))\n"
        "    op.execute('INSERT INTO half_one VALUES (1)')\n"
        "    op.execute('INSERT INTO half_two VALUES (1)')\n"
    )
    with pytest.raises(DBAPIError):
        await migrate(database, "half", folder)
    async with database.begin() as connection:
        assert await connection.run_sync(names) == set()


async def test_the_audit_log_is_append_only_at_the_newest_schema_alone(database: Database) -> None:
    async with database.begin() as connection:
        await connection.run_sync(upgrade, CORE, CORE_MIGRATIONS, "0003")
        await connection.execute(text("INSERT INTO audit (at_ms, act, details) VALUES (1, 'old', '{}')"))
        await connection.execute(text("UPDATE audit SET act = 'older'"))
        await connection.run_sync(upgrade, CORE, CORE_MIGRATIONS)
    for statement in ("UPDATE audit SET act = 'x'", "DELETE FROM audit"):
        with pytest.raises(DBAPIError, match="append-only"):
            async with database.begin() as connection:
                await connection.execute(text(statement))
    async with database.begin() as connection:
        assert (await connection.execute(text("SELECT act FROM audit"))).scalars().all() == ["older"]


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
