"""A real PostgreSQL for one test session, on loopback; for what must hold on both databases."""

import getpass
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


def binaries() -> Path | None:
    """Return the newest installed server's programs; None where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    local = shutil.which("initdb")
    return Path(local).parent if local else None


@dataclass(frozen=True)
class Server:
    """A running server, and an empty database on it."""

    address: str
    start: Callable[[], None]
    stop: Callable[[], None]

    async def end_connections(self) -> None:
        """Break off every other connection to the database, whatever it is doing."""
        import asyncpg

        connection = await asyncpg.connect(self.address)
        try:
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        finally:
            await connection.close()


@contextmanager
def postgres() -> Iterator[str]:
    """Start a server with an empty database, and yield its address; skips the test where none is installed."""
    with server() as running:
        yield running.address


@contextmanager
def server() -> Iterator[Server]:
    """Start a server that can be stopped and started again; skips the test where none is installed."""
    programs = binaries()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    # It refuses to run as root; Debian's package made a user for it.
    user = "postgres" if os.geteuid() == 0 else getpass.getuser()
    with tempfile.TemporaryDirectory(prefix="hearth-pg-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        home = folder / "home"
        home.mkdir()
        if os.geteuid() == 0:
            shutil.chown(home, user)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]

        def run(*command: str) -> None:
            subprocess.run(
                [str(programs / command[0]), *command[1:]],
                check=True, cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60,
                user=user if os.geteuid() == 0 else None,
            )  # fmt: skip

        data = str(home / "data")
        options = f"-p {port} -k {home} -c listen_addresses=127.0.0.1 -c fsync=off"

        def start() -> None:
            run("pg_ctl", "-D", data, "-o", options, "-l", str(home / "log"), "-w", "start")

        def stop() -> None:
            run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")

        run("initdb", "-D", data, "-A", "trust", "-U", "hearth", "-N")
        start()
        try:
            run("createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "hearth", "hearth")
            yield Server(f"postgresql://hearth@127.0.0.1:{port}/hearth", start, stop)
        finally:
            stop()


async def new_database(address: str, name: str) -> str:
    """Make another empty database on the server of `address`, and return its address."""
    import asyncpg

    connection = await asyncpg.connect(address)
    try:
        await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()
    return f"{address.rpartition('/')[0]}/{name}"
