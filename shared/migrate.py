"""Bring the database to the newest schema, by Alembic: the core's, and each plugin's under a version of its own.

A plugin's migrations are a separate line with a separate version table (`NAME_version`), so a plugin that is
broken, switched off or uninstalled holds nobody else up. Two processes that start at once take turns: on
PostgreSQL by an advisory lock, on SQLite because a transaction begins with BEGIN IMMEDIATE.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from shared.database import Database

CORE_MIGRATIONS: Final = Path(__file__).parent / "migrations"
CORE: Final = "hearth"
"""The line of the core's own tables."""
_VERSION: Final = "_version"
_LOCK: Final = 0x48656172


async def migrate(database: Database, name: str = CORE, folder: Path = CORE_MIGRATIONS) -> None:
    """Upgrade the line `name`, whose revisions lie in `folder/versions`, to its newest revision."""
    async with database.begin() as connection:
        await connection.run_sync(upgrade, name, folder)


async def migrate_back(database: Database, revision: str, name: str, folder: Path) -> None:
    """Take the line `name` back to `revision` ("base" for none)."""
    async with database.begin() as connection:
        await connection.run_sync(downgrade, name, folder, revision)


def upgrade(connection: Connection, name: str, folder: Path, revision: str = "heads") -> None:
    """Bring the line `name` up to `revision`, within the transaction of `connection`."""
    scripts = _scripts(folder)
    _run(connection, name, scripts, lambda at: scripts._upgrade_revs(revision, at))


def downgrade(connection: Connection, name: str, folder: Path, revision: str = "base") -> None:
    """Take the line `name` back to `revision`, within the transaction of `connection`."""
    scripts = _scripts(folder)
    _run(connection, name, scripts, lambda at: scripts._downgrade_revs(revision, at))


def current_revision(connection: Connection, name: str = CORE) -> str | None:
    """Return the revision that the line `name` is at."""
    options = {"version_table": version_table(name)}
    return MigrationContext.configure(connection, opts=options).get_current_revision()


def version_table(name: str) -> str:
    """Return the table in which the line `name` notes its revision."""
    return f"{name}{_VERSION}"


def lines(connection: Connection) -> dict[str, str]:
    """Return the revision of every line in the database, also of plugins that are not here any more."""
    found, look = {}, inspect(connection)
    for table in sorted(look.get_table_names()):
        columns = [column["name"] for column in look.get_columns(table)] if table.endswith(_VERSION) else []
        if columns == ["version_num"]:
            name = table.removesuffix(_VERSION)
            if (revision := current_revision(connection, name)) is not None:
                found[name] = revision
    return found


def newest_revision(folder: Path = CORE_MIGRATIONS) -> str | None:
    """Return the newest revision in `folder`."""
    return _scripts(folder).get_current_head()


def revisions(folder: Path = CORE_MIGRATIONS) -> list[str]:
    """Return every revision in `folder`, the first one first."""
    return [script.revision for script in _scripts(folder).walk_revisions()][::-1]


def take_turn(connection: Connection) -> None:
    """Wait until no other process migrates or restores, and keep them waiting until the transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


def _scripts(folder: Path) -> ScriptDirectory:
    return ScriptDirectory(str(folder), version_locations=[str(folder / "versions")])


def _run(
    connection: Connection, name: str, scripts: ScriptDirectory, steps: Callable[[Any], list[RevisionStep]]
) -> None:
    take_turn(connection)
    with EnvironmentContext(Config(), scripts, fn=lambda at, _context: steps(at)) as environment:
        environment.configure(
            connection=connection,
            version_table=version_table(name),
            transactional_ddl=True,
            render_as_batch=True,
        )
        environment.run_migrations()
