"""The database: SQLite by default, PostgreSQL by address; one async engine a process.

Times are integer milliseconds since 1970 UTC, which both databases keep alike. On SQLite a transaction begins
with BEGIN IMMEDIATE: the driver's own begins too late, and two writers then lock each other out. Within one
process they take turns, first come first served, where SQLite's own waiting would starve some.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.sql.schema import Table

BUSY_TIMEOUT_MS: Final = 5000
T = TypeVar("T")


def now_ms() -> int:
    """Return the time as the database keeps it: milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


class Database:
    """Connections to one database. `begin()` for reads and writes: it commits at the end, or rolls back."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite and self.url.database not in (None, "", ":memory:"):
            Path(str(self.url.database)).parent.mkdir(parents=True, exist_ok=True)
        options: dict[str, Any] = (
            {"pool_size": 1} if self.is_sqlite else {"pool_size": 5, "pool_pre_ping": True}
        )
        # Values may be personal, and errors go to the log.
        options["hide_parameters"] = True
        self._turn = asyncio.Lock() if self.is_sqlite else nullcontext()
        self.engine: AsyncEngine = create_async_engine(self.url, **options)
        self._direct: Engine | None = None
        self._thread = ThreadPoolExecutor(1, "database")
        if self.is_sqlite:
            self._direct = create_engine(self.url.set(drivername="sqlite"), pool_size=1, hide_parameters=True)
            for engine in (self.engine.sync_engine, self._direct):
                event.listen(engine, "connect", _on_sqlite_connect)
                event.listen(engine, "begin", _on_sqlite_begin)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction."""
        async with self._turn, self.engine.begin() as connection:
            yield connection

    def insert(self, table: Table) -> Any:
        """Return an INSERT of this database's dialect, which knows `on_conflict_do_update` and `…_nothing`."""
        return (sqlite.insert if self.is_sqlite else postgresql.insert)(table)

    async def transact(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a transaction of its own, and return what it returns; for the short ones that are many.

        On SQLite the whole of it is one visit to one thread, where each statement of `begin()` is several.
        """
        if self._direct is None:
            async with self.engine.begin() as connection:
                return await connection.run_sync(work)
        async with self._turn:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._once, work)

    def _once(self, work: Callable[[Connection], T]) -> T:
        assert self._direct is not None, "callers see to it"
        with self._direct.begin() as connection:
            return work(connection)

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()
        if self._direct is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._direct.dispose)
        self._thread.shutdown()


def _on_sqlite_connect(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL", "synchronous=NORMAL", f"busy_timeout={BUSY_TIMEOUT_MS}", "foreign_keys=ON"
    ):  # fmt: skip
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _on_sqlite_begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
