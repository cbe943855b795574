"""The processes of the soak: a sandbox that is started again when it was killed, and what can be done to them all."""

import asyncio
import json
import os
import random
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Final

import psutil

from tests.kit.answer import Answer, Json
from tests.kit.person import Person
from tests.kit.typed import File

ROOT: Final = Path(__file__).parents[1]
NAMES: Final = ("admin", "member-1", "member-2")
READY_SECONDS: Final = 180.0
BOT, WORKER, LABOUR = "bot.sandbox.bot_process", "bot.worker", "bot.labour"


BEGUN: ContextVar[list[Answer]] = ContextVar("begun")
"""The interactions that the request at hand has begun."""


class Visitor(Person):
    """A person whose interactions are noted, so that it is known which of them began before the sandbox died."""

    async def _interact(self, kind: int, data: Json, files: Sequence[File], channel: str | None) -> Answer:
        answer = await super()._interact(kind, data, files, channel)
        BEGUN.get([]).append(answer)
        return answer


class House:
    """A sandbox, the bot on it, and its people."""

    def __init__(self, folder: Path, database: str | None, settings: Mapping[str, str]) -> None:
        self.folder, self.database = folder, database
        plenty = json.dumps({"burst": 100_000, "per_minute": 100_000})
        self._environment = {
            **os.environ,
            "HEARTH_PERSON_QUOTA": plenty, "HEARTH_SERVER_QUOTA": plenty, "HEARTH_LOG_FORMAT": "console",
            **({"HEARTH_DATABASE_URL": database} if database else {}),
            **settings,
        }  # fmt: skip
        self.people: list[Person] = []
        self.came = asyncio.Event()
        self.there = asyncio.Event()
        """Set while the sandbox is up and its people are on its page."""
        self.starts = 0
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._closing = False

    async def start(self) -> None:
        """Start everything and wait until the bot is there."""
        self._keeper = asyncio.create_task(self._keep())
        async with asyncio.timeout(READY_SECONDS):
            while not self.there.is_set():
                if self._keeper.done():
                    self._keeper.result()
                await asyncio.sleep(0.1)
            await self.people[0].waits_for_command("spam", within=READY_SECONDS)

    async def close(self) -> None:
        """Stop everything."""
        self._closing = True
        await self._leave()
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
        if self._keeper is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(20):
                    await self._keeper

    async def back(self, person: Person) -> Person:
        """Wait until somebody is on the page again after the sandbox was killed under them."""
        while True:
            for each in self.people:
                if each.name == person.name and each is not person and not each.cut_off.is_set():
                    return each
            self.came.clear()
            await self.came.wait()

    def processes(self, module: str) -> list[psutil.Process]:
        """Return the running processes of the bot that run this module."""
        if self._process is None or self._process.returncode is not None:
            return []
        found = []
        with suppress(psutil.Error):
            for child in psutil.Process(self._process.pid).children(recursive=True):
                with suppress(psutil.Error):
                    if module in child.cmdline():
                        found.append(child)
        return found

    # What is done to them.

    def kill(self, module: str) -> bool:
        """Kill a process of the bot; tell whether there was one."""
        there = self.processes(module)
        for each in there:
            with suppress(psutil.Error):
                each.kill()
        return bool(there)

    def kill_sandbox(self) -> bool:
        """Kill the sandbox, and the bot, its child, with it."""
        if self._process is None or self._process.returncode is not None:
            return False
        self._process.kill()
        return True

    async def order(self, word: str) -> bool:
        """Have the sandbox do something to the gateway's connections."""
        if self._process is None or self._process.returncode is not None:
            return False
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n".encode())
        with suppress(ConnectionError):
            await self._process.stdin.drain()
        return True

    async def disturb_database(self, chance: random.Random) -> bool:
        """End all of the bot's connections to PostgreSQL, or hold SQLite's lock for some seconds."""
        if self.database is not None and self.database.startswith("postgresql"):
            import asyncpg

            connection = await asyncpg.connect(self.database)
            try:
                ended = await connection.fetchval(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = $1",
                    "hearth",
                )
            finally:
                await connection.close()
            return bool(ended)
        seconds = chance.uniform(1, 8)
        await asyncio.to_thread(_hold, self.folder / "hearth.db", seconds)
        return True

    # Inside.

    async def _keep(self) -> None:
        while not self._closing:
            async with self._sandbox() as process:
                await process.wait()
                if not self._closing and (process.returncode or 0) > 0:
                    raise RuntimeError(
                        f"the sandbox ended with status {process.returncode}; see {self.log.name}"
                    )
            self.there.clear()
            await self._leave()

    @property
    def log(self) -> Path:
        """What the sandbox and the bot have written."""
        return self.folder.parent / f"{self.folder.name}.log"

    @asynccontextmanager
    async def _sandbox(self) -> AsyncIterator[asyncio.subprocess.Process]:
        with self.log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "benchmarks.soak_sandbox", str(self.folder), cwd=ROOT,
                env=self._environment, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=log,
            )  # fmt: skip
        self._process = process
        self.starts += 1
        assert process.stdout is not None
        draining: asyncio.Task[None] | None = None
        try:
            url = (await process.stdout.readline()).decode().strip()
            draining = asyncio.create_task(_drain(process.stdout))
            if url:
                for name in NAMES:
                    self.people.append(await Visitor(url, name))
                self.there.set()
                self.came.set()
            yield process
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()
            if draining is not None:
                draining.cancel()

    async def _leave(self) -> None:
        people, self.people = self.people, []
        for person in people:
            with suppress(Exception):
                await person.close()


async def _drain(stream: asyncio.StreamReader) -> None:
    while await stream.readline():
        pass


def _hold(path: Path, seconds: float) -> None:
    connection = sqlite3.connect(path, isolation_level=None, timeout=10)
    try:
        connection.execute("BEGIN IMMEDIATE")
        time.sleep(seconds)
        connection.execute("ROLLBACK")
    finally:
        connection.close()
