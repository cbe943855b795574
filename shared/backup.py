"""Makes a backup: rows, model store and files of plugins in one file, as they were at one moment, beside a running bot.

The rows are read in one transaction, and the files after it, so that what a row refers to is there. Left out are the
secret key, interactions under way (their tokens are secrets), and what plugins only cache.
"""

import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from shared.backup_archive import (
    MODELS,
    PLUGINS,
    TABLES,
    Archive,
    ArchiveWriter,
    BadBackup,
    Manifest,
    TableNote,
    check_name,
)
from shared.backup_rows import columns, tables, write_rows
from shared.database import Database
from shared.durable import sync
from shared.errors import BadInput, Refusal
from shared.in_use import in_use
from shared.migrate import CORE, lines
from shared.model import Progress
from shared.settings import Settings
from shared.store import POINTER, Damaged, Store

SECRET: Final = frozenset({"pending"})
"""Tables that are left out: tokens by which anybody could answer in the bot's name."""
CACHE: Final = "cache"
"""A plugin's folder of this name holds what can be had again."""
PART: Final = ".part"


@dataclass
class Made:
    """What a backup holds, and what was left out of it because it is damaged or may be code."""

    path: Path
    size: int
    manifest: Manifest
    left_out: list[str] = field(default_factory=list)


async def back_up(
    settings: Settings,
    path: Path,
    *,
    force: bool = False,
    progress: Progress = lambda _done, _note="": None,
) -> Made:
    """Write a backup to `path`, whole or not at all, and read it once more.

    Unless `force`, raises `BadInput` where there is such a file. Raises `Refusal`, `OSError`.
    """
    there = BadInput("{file} is there already: --force replaces it.", file=path)
    if path.exists() and not force:
        raise there
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}{PART}")
    database = Database(settings.database, "hearth backup")
    try:
        if database.file is not None and not database.file.exists():
            raise Refusal("There is nothing to back up: the database is not there.")
        with in_use(settings):
            manifest, left_out = await _write(settings, database, part, progress)
        with Archive.open(part, limit=manifest.unpacked) as archive:
            archive.verify(lambda done, note="": progress(0.5 + done / 2, note))
        _put(part, path, force, there)
    finally:
        part.unlink(missing_ok=True)
        await database.close()
    return Made(path, path.stat().st_size, manifest, left_out)


async def _write(
    settings: Settings, database: Database, part: Path, progress: Progress
) -> tuple[Manifest, list[str]]:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with os.fdopen(os.open(part, flags, 0o600), "wb") as file, ArchiveWriter(file) as writer:
        left_out: list[str] = []

        def rows(connection: Connection) -> tuple[dict[str, str], dict[str, TableNote]]:
            revisions = lines(connection)
            if CORE not in revisions:
                raise Refusal("There is nothing to back up: the database has no tables of Hearth's yet.")
            return revisions, _rows(connection, writer, progress)

        async with database.snapshot() as connection:
            revisions, noted = await connection.run_sync(rows)
        for name, source in [*_models(settings, left_out), *_files(settings, left_out)]:
            progress(0.4, name)
            _copy(writer, name, source, left_out)
        manifest = writer.finish(
            hearth=hearth_version(),
            database=database.url.get_backend_name(),
            revisions=revisions,
            tables=noted,
        )
        file.flush()
        os.fsync(file.fileno())
    return manifest, left_out


def _rows(connection: Connection, writer: ArchiveWriter, progress: Progress) -> dict[str, TableNote]:
    noted = {}
    found = [(line, table) for line, own in tables(connection).items() for table in own]
    for number, (line, table) in enumerate(found):
        progress(0.4 * number / len(found), table.name)
        if table.name not in SECRET:
            with writer.entry(f"{TABLES}/{table.name}.jsonl") as entry:
                count = write_rows(connection, table, entry)
            noted[str(table.name)] = TableNote(line, columns(table), count)
    return noted


def _models(settings: Settings, left_out: list[str]) -> Iterator[tuple[str, Path]]:
    store = Store(settings.models_dir)
    for model in store.names():
        # Before the versions: one that it names is there by now.
        pointer = store.root / model / POINTER
        if pointer.exists():
            yield f"{MODELS}/{model}/{POINTER}", pointer
        for version_ in store.versions(model):
            try:
                folder = store.open(model, version_)
            except Damaged as error:
                left_out.append(f"{MODELS}/{model}/{version_}: {error}")
                continue
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    yield f"{MODELS}/{model}/{version_}/{path.relative_to(folder).as_posix()}", path


def _files(settings: Settings, left_out: list[str]) -> Iterator[tuple[str, Path]]:
    root = settings.data_dir / PLUGINS
    for parent, folders, names in os.walk(root):
        # Links are not followed; hidden files are somebody's half-written ones.
        folders[:] = sorted(name for name in folders if name != CACHE and not name.startswith("."))
        for name in sorted(names):
            path = Path(parent, name)
            relative = f"{PLUGINS}/{path.relative_to(root).as_posix()}"
            if name.startswith("."):
                continue
            if path.is_symlink() or not path.is_file():
                left_out.append(f"{relative}: is no plain file")
            else:
                yield relative, path


def _copy(writer: ArchiveWriter, name: str, source: Path, left_out: list[str]) -> None:
    try:
        check_name(name)
        with source.open("rb") as file:
            writer.copy(name, file)
    except BadBackup:
        left_out.append(f"{name}: may be code, or has a name that is not taken back")
    except FileNotFoundError:
        # Removed meanwhile, as the files of plugins are.
        pass


def _put(part: Path, path: Path, force: bool, otherwise: BadInput) -> None:
    if force:
        part.replace(path)
    else:
        try:
            # A link fails where the name is taken meanwhile; a rename would replace another's file.
            os.link(part, path)
        except FileExistsError:
            raise otherwise from None
        except OSError:
            # A file system without links.
            part.rename(path)
    sync(path.absolute().parent)


def hearth_version() -> str:
    """Return the version of Hearth that is installed."""
    try:
        return version("hearth-bot")
    except PackageNotFoundError:
        return "unknown"
