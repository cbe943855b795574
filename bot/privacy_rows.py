"""Finds and removes what is kept of one person: rows of the core and of plugins, and plugins' files."""

import asyncio
import re
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    Select,
    String,
    Table,
    delete,
    inspect,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import Delete, Update

from bot.states import note
from shared.backup_rows import tables
from shared.database import Database
from shared.migrate import CORE, lines, version_table
from shared.plugins import Plugins
from shared.tables import audit, button, job, news, pending, quota

if TYPE_CHECKING:
    from bot.core import Core

Found = dict[str, list[dict[str, Any]]]
"""Rows by the name that an export gives them: whose they are, a slash, what they are."""
OWNED: Final = re.compile(r"(?:.*_)?(?:user|person|member|author|owner|subject)(?:_id)?")
"""Columns whose row is about the person that they name."""
MENTIONED: Final = re.compile(r".+_by")
"""Columns that name a person in a row which is about something else."""
ELSEWHERE_SECONDS: Final = 5.0
"""Other bots look every two seconds which of their requests are wanted no more."""
NOT_LOADED: Final = "plugins-not-loaded"
ASKED: Final = "privacy erase"
"""The request that asks for all this: it is still to be answered."""


@dataclass(frozen=True)
class Forgotten:
    """How many rows went or lost their person, how many files went, and how many requests were broken off."""

    rows: int
    files: int
    requests: int


async def export_user(database: Database, plugins: Plugins, user: int) -> Found:
    """Return every row that the core and the plugins keep of `user`, without secrets of the bot."""
    async with database.begin() as connection:
        return await _read(connection, plugins, user)


async def export_files(core: "Core", user: int, found: Found) -> dict[str, bytes]:
    """Return every file that plugins keep of `user`, as people can read it."""
    files: dict[str, bytes] = {}
    for plugin in core.plugins:
        own = await asyncio.to_thread(
            plugin.export_user_files,
            user,
            core.hands.folder(plugin.name),
            core.vault,
            _own(found, plugin.name),
        )
        files |= {f"{plugin.name}/{name}": data for name, data in own.items()}
    return files


async def forget_user(core: "Core", user: int, *, instance: str | None = None) -> Forgotten:
    """Break off what runs for `user`, and remove every row and file that is kept of them.

    The rows go in one transaction. The quota's count stays until it has had its time, and administrative acts stay.
    `instance` is the bot that this process is; None where it is none.
    """
    requests = await core.withdraw(user)
    rows, files, elsewhere = await _forget(core, user, instance)
    if elsewhere:
        # The other bots on this database break those requests off; what they wrote until then goes, too.
        await asyncio.sleep(ELSEWHERE_SECONDS)
        more = await _forget(core, user, instance)
        rows, files = rows + more[0], files + more[1]
    return Forgotten(rows, files, requests + elsewhere)


async def _forget(core: "Core", user: int, instance: str | None) -> tuple[int, int, int]:
    """Return how many rows and files went, and how many requests other bots still work on."""
    rows, found = await forget_rows(core.database, core.plugins, user)
    files = 0
    for plugin in core.plugins:
        folder, own = core.hands.folder(plugin.name), _own(found, plugin.name)
        files += await asyncio.to_thread(plugin.forget_user_files, user, folder, own)
    if (path := core.database.file) is not None:
        await asyncio.to_thread(_overwrite_log, path)
    elsewhere = [row for row in found[f"core/{pending.name}"] if row["owner"] != instance]
    return rows, files, len(elsewhere)


