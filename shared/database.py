"""The database: SQLite by default, PostgreSQL by address; one async engine a process.

Times are integer milliseconds since 1970 UTC, which both databases keep alike. On SQLite a transaction begins
with BEGIN IMMEDIATE: the driver's own begins too late, and two writers then lock each other out. Within one
process they take turns, first come first served, where SQLite's own waiting would starve some.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import NullPool, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.sql.schema import Table

from shared.database_trouble import DatabaseTrouble, is_held, told, told_of_connecting

BUSY_TIMEOUT_MS: Final = 5000
TURN_SECONDS: Final = 20
"""How long a transaction on SQLite waits for those of the same process before it."""
CONNECT_SECONDS: Final = 10
APPLICATION: Final = "hearth"
"""Under this name PostgreSQL knows the connections of bots; a restore looks for it."""
T = TypeVar("T")


def now_ms() -> int:
    """Return the time as the database keeps it: milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


class Database:
    """Connections to one database. `begin()` for reads and writes: it commits at the end, or rolls back.

    What goes wrong with the database itself (it is away, full, or held by others) is raised as `DatabaseTrouble`.
    """

    def __init__(self, url: str, application: str = APPLICATION) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if (path := self.file) is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        options: dict[str, Any] = (
            {"pool_size": 1} if self.is_sqlite else {"pool_size": 5, "pool_pre_ping": True}
        )
        if self.url.drivername == "postgresql+asyncpg":
            options["connect_args"] = {
                "timeout": CONNECT_SECONDS,
                "server_settings": {"application_name": application},
            }
        # Values may be personal, and errors go to the log.
        options["hide_parameters"] = True
        self._turn = asyncio.Lock() if self.is_sqlite else None
        self._found_held = 0
        self.engine: AsyncEngine = create_async_engine(self.url, **options)
        self._direct: Engine | None = None
        self._thread = ThreadPoolExecutor(1, "database")
        if self.is_sqlite:
            self._direct = create_engine(self.url.set(drivername="sqlite"), pool_size=1, hide_parameters=True)
            for engine in (self.engine.sync_engine, self._direct):
                event.listen(engine, "connect", _on_sqlite_connect)
                event.listen(engine, "begin", _on_sqlite_begin)

    @property
    def file(self) -> Path | None:
        """The file that SQLite keeps it in; None for PostgreSQL, and in memory."""
        there = self.is_sqlite and self.url.database not in (None, "", ":memory:")
        return Path(str(self.url.database)) if there else None

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction. Raises `DatabaseTrouble`."""
        with told():
            async with AsyncExitStack() as stack:
                await stack.enter_async_context(self._taking_turns())
                with told_of_connecting():
                    connection = await stack.enter_async_context(self.engine.begin())
                yield connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that reads the database as it is now, and keeps nobody from writing meanwhile."""
        async with AsyncExitStack() as stack:
            if not self.is_sqlite:
                engine = self.engine.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            else:
                engine = create_async_engine(self.url, poolclass=NullPool, hide_parameters=True)
                stack.push_async_callback(engine.dispose)
                event.listen(engine.sync_engine, "connect", _on_sqlite_reader)
                event.listen(engine.sync_engine, "begin", _on_sqlite_reading)
            with told(), told_of_connecting():
                connection = await stack.enter_async_context(engine.connect())
                await stack.enter_async_context(connection.begin())
            with told():
                # The first look is what fixes the moment, on both.
                await connection.exec_driver_sql(
                    "SELECT count(*) FROM sqlite_master" if self.is_sqlite else "SELECT 1"
                )
                yield connection

    def insert(self, table: Table) -> Any:
        """Return an INSERT of this database's dialect, which knows `on_conflict_do_update` and `…_nothing`."""
        return (sqlite.insert if self.is_sqlite else postgresql.insert)(table)

    async def transact(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a transaction of its own, and return what it returns; for the short ones that are many.

        On SQLite the whole of it is one visit to one thread, where each statement of `begin()` is several. Raises
        `DatabaseTrouble`.
        """
        if self._direct is None:
            async with self.begin() as connection:
                return await connection.run_sync(work)
        with told():
            async with self._taking_turns():
                return await asyncio.get_running_loop().run_in_executor(self._thread, self._once, work)

    def _once(self, work: Callable[[Connection], T]) -> T:
        assert self._direct is not None, "callers see to it"
        with self._direct.begin() as connection:
            return work(connection)

    @asynccontextmanager
    async def _taking_turns(self) -> AsyncIterator[None]:
        if self._turn is None:
            yield
            return
        found_held = self._found_held
        try:
            async with asyncio.timeout(TURN_SECONDS):
                await self._turn.acquire()
        except TimeoutError:
            raise DatabaseTrouble.busy() from None
        try:
            # Who stood behind one that waited in vain has waited as long: all are told at once, not one after another.
            if self._found_held != found_held:
                raise DatabaseTrouble.busy()
            yield
        except DBAPIError as error:
            self._found_held += is_held(error)
            raise
        finally:
            self._turn.release()

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()
        if self._direct is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._direct.dispose)
        self._thread.shutdown()


def _on_sqlite_connect(connection: Any, _record: Any) -> None:
    # What is removed is overwritten: it may be what somebody had forgotten.
    _set(connection, "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "secure_delete=ON")


def _on_sqlite_reader(connection: Any, _record: Any) -> None:
    _set(connection, "query_only=ON")


def _set(connection: Any, *pragmas: str) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (f"busy_timeout={BUSY_TIMEOUT_MS}", *pragmas):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _on_sqlite_begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _on_sqlite_reading(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")
