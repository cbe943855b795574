"""Quotas are token buckets in the database: a burst, then a steady trickle, shared by all on one database."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from shared.database import Database
from shared.errors import QuotaExceeded
from shared.migrate import migrate
from shared.quota import Bucket, Buckets
from shared.settings import Quota
from shared.texts import Text

SAID = Text("Try again in {seconds} s.")
PERSON = Bucket("person:1", Quota(burst=3, per_minute=6), SAID)
SERVER = Bucket("server:1", Quota(burst=100, per_minute=100), SAID)


@pytest_asyncio.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/test.db")
    await migrate(database)
    yield database
    await database.close()


async def ask(database: Database, now: int, *buckets: Bucket) -> bool:
    try:
        await database.transact(lambda connection: Buckets(database).take(connection, buckets, now))
    except QuotaExceeded:
        return False
    return True


async def test_a_burst_passes_and_then_one_every_ten_seconds(database: Database) -> None:
    assert [await ask(database, 0, PERSON) for _ in range(5)] == [True, True, True, False, False]
    assert not await ask(database, 9_000, PERSON)
    assert await ask(database, 10_100, PERSON)
    assert not await ask(database, 10_200, PERSON)


async def test_a_long_pause_fills_the_bucket_no_further_than_its_size(database: Database) -> None:
    assert await ask(database, 0, PERSON)
    assert [await ask(database, 10_000_000, PERSON) for _ in range(4)] == [True, True, True, False]


async def test_a_refusal_by_one_bucket_takes_nothing_from_the_other(database: Database) -> None:
    full = Bucket("server:2", Quota(burst=1, per_minute=1), SAID)
    assert await ask(database, 0, PERSON, full)
    assert not await ask(database, 0, PERSON, full)
    assert [await ask(database, 0, PERSON) for _ in range(3)] == [True, True, False]


async def test_the_refusal_says_when_to_try_again(database: Database) -> None:
    for _ in range(3):
        await ask(database, 0, PERSON)
    with pytest.raises(QuotaExceeded, match=r"in 10 s|in 11 s"):
        await database.transact(lambda connection: Buckets(database).take(connection, (PERSON,), 0))


async def test_many_at_once_take_exactly_what_there_is(database: Database) -> None:
    taken = await asyncio.gather(*(ask(database, 0, SERVER) for _ in range(150)))
    assert sum(taken) == 100


async def test_a_clock_that_goes_back_gives_nothing_away(database: Database) -> None:
    for _ in range(3):
        await ask(database, 100_000, PERSON)
    assert not await ask(database, 0, PERSON)
    assert not await ask(database, 100_001, PERSON)