async def forget_rows(database: Database, plugins: Plugins, user: int) -> tuple[int, Found]:
    """Remove every row that is kept of `user`, in one transaction; return how many, and what they were."""
    statements: list[Delete | Update] = [
        delete(pending).where(pending.c.user_id == user, pending.c.command != ASKED),
        delete(button).where(button.c.user_id == user),
        # A server's jobs and news stay the server's; who had them run is forgotten.
        update(job).where(job.c.user_id == user).values(user_id=None),
        update(news).where(news.c.user_id == user).values(user_id=None),
    ]
    for plugin in plugins:
        statements += plugin.forget_user(user)
    async with database.begin() as connection:
        found = await _read(connection, plugins, user)
        removed = 0
        # Those first that refer to others.
        for table in reversed(await connection.run_sync(_ownerless, plugins)):
            statements += _forgetting(table, user)
        for statement in statements:
            removed += (await connection.execute(statement)).rowcount
        await note(connection, database, "forget", None, None, rows=removed)
    return removed, found


async def _read(connection: AsyncConnection, plugins: Plugins, user: int) -> Found:
    statements: dict[str, Select[Any]] = {
        f"core/{table.name}": select(table).where(table.c.user_id == user)
        for table in (pending, button, job, news, audit)
    }
    # With a server's rule it goes on: "person:ID:SERVER:…".
    own = or_(quota.c.bucket == f"person:{user}", quota.c.bucket.startswith(f"person:{user}:"))
    statements[f"core/{quota.name}"] = select(quota).where(own)
    for plugin in plugins:
        for name, statement in plugin.export_user(user).items():
            statements[f"{plugin.name}/{name}"] = statement
    for table in await connection.run_sync(_ownerless, plugins):
        if columns := [*_columns(table, OWNED), *_columns(table, MENTIONED)]:
            mine = or_(*(_names(column, user) for column in columns))
            statements[f"{NOT_LOADED}/{table.name}"] = select(table).where(mine)
    found: Found = {}
    for name, statement in statements.items():
        rows = (await connection.execute(statement)).mappings().all()
        # The token of a request under way is a secret of the bot, not data of the person.
        found[name] = [{k: v for k, v in row.items() if k != "token"} for row in rows]
    return found


def _ownerless(connection: Connection, plugins: Plugins) -> list[Table]:
    """Return the tables of plugins that are switched off, set aside or gone, and so cannot say what they keep."""
    known = {version_table(line) for line in (CORE, *plugins.loaded)}
    names = inspect(connection).get_table_names()
    if not any(name.endswith(version_table("")) and name not in known for name in names):
        return []
    absent = {line for line in lines(connection) if version_table(line) not in known}
    return [table for line, own in tables(connection).items() if line in absent for table in own]


def _columns(table: Table, pattern: re.Pattern[str]) -> list[Any]:
    kinds = (Integer, String)
    return [each for each in table.columns if pattern.fullmatch(each.name) and isinstance(each.type, kinds)]


def _names(column: Any, user: int) -> Any:
    # In 64 bits: PostgreSQL would take the column's own for what it is compared with.
    return column == (str(user) if isinstance(column.type, String) else literal(user, BigInteger))


def _forgetting(table: Table, user: int) -> list[Delete | Update]:
    """Return how to forget a person in a table of which only the names of its columns are known."""
    statements: list[Delete | Update] = [
        delete(table).where(_names(column, user)) for column in _columns(table, OWNED)
    ]
    for column in _columns(table, MENTIONED):
        where = _names(column, user)
        # The name that stands beside "posted_by" is in "posted_name".
        name = table.columns.get(f"{column.name.removesuffix('_by')}_name")
        nothing = {each: None for each in (column, name) if each is not None and each.nullable}
        statements.append(
            update(table).where(where).values(nothing) if column.nullable else delete(table).where(where)
        )
    return statements


def _own(found: Found, plugin: str) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    start = f"{plugin}/"
    return {name.removeprefix(start): rows for name, rows in found.items() if name.startswith(start)}


def _overwrite_log(path: Path) -> None:
    """Have SQLite write its log back and empty it: until then the log holds removed rows as they were.

    In the file itself SQLite overwrites them. Where somebody reads just then, the next checkpoint does it.
    """
    with closing(sqlite3.connect(path, timeout=5)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
