"""Puts a backup back: everything of it, or nothing.

Files are unpacked beside those that are there. Then one transaction replaces all rows, and notes the restore in the
audit log: once that is committed the restore has happened, and the folders are swapped. A process that is killed in
between leaves the unpacked files behind; whoever comes next sees in the audit log whether to swap them in or to throw
them away.
"""

import asyncio
import contextlib
import json
import os
import secrets
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, MetaData, Table, func, insert, inspect, select

from shared.backup_archive import (
    CHUNK,
    LIMIT,
    MODELS,
    PARTS,
    PLUGINS,
    TABLES,
    Archive,
    BadBackup,
    Manifest,
)
from shared.backup_rows import read_rows, tables
from shared.database import Database, now_ms
from shared.durable import sync, sync_tree
from shared.errors import HearthError, Refusal
from shared.in_use import check_alone, for_oneself
from shared.migrate import (
    CORE,
    CORE_MIGRATIONS,
    downgrade,
    lines,
    revisions,
    take_turn,
    upgrade,
    version_table,
)
from shared.model import Progress
from shared.settings import Settings
from shared.tables import audit

STAGING: Final = ".restore-"
OLD: Final = "old-"
ACT: Final = "restore"


@dataclass(frozen=True)
class Restored:
    """What was put back."""

    manifest: Manifest
    rows: int
    files: int


async def restore(
    settings: Settings,
    path: Path,
    folders: Mapping[str, Path],
    *,
    force: bool = False,
    without: Collection[str] = (),
    limit: int = LIMIT,
    progress: Progress = lambda _done, _note="": None,
) -> Restored:
    """Replace database, model store and files of plugins by those of a backup.

    `folders` are the migrations of the plugins that are here; what is of the plugins `without` is left out. Raises
    `BadBackup`, `Busy` where a bot runs, `Refusal` where there is something already and not `force`.
    """
    with Archive.open(path, limit) as archive:
        known = {CORE: CORE_MIGRATIONS, **folders}
        check_revisions(archive.manifest, known, without)
        archive.verify(lambda done, note="": progress(done / 2, note))
        with for_oneself(settings):
            database = Database(settings.database, "hearth restore")
            try:
                await _finish(settings, database)
                return await _replace(settings, database, archive, known, force, frozenset(without), progress)
            finally:
                await database.close()


async def finish_interrupted(settings: Settings) -> None:
    """Bring a restore whose process was killed to its end, forward or back. Raises `Busy` while one is under way."""
    if not _staged(settings):
        return
    with for_oneself(settings):
        database = Database(settings.database, "hearth restore")
        try:
            await _finish(settings, database)
        finally:
            await database.close()


def check_revisions(manifest: Manifest, known: Mapping[str, Path], without: Collection[str] = ()) -> None:
    """Raise `Refusal` where the backup is of a newer Hearth, or of a plugin that is not here."""
    if CORE not in manifest.revisions:
        raise BadBackup("The backup has no tables of the core.")
    known = {CORE: CORE_MIGRATIONS, **known}
    for line, revision in manifest.revisions.items():
        if line in without and line != CORE:
            continue
        if line not in known:
            raise Refusal(
                "The backup has data of the plugin {name}, which is not here. Install it, or leave its data out: "
                "--without {name}.",
                name=line,
            )
        if revision not in revisions(known[line]):
            whose = "Hearth" if line == CORE else f"the plugin {line}"
            raise Refusal(
                "The backup was made by a newer version of {whose} (revision {revision}; the newest known here is "
                "{newest}). Install that, then restore.",
                whose=whose,
                revision=revision[:40],
                newest=revisions(known[line])[-1],
            )


async def _replace(
    settings: Settings,
    database: Database,
    archive: Archive,
    known: Mapping[str, Path],
    force: bool,
    without: frozenset[str],
    progress: Progress,
) -> Restored:
    occupied = [part for part in PARTS if _has_files(settings.data_dir / part)]
    taken = Refusal(
        "{what} of this installation is not empty: --force replaces it wholly.",
        what=f"The folder {occupied[0]}" if occupied else "The database",
    )
    if occupied and not force:
        raise taken
    names = [name for name in archive.manifest.files if _is_wanted(name, without)]
    staged = settings.data_dir / f"{STAGING}{secrets.token_hex(8)}"
    may_have_happened = False

    def work(connection: Connection) -> int:
        nonlocal may_have_happened
        take_turn(connection)
        check_alone(connection)
        if not force and _has_rows(connection):
            raise taken
        _clear(connection)
        count = _fill(connection, archive, known, without, progress)
        details = {"id": staged.name, "made": archive.manifest.created.isoformat(), "rows": count}
        row = {"at_ms": now_ms(), "act": ACT, "details": json.dumps(details)}
        connection.execute(insert(audit).values(row))
        may_have_happened = True
        return count

    try:
        await asyncio.to_thread(_unpack, archive, names, settings.data_dir, staged)
        async with database.begin() as connection:
            count = await connection.run_sync(work)
    except BaseException:
        if not may_have_happened:
            shutil.rmtree(staged, ignore_errors=True)
        # Whether it was committed the audit log tells, now or to who comes next.
        with contextlib.suppress(HearthError, OSError):
            await _finish(settings, database)
        raise
    _swap(settings.data_dir, staged)
    return Restored(archive.manifest, count, len(names))


