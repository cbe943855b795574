"""A database that is full, held by others, or gone: whoever asks is told, with an id, and nothing is half-written."""

import asyncio
import re
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from bot.sandbox.world import GUILD_ID
from plugins.spam.tables import feedback
from shared.database import BUSY_TIMEOUT_MS
from shared.database_trouble import DatabaseTrouble
from shared.settings import Quota, Settings
from shared.tables import audit, button, pending, watch
from tests.kit.answer import Answer
from tests.kit.house import House, house
from tests.kit.postgres import Server, server

FOLDER = Path(__file__).parents[1] / "fixtures" / "folder"
GENEROUS = Quota(burst=10_000, per_minute=10_000)
PRIZE = "WINNER! Call 09061701461 to claim your prize"
HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.readline()
"""
_ID = re.compile(r"`[0-9a-f]{8}`")


def settings(folder: Path, url: str | None = None) -> Settings:
    return Settings(
        _env_file=None, data_dir=folder, http_port=None, database_url=url,  # type: ignore[call-arg]
        plugin_folders=(FOLDER,), person_quota=GENEROUS, server_quota=GENEROUS,
    )  # fmt: skip


def is_told(answer: Answer, words: str) -> bool:
    return words in answer.text and bool(_ID.search(answer.text)) and answer.ephemeral


async def counted(home: House) -> dict[str, int]:
    """Return how many rows there are of what a request writes."""

    def work(connection: Connection) -> dict[str, int]:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (pending, button, feedback, watch, audit)
        }

    # An answer is there before it is noted that it was given.
    async with asyncio.timeout(5):
        while (found := await home.core.database.transact(work))["pending"]:
            await asyncio.sleep(0.05)
    return found


@asynccontextmanager
async def full(home: House) -> AsyncIterator[None]:
    """Let the database grow no more: SQLite itself then says that the disk is full."""

    def limit(connection: Connection, pages: int) -> None:
        # Nothing free in the file, and no room below the pages that it has.
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")

    database = home.core.database
    for pages in (1, 1_000_000):
        if pages > 1:
            yield
        await database.transact(lambda connection, pages=pages: limit(connection, pages))  # type: ignore[misc]
        async with database.begin() as connection:
            await connection.run_sync(limit, pages)


@asynccontextmanager
async def held(path: Path) -> AsyncIterator[None]:
    """Have another process hold the database for itself."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDER, str(path), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert await process.stdout.readline() == b"held\n"
    try:
        yield
    finally:
        process.stdin.close()
        await process.wait()


async def test_a_full_disk_is_told_and_nothing_is_half_written(tmp_path: Path) -> None:
    async with house(settings(tmp_path)) as home:
        person, chinese = await home.person(), await home.person("member-2", "zh-TW")
        scored = await person.slash("spam score", text=PRIZE)
        before = await counted(home)
        async with full(home):
            told = []
            for number in range(400):
                answer = await person.slash("spam score", text=f"{PRIZE} {number}" + " word" * 700)
                if "id: `" in answer.text:
                    told.append(answer)
                    break
            assert is_told(told[0], "There is no room left for the database.")
            answer = await chinese.slash("spam score", text=PRIZE + " word" * 700)
            assert is_told(answer, "資料庫的儲存空間已滿")
        after = await counted(home)
        assert {**after, "button": 0} == {**before, "button": 0}
        # Two under each answer: none has one of them alone.
        assert after["button"] % 2 == 0
        assert "Noted: right" in (await person.press(scored, "Right")).text
        assert "spam" in (await person.slash("spam score", text=PRIZE)).text.casefold()
        with sqlite3.connect(tmp_path / "hearth.db") as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        connection.close()


async def test_one_that_others_hold_for_too_long_is_told_and_works_again_afterwards(tmp_path: Path) -> None:
    async with house(settings(tmp_path)) as home:
        person, other = await home.person(), await home.person("member-2", "zh-TW")
        scored = await person.slash("spam score", text=PRIZE)
        before = await counted(home)
        async with held(tmp_path / "hearth.db"):
            within = BUSY_TIMEOUT_MS / 1000 * 4
            answers = await asyncio.gather(
                person.press(scored, "Right", within=within),
                other.slash("spam score", text=PRIZE, within=within),
            )
        assert is_told(answers[0], "The database is busy: others have held it for too long.")
        assert is_told(answers[1], "資料庫忙碌中")
        assert await counted(home) == before
        assert "Noted: right" in (await person.press(scored, "Right")).text
        after = await counted(home)
        assert after == {**before, "spam_feedback": 1}


async def test_an_answer_is_given_once_though_it_cannot_be_noted(tmp_path: Path) -> None:
    async with house(settings(tmp_path)) as home:
        person = await home.person()
        asked = asyncio.create_task(person.slash("trial slow", seconds=1.5, within=30))
        await person.sees(lambda m: "Cancel" in m.buttons)
        async with held(tmp_path / "hearth.db"):
            assert (await asked).message.content == "done at last"
            await asyncio.sleep(BUSY_TIMEOUT_MS / 1000 + 1)
        again = await person.slash("trial ping")
        assert again.message.content == "pong"
        assert (await counted(home))["pending"] == 0
        assert len(await person.history()) == 2


@pytest.fixture(scope="module")
def postgresql() -> Iterator[Server]:
    with server() as running:
        yield running


async def test_connections_that_broke_are_told_of_at_most_once(postgresql: Server, tmp_path: Path) -> None:
    async with house(settings(tmp_path, postgresql.address)) as home:
        person = await home.person()
        scored = await person.slash("spam score", text=PRIZE)
        before = await counted(home)
        database = home.core.database
        # In mid-transaction: what it had written is not there afterwards.
        row = {"plugin": "spam", "channel_id": 1, "changed_ms": 1}

        async def broken_off() -> None:
            async with database.begin() as connection:
                await connection.execute(watch.insert().values(row))
                await postgresql.end_connections()
                await connection.execute(watch.insert().values({**row, "channel_id": 2}))

        with pytest.raises(DatabaseTrouble, match="The database does not answer"):
            await broken_off()
        assert await counted(home) == before
        # Those that lay idle in the pool are replaced unnoticed.
        await postgresql.end_connections()
        assert "Noted: right" in (await person.press(scored, "Right")).text


async def test_a_server_that_is_away_is_told_and_used_again_once_it_is_back(
    postgresql: Server, tmp_path: Path
) -> None:
    async with house(settings(tmp_path, postgresql.address)) as home:
        person = await home.person(locale="zh-TW")
        scored = await person.slash("spam score", text=PRIZE)
        before = await counted(home)
        await asyncio.to_thread(postgresql.stop)
        try:
            answers = [await person.press(scored, "正確"), await person.slash("spam score", text=PRIZE)]
        finally:
            await asyncio.to_thread(postgresql.start)
        assert all(is_told(answer, "資料庫沒有回應") for answer in answers)
        assert await counted(home) == before
        assert "已記錄" in (await person.press(scored, "正確")).text
        assert await counted(home) == {**before, "spam_feedback": 1}


async def test_a_refusal_is_told_though_its_button_cannot_be_kept(tmp_path: Path) -> None:
    async with house(settings(tmp_path)) as home:
        person = await home.person()
        await home.core.states.switch("spam", False, int(GUILD_ID), None)
        async with held(tmp_path / "hearth.db"):
            answer = await person.slash("spam score", text=PRIZE, within=3 * BUSY_TIMEOUT_MS / 1000)
            assert "spam is switched off here" in answer.text
            assert not answer.message.buttons
