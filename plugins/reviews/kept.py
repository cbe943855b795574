"""What buttons under topics need, kept for a day: the table and its cuts, sealed, in a folder with a random name.

A row of `reviews_kept` says whose it is. Without the row a folder is as good as gone: nobody can open it any more, and
the sweep removes it.
"""

import asyncio
import re
import secrets
import shutil
import zlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
from sqlalchemy import Connection, delete, insert, select

from plugins.reviews.intake import Intake, taken
from plugins.reviews.model import Clustering
from plugins.reviews.tables import kept
from shared.context import Context, JobContext
from shared.database import Database, now_ms
from shared.durable import write_file
from shared.errors import BadInput
from shared.vault import Vault, VaultError

HOURS: Final = 24
DAY_MS: Final = HOURS * 3_600_000
MAX_BYTES: Final = 256 * 2**20
"""Of all that is kept; the oldest goes first."""
MAX_OPENED: Final = 64 * 2**20
"""Bytes of one table, once it is unpacked."""
CUTS: Final = 50
"""Cuts of one table that are kept; the oldest goes first."""
TABLE: Final = "table"
KEPT: Final = "kept"
CACHE: Final = "cache"
"""Folders of the plugin's: kept tables, and vectors of texts."""
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")


class KeptTable(msgspec.Struct, frozen=True):
    """The rows that were read, where the texts and days are in them, and what they are the reviews of.

    `place` is the followed place that they are of; then `ids` are their review ids, row by row.
    """

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    text_at: int
    date_at: int | None
    left_out: int = 0
    place: str | None = None
    ids: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, name: str, intake: Intake, place: str | None = None, ids: tuple[str, ...] = ()
    ) -> "KeptTable":
        """Keep what was taken in."""
        return cls(
            name, intake.columns, intake.rows, intake.text_at, intake.date_at, intake.left_out, place, ids
        )

    def intake(self) -> Intake:
        """Return the reviews."""
        return taken(self.columns, self.rows, self.text_at, self.date_at, self.left_out)


@dataclass(frozen=True)
class Opened:
    """What a button is about: a table, and one way to cut its tree."""

    key: str
    cut: str
    table: KeptTable
    clustering: Clustering


