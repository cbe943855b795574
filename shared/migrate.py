"""Bring the database to the newest schema, by Alembic: the core's, and each plugin's under a version of its own.

A plugin's migrations are a separate line with a separate version table (`NAME_version`), so a plugin that is
broken, switched off or uninstalled holds nobody else up. Two processes that start at once take turns: on
PostgreSQL by an advisory lock, on SQLite because a transaction begins with BEGIN IMMEDIATE.
"""

from pathlib import Path
from typing import Final

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from shared.database import Database

CORE_MIGRATIONS: Final = Path(__file__).parent / "migrations"
_LOCK: Final = 0x48656172


async def migrate(database: Database, name: str = "hearth", folder: Path = CORE_MIGRATIONS) -> None:
    """Upgrade the line `name`, whose revisions lie in `folder/versions`, to its newest revision."""
    async with database.begin() as connection:
        await connection.run_sync(_to, name, folder, "heads")


async def migrate_back(database: Database, revision: str, name: str, folder: Path) -> None:
    """Take the line `name` back to `revision` ("base" for none)."""
    async with database.begin() as connection:
        await connection.run_sync(_to, name, folder, revision)


def current_revision(connection: Connection, name: str = "hearth") -> str | None:
    """Return the revision that the line `name` is at."""
    options = {"version_table": f"{name}_version"}
    return MigrationContext.configure(connection, opts=options).get_current_revision()


def newest_revision(folder: Path = CORE_MIGRATIONS) -> str | None:
    """Return the newest revision in `folder`."""
    return _scripts(folder).get_current_head()


def _scripts(folder: Path) -> ScriptDirectory:
    return ScriptDirectory(str(folder), version_locations=[str(folder / "versions")])


def _to(connection: Connection, name: str, folder: Path, target: str) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    scripts = _scripts(folder)

    def steps(revision: str | tuple[str, ...], _context: MigrationContext) -> list[RevisionStep]:
        if target == "heads":
            return scripts._upgrade_revs("heads", revision)  # type: ignore[arg-type]
        return scripts._downgrade_revs(target, revision)  # type: ignore[arg-type]

    with EnvironmentContext(Config(), scripts, fn=steps) as environment:
        environment.configure(
            connection=connection,
            version_table=f"{name}_version",
            transactional_ddl=True,
            render_as_batch=True,
        )
        environment.run_migrations()


__all__ = ["CORE_MIGRATIONS", "current_revision", "migrate", "migrate_back", "newest_revision"]