def _is_wanted(name: str, without: frozenset[str]) -> bool:
    part, owner, *_ = name.split("/")
    return part == MODELS or (part == PLUGINS and owner not in without)


def _unpack(archive: Archive, names: list[str], root: Path, staged: Path) -> None:
    root.mkdir(parents=True, exist_ok=True)
    needed, free = sum(archive.manifest.files[name].size for name in names), shutil.disk_usage(root).free
    if needed > free:
        raise Refusal(
            "The files need {needed} MiB, and {free} MiB are free.", needed=needed >> 20, free=free >> 20
        )
    for part in PARTS:
        (staged / part).mkdir(parents=True)
    for name in names:
        # Names were judged when the backup was opened.
        target = staged / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.stream(name) as source, target.open("xb") as file:
            while chunk := source.read(CHUNK):
                file.write(chunk)
    sync_tree(staged)
    sync(root)


def _clear(connection: Connection) -> None:
    """Take the core back to nothing, and drop the tables of every plugin, also of one that is not here."""
    owned = tables(connection)
    for line, revision in lines(connection).items():
        if line == CORE:
            if revision not in revisions():
                raise Refusal(
                    "The database is at revision {revision}, of a newer Hearth: empty it yourself, or install that.",
                    revision=revision,
                )
            downgrade(connection, CORE, CORE_MIGRATIONS)
            continue
        for table in reversed(owned[line]):
            table.drop(connection)
        Table(version_table(line), MetaData()).drop(connection)


def _fill(
    connection: Connection,
    archive: Archive,
    known: Mapping[str, Path],
    without: frozenset[str],
    progress: Progress,
) -> int:
    """Make the tables as they were when the backup was made, fill them, and bring them up to date."""
    stated = {name: note for name, note in archive.manifest.tables.items() if note.line not in without}
    here = {line: revision for line, revision in archive.manifest.revisions.items() if line not in without}
    for line, revision in here.items():
        upgrade(connection, line, known[line], revision)
    there = {table.name: table for own in tables(connection).values() for table in own}
    if unknown := stated.keys() - there.keys():
        raise BadBackup("This Hearth has no table {table} at that revision.", table=min(unknown))
    count = 0
    for number, (name, table) in enumerate(there.items()):
        if (note := stated.get(name)) is None:
            continue
        progress(0.5 + number / len(there) / 2, name)
        with archive.stream(f"{TABLES}/{name}.jsonl") as source:
            rows = read_rows(connection, table, source, note.columns)
        if rows != note.rows:
            raise BadBackup("{table} has {rows} rows, not {stated}.", table=name, rows=rows, stated=note.rows)
        count += rows
    for line in here:
        upgrade(connection, line, known[line])
    return count


def _has_rows(connection: Connection) -> bool:
    def is_filled(table: Table) -> bool:
        return bool(
            connection.execute(select(func.count()).select_from(select(table).limit(1).subquery())).scalar()
        )

    return any(is_filled(table) for own in tables(connection).values() for table in own)


def _has_files(folder: Path) -> bool:
    return any(not name.startswith(".") for _, _, names in os.walk(folder) for name in names)


def _staged(settings: Settings) -> list[Path]:
    return sorted(settings.data_dir.glob(f"{STAGING}*"))


async def _finish(settings: Settings, database: Database) -> None:
    """Swap in what belongs to rows that were committed, and throw the rest away. Only while nobody else is here."""
    for folder in _staged(settings):
        if await database.transact(lambda connection, name=folder.name: _happened(connection, name)):  # type: ignore[misc]
            _swap(settings.data_dir, folder)
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _happened(connection: Connection, name: str) -> bool:
    # A server may still be committing what a process asked for before it was killed.
    take_turn(connection)
    if not inspect(connection).has_table(audit.name):
        return False
    query = select(audit.c.details).where(audit.c.act == ACT).order_by(audit.c.id.desc()).limit(100)
    return any(json.loads(details).get("id") == name for details in connection.execute(query).scalars())


def _swap(root: Path, staged: Path) -> None:
    """Put the unpacked folders in the places of the old ones; what an earlier try has done is not done again."""
    for part in PARTS:
        fresh, place, old = staged / part, root / part, staged / f"{OLD}{part}"
        if not fresh.exists():
            continue
        if place.exists() and not old.exists():
            place.rename(old)
        fresh.rename(place)
        sync(root)
    shutil.rmtree(staged)
