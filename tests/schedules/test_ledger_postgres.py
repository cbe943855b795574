"""Several bots on one PostgreSQL: none of them waits for rows that another one has in hand."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest
import pytest_asyncio
from sqlalchemy import delete, select, update

from schedules.ledger import LATEST, LEASE_MS, Ledger, Look
from shared.database import Database
from shared.jobs import Entry
from shared.migrate import migrate
from shared.settings import Settings
from shared.tables import job, job_run
from tests.kit.postgres import postgres
from tests.kit.turned import Turned

KNOWN = {("stock", "post")}
MILLISECOND = timedelta(milliseconds=1)
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with postgres() as url:
        yield Settings(_env_file=None, database_url=url).database  # type: ignore[call-arg]


@pytest_asyncio.fixture(loop_scope="module")
async def bot(address: str) -> AsyncIterator[Turned]:
    """Return a bot on a database without jobs."""
    database = Database(address)
    await migrate(database)
    yield Turned(database)
    async with database.begin() as connection:
        for table in (job_run, job):
            await connection.execute(delete(table))
    await database.close()


async def states(bot: Turned) -> list[str]:
    """Return the states of all runs, by their jobs."""
    async with bot.database.begin() as connection:
        return list((await connection.execute(select(job_run.c.state).order_by(job_run.c.job_id))).scalars())


async def written_down(bot: Turned, count: int) -> list[Entry]:
    """Have jobs that skip what they missed be due, and noticed in time."""
    entries = [await bot.add("0:00", misfire="skip", key=f"k{n}") for n in range(count)]
    due = entries[0].next_ms
    assert due is not None
    bot.at += (due - bot.now()) * MILLISECOND
    await Ledger(bot.database, instance="one", life="a", now=bot.now).advance()
    return entries


async def test_late_runs_that_another_bot_has_in_hand_are_not_waited_for(bot: Turned) -> None:
    entries = await written_down(bot, 5)
    bot.at += 2 * LATEST
    ledger = Ledger(bot.database, instance="two", life="a", now=bot.now)
    async with bot.database.begin() as other:
        # As another bot does, that skips the last of them first.
        held = update(job_run).where(job_run.c.job_id == entries[-1].id).values(state="skipped")
        await other.execute(held)
        async with asyncio.timeout(20):
            assert await ledger.take(9, KNOWN) == []
        assert await states(bot) == ["skipped"] * 4 + ["waiting"]
    assert await ledger.take(9, KNOWN) == []
    assert await states(bot) == ["skipped"] * 5


async def test_lost_runs_that_another_bot_has_in_hand_are_not_waited_for(bot: Turned) -> None:
    entries = await written_down(bot, 3)
    gone = Ledger(bot.database, instance="gone", life="a", now=bot.now)
    assert len(await gone.take(9, KNOWN)) == 3
    bot.at += 2 * LEASE_MS * MILLISECOND
    ledger = Ledger(bot.database, instance="two", life="a", now=bot.now)
    async with bot.database.begin() as other:
        # It was only slow, and ends one of its runs after all.
        await other.execute(update(job_run).where(job_run.c.job_id == entries[1].id).values(state="done"))
        async with asyncio.timeout(20):
            found = await ledger.lost()
        assert sorted(claim.entry.id for claim in found) == [entries[0].id, entries[2].id]
    assert await ledger.lost() == []


async def test_a_run_whose_job_is_being_removed_is_not_waited_for(bot: Turned) -> None:
    entries = await written_down(bot, 2)
    ledger = Ledger(bot.database, instance="two", life="a", now=bot.now)
    async with bot.database.begin() as other:
        await other.execute(delete(job_run).where(job_run.c.job_id == entries[0].id))
        async with asyncio.timeout(20):
            (claim,) = await ledger.take(9, KNOWN)
        assert claim.entry.id == entries[1].id
        # Whoever removes it goes on to the job, which nobody may hold.
        async with asyncio.timeout(20):
            await other.execute(delete(job).where(job.c.id == entries[0].id))


async def test_a_look_says_the_same_on_postgresql(bot: Turned) -> None:
    ledger = Ledger(bot.database, instance="one", life="a", now=bot.now)
    assert await ledger.look() == Look(False, None)
    entry = await bot.add("0:00")
    assert await ledger.look() == Look(False, entry.next_ms)
    await written_down(bot, 1)
    assert (await ledger.look()).anything
    claims = await ledger.take(9, KNOWN)
    assert not (await ledger.look()).anything
    bot.at += 2 * LEASE_MS * MILLISECOND
    assert (await ledger.look()).anything
    assert not (await ledger.look([claim.run.id for claim in claims])).anything
