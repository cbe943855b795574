"""What people read when the database itself is in trouble: away, full, or held by others for too long."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from shared.errors import Fault

# https://www.postgresql.org/docs/15/errcodes-appendix.html
_FULL: Final = ("53100", "53200", "53400")
_BUSY: Final = ("53300", "55P03", "40P01", "40001", "57014")
_DAMAGED: Final = ("XX001", "XX002")
_AWAY: Final = ("08", "57P", "58")


class DatabaseTrouble(Fault):
    """The database did not do it, and would later: nothing was written. The driver's error is its cause."""

    def __str__(self) -> str:
        # For the log and the command line; people in chat read the text alone.
        cause = str(self.__cause__ or "").partition("\n")[0][:200]
        return f"{self.text} ({cause})" if cause else str(self.text)

    @staticmethod
    def busy() -> "DatabaseTrouble":
        """Say that others hold it."""
        return DatabaseTrouble("The database is busy: others have held it for too long.")

    @staticmethod
    def full() -> "DatabaseTrouble":
        """Say that there is no room left."""
        return DatabaseTrouble("There is no room left for the database.")

    @staticmethod
    def away() -> "DatabaseTrouble":
        """Say that it cannot be reached, or broke off."""
        return DatabaseTrouble("The database does not answer.")

    @staticmethod
    def damaged() -> "DatabaseTrouble":
        """Say that its files are not whole."""
        return DatabaseTrouble("The database is damaged.")


@contextmanager
def told() -> Iterator[None]:
    """Raise what a driver raises about the state of the database as `DatabaseTrouble`; all else as it is."""
    try:
        yield
    except Exception as error:
        if (trouble := trouble_of(error)) is not None:
            raise trouble from error
        raise


@contextmanager
def told_of_connecting() -> Iterator[None]:
    """Do the same for what the network raises while a connection is made, which `told` must leave to others."""
    try:
        yield
    except OSError as error:
        raise DatabaseTrouble.away() from error


def trouble_of(error: Exception) -> DatabaseTrouble | None:
    """Return what an error says about the state of the database; None where it is about the request."""
    if isinstance(error, NoConnectionFree):
        return DatabaseTrouble.busy()
    # What asyncpg raises while it connects, SQLAlchemy does not wrap.
    cause: BaseException | None = error.orig if isinstance(error, DBAPIError) else error
    if (code := getattr(cause, "sqlite_errorname", None)) is not None:
        return _of_sqlite(str(code))
    if (state := getattr(cause, "sqlstate", None)) is not None:
        return _of_postgres(str(state))
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return DatabaseTrouble.away()
    if type(cause).__module__.startswith("asyncpg.") and not isinstance(error, DBAPIError):
        return DatabaseTrouble.away()
    return None


def is_held(error: DBAPIError) -> bool:
    """Tell whether another process held SQLite's file for longer than it was waited for."""
    return str(getattr(error.orig, "sqlite_errorname", "")).startswith("SQLITE_BUSY")


def _of_sqlite(name: str) -> DatabaseTrouble | None:
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return DatabaseTrouble.busy()
    if name.startswith("SQLITE_FULL"):
        return DatabaseTrouble.full()
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return DatabaseTrouble.damaged()
    if name.startswith(("SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_READONLY")):
        return DatabaseTrouble.away()
    return None


def _of_postgres(state: str) -> DatabaseTrouble | None:
    if state in _FULL:
        return DatabaseTrouble.full()
    if state in _BUSY:
        return DatabaseTrouble.busy()
    if state in _DAMAGED:
        return DatabaseTrouble.damaged()
    if state.startswith(_AWAY):
        return DatabaseTrouble.away()
    return None
