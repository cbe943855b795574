"""Checks of the database: that it answers and can be written, its tables, its file, its clock, and the jobs in it."""

import asyncio
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from alembic.script import ScriptDirectory
from sqlalchemy import extract, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.doctor.finding import Finding
from bot.doctor.jobs import jobs
from shared.database import Database, now_ms
from shared.migrate import CORE_MIGRATIONS, current_revision, newest_revision
from shared.plugins import Plugins
from shared.settings import Settings
from shared.tables import audit, job_run

DATABASE_SECONDS: Final = 10
LARGE_LOG: Final = 64 * 2**20
"""Of SQLite's write-ahead log: it is cut at some MiB, unless somebody reads on and on."""
QUICK: Final = 512 * 2**20
"""Up to so large a file is checked whole."""
SKEW_MS: Final = 5_000


async def database(settings: Settings, plugins: Plugins) -> list[Finding]:
    """Try the database, and look at what is in it; nothing is changed."""
    opened = Database(settings.database)
    where = opened.url.render_as_string(hide_password=True)
    remedy = "Check HEARTH_DATABASE_URL and that it is running."
    try:
        async with asyncio.timeout(DATABASE_SECONDS), opened.begin() as connection:
            at = await connection.run_sync(current_revision)
            # A start may have to make tables, so that is what is tried.
            trial = f"hearth_doctor_{os.getpid()}"
            await connection.execute(text(f"CREATE TABLE {trial} (id INTEGER)"))
            await connection.execute(text(f"DROP TABLE {trial}"))
            findings = [schema(where, at, CORE_MIGRATIONS)]
            if at is not None:
                findings += await _tables_of_plugins(connection, plugins)
            if opened.is_sqlite:
                findings += await _file(connection, Path(str(opened.url.database)))
            else:
                findings.append(await _clock(connection))
            # Only tables that are as this version knows them can be asked.
            if at == newest_revision():
                findings += [await _future(connection), await jobs(connection)]
    except TimeoutError:
        return [Finding("database", "problem", f"{where}: no answer in {DATABASE_SECONDS} s", remedy)]
    # Every driver has its own errors for "not there" and "not allowed".
    except Exception as error:
        line = str(error.__cause__ or error).splitlines()[0][:200]
        return [Finding("database", "problem", f"{where}: {line}", remedy)]
    finally:
        await opened.close()
    return findings


async def has_started(settings: Settings) -> bool:
    """Tell whether a bot was ever started on this database; False where it cannot be asked."""
    # What is wrong with it, `database` says.
    with suppress(Exception):
        opened = Database(settings.database)
        try:
            async with asyncio.timeout(DATABASE_SECONDS), opened.begin() as connection:
                return await connection.run_sync(current_revision) is not None
        finally:
            await opened.close()
    return False


def schema(where: str, at: str | None, folder: Path, name: str = "database") -> Finding:
    """Compare the revision that a database is at with those that `folder` knows."""
    newest = newest_revision(folder)
    if at is None:
        return Finding(name, "ok", f"{where}, empty; the first start makes its tables")
    if at == newest:
        return Finding(name, "ok", f"{where}, revision {at}")
    scripts = ScriptDirectory(str(folder), version_locations=[str(folder / "versions")])
    if at in {script.revision for script in scripts.walk_revisions()}:
        seen = f"{where} is at revision {at}; the next start brings it to {newest}"
        return Finding(name, "warning", seen, "Make a backup, then start the bot.")
    seen = f"{where} is at revision {at}, which this version does not know"
    return Finding(name, "problem", seen, "Install the newer Hearth that made it, or restore a backup.")


async def _tables_of_plugins(connection: AsyncConnection, plugins: Plugins) -> list[Finding]:
    findings = []
    for plugin in plugins:
        if (folder := plugin.card.migrations) is None:
            continue
        at = await connection.run_sync(current_revision, plugin.name)
        found = schema(f"tables of {plugin.name}", at, folder, "database")
        if found.level != "ok":
            findings.append(found)
    return findings


async def _file(connection: AsyncConnection, path: Path) -> list[Finding]:
    """Look at SQLite's own files; `path` may be an address of SQLite's, of which nothing is known here."""
    if not path.is_file():
        return []
    findings, log = [], path.with_name(path.name + "-wal")
    size = path.stat().st_size
    if size <= QUICK:
        said = (await connection.exec_driver_sql("PRAGMA quick_check(1)")).scalar_one()
        if said != "ok":
            remedy = "Stop the bot, keep a copy of the file, and restore the last backup."
            findings.append(Finding("database file", "problem", f"is damaged: {str(said)[:150]}", remedy))
    if log.is_file() and (length := log.stat().st_size) > LARGE_LOG:
        remedy = "End what reads the file for long, such as a copy or a shell; a restart of the bot cuts it."
        seen = f"{log.name} has {length / 2**20:.0f} MiB"
        findings.append(Finding("database file", "warning", seen, remedy))
    return findings or [Finding("database file", "ok", f"{size / 2**20:.1f} MiB")]


async def _clock(connection: AsyncConnection) -> Finding:
    before = now_ms()
    theirs = (await connection.execute(select(extract("epoch", func.clock_timestamp()) * 1000))).scalar_one()
    ours = (before + now_ms()) / 2
    seen = f"{abs(float(theirs) - ours) / 1000:.1f} s apart from the database's"
    if abs(float(theirs) - ours) > SKEW_MS:
        return Finding("clock", "problem", seen, "Have NTP set both machines' clocks.")
    return Finding("clock", "ok", seen)


async def _future(connection: AsyncConnection) -> Finding:
    """Look for rows from the future: this clock is behind, or was ahead, or another bot's is."""
    found = [
        (await connection.execute(select(func.max(column)))).scalar_one() or 0
        for column in (audit.c.at_ms, job_run.c.started_ms, job_run.c.ended_ms)
    ]
    ahead = max(found) - now_ms()
    if ahead > SKEW_MS:
        seen = f"something in the database is of {ahead / 1000:.0f} s from now"
        remedy = "Have NTP set this clock, and those of the other bots: jobs and quotas go by them."
        return Finding("clock of rows", "warning", seen, remedy)
    return Finding("clock of rows", "ok", "nothing is from the future")