class Shelf:
    """The folder of kept tables. Its methods take a while for large tables, beside the loop."""

    def __init__(self, folder: Path, vault: Vault, database: Database) -> None:
        self._folder, self._vault, self._database = folder / KEPT, vault, database

    @classmethod
    def of(cls, ctx: Context | JobContext) -> "Shelf":
        """Return the plugin's own."""
        return cls(ctx.folder, ctx.vault, ctx.database)

    async def put(self, table: KeptTable, clustering: Clustering, user: int) -> Opened:
        """Keep a table and its first cut, in the name of a person."""
        key, cut = secrets.token_urlsafe(15), secrets.token_urlsafe(9)
        row = insert(kept).values(id=key, user_id=user, created_ms=now_ms())
        await self._database.transact(lambda connection: connection.execute(row).close())
        await asyncio.to_thread(self._write, key, {TABLE: table, cut: clustering})
        await asyncio.to_thread(self._bound)
        return Opened(key, cut, table, clustering)

    async def put_cut(self, opened: Opened, clustering: Clustering) -> Opened:
        """Keep another cut of a table that is kept."""
        cut = secrets.token_urlsafe(9)
        await asyncio.to_thread(self._write, opened.key, {cut: clustering})
        return Opened(opened.key, cut, opened.table, clustering)

    async def find(self, key: str, cut: str) -> Opened:
        """Return what is kept. Raises `BadInput` where it is not any more."""
        gone = BadInput(
            "These reviews are not kept any more ({hours} hours have passed): cluster them again.",
            hours=HOURS,
        )
        query = select(kept.c.id).where(kept.c.id == key, kept.c.created_ms > now_ms() - DAY_MS)
        found = await self._database.transact(lambda connection: connection.execute(query).one_or_none())
        if found is None or not (_NAME.fullmatch(key) and _NAME.fullmatch(cut)):
            raise gone
        try:
            table, clustering = await asyncio.to_thread(self._read, key, cut)
        except (OSError, VaultError, msgspec.MsgspecError, zlib.error):
            raise gone from None
        return Opened(key, cut, table, clustering)

    async def sweep(self) -> int:
        """Remove what has had its day, and what has no owner any more; return how many folders went."""

        def known(connection: Connection) -> set[str]:
            connection.execute(delete(kept).where(kept.c.created_ms <= now_ms() - DAY_MS))
            return set(connection.execute(select(kept.c.id)).scalars())

        # Before the rows are read: a folder that is made meanwhile is not among them.
        there = await asyncio.to_thread(lambda: [path.name for path in self._folders()])
        names = await self._database.transact(known)
        return await asyncio.to_thread(self._remove, [name for name in there if name not in names])

    def _write(self, key: str, parts: dict[str, KeptTable | Clustering]) -> None:
        folder = self._folder / key
        folder.mkdir(parents=True, exist_ok=True)
        for name, part in parts.items():
            packed = zlib.compress(msgspec.msgpack.encode(part), 1)
            sealed = self._vault.seal(packed, _about(key, name))
            write_file(folder / name, sealed, folder / f".{secrets.token_hex(6)}")
        cuts = sorted(_files(folder, besides=TABLE), key=lambda path: path.stat().st_mtime_ns)
        for path in cuts[:-CUTS]:
            path.unlink(missing_ok=True)

    def _read(self, key: str, cut: str) -> tuple[KeptTable, Clustering]:
        table = msgspec.msgpack.decode(self._opened(key, TABLE), type=KeptTable)
        return table, msgspec.msgpack.decode(self._opened(key, cut), type=Clustering)

    def _opened(self, key: str, name: str) -> bytes:
        return _opened(self._folder / key / name, self._vault)

    def _bound(self) -> None:
        folders = sorted(self._folders(), key=lambda path: path.stat().st_mtime_ns, reverse=True)
        total, old = 0, []
        for at, folder in enumerate(folders):
            total += sum(path.stat().st_size for path in _files(folder))
            if at and total > MAX_BYTES:
                old.append(folder.name)
        self._remove(old)

    def _folders(self) -> list[Path]:
        return [path for path in self._folder.iterdir() if path.is_dir()] if self._folder.is_dir() else []

    def _remove(self, names: Iterable[str]) -> int:
        count = 0
        for name in names:
            shutil.rmtree(self._folder / name, ignore_errors=True)
            count += 1
        return count


def tables_of(folder: Path, vault: Vault, keys: Iterable[str]) -> dict[str, KeptTable]:
    """Return the tables that are kept under these keys in the plugin's folder, but for those that cannot be read."""
    found = {}
    for key in keys:
        with suppress(OSError, VaultError, msgspec.MsgspecError, zlib.error):
            found[key] = msgspec.msgpack.decode(_opened(folder / KEPT / key / TABLE, vault), type=KeptTable)
    return found


def remove_tables(folder: Path, keys: Iterable[str]) -> int:
    """Remove the tables that are kept under these keys in the plugin's folder; return how many files went."""
    count = 0
    for path in (folder / KEPT / key for key in keys if _NAME.fullmatch(key)):
        count += len(_files(path)) if path.is_dir() else 0
        shutil.rmtree(path, ignore_errors=True)
    return count


def _opened(path: Path, vault: Vault) -> bytes:
    packed = vault.open(path.read_bytes(), _about(path.parent.name, path.name))
    unpacker = zlib.decompressobj()
    data = unpacker.decompress(packed, MAX_OPENED)
    if not unpacker.eof:
        raise zlib.error("more than is kept")
    return data


def _about(key: str, name: str) -> str:
    return f"reviews/{key}/{name}"


def _files(folder: Path, besides: str = "") -> list[Path]:
    return [path for path in folder.iterdir() if path.name != besides and not path.name.startswith(".")]
