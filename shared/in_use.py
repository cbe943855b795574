"""Tells whether a bot runs on a data folder or a database, so that a restore never writes under its feet.

Whoever uses them holds a lock file of the data folder (and of SQLite's own, where that lies elsewhere) in common; a
restore holds it alone. Bots of other machines are known by the name of their connections to PostgreSQL.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, make_url, text

from shared.database import APPLICATION
from shared.errors import Busy
from shared.settings import Settings

LOCK: Final = ".in-use"


@contextmanager
def in_use(settings: Settings) -> Iterator[None]:
    """Use the data folder beside others. Raises `Busy` while a restore replaces it."""
    with _held(settings, fcntl.LOCK_SH, Busy("A backup is being restored here: wait until that is done.")):
        yield


@contextmanager
def for_oneself(settings: Settings) -> Iterator[None]:
    """Have the data folder to oneself. Raises `Busy` where anybody uses it."""
    with _held(
        settings, fcntl.LOCK_EX, Busy("A bot runs on {folder}: stop it first.", folder=settings.data_dir)
    ):
        yield


def check_alone(connection: Connection) -> None:
    """Raise `Busy` where a bot, wherever it runs, is connected to this PostgreSQL database."""
    if connection.dialect.name != "postgresql":
        return
    query = text(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND application_name = :name AND pid <> pg_backend_pid()"
    )
    if connection.execute(query, {"name": APPLICATION}).scalar():
        raise Busy("A bot is connected to the database: stop it first.")


@contextmanager
def _held(settings: Settings, how: int, otherwise: Busy) -> Iterator[None]:
    with ExitStack() as stack:
        for path in sorted(_locks(settings)):
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            stack.callback(os.close, descriptor)
            try:
                fcntl.flock(descriptor, how | fcntl.LOCK_NB)
            except BlockingIOError:
                raise otherwise from None
        yield


def _locks(settings: Settings) -> set[Path]:
    folders = {settings.data_dir.absolute()}
    url = make_url(settings.database)
    if url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:"):
        folders.add(Path(str(url.database)).absolute().parent)
    return {folder / LOCK for folder in folders}
