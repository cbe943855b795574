"""What goes wrong round a run: rows that cannot be read, bots that stop, databases that are away."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import update

from shared.database import Database
from shared.errors import BadInput
from shared.migrate import migrate
from shared.tables import job
from tests.kit.turned import Turned


@pytest_asyncio.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Turned]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/test.db")
    await migrate(database)
    yield Turned(database)
    await database.close()


@pytest.mark.parametrize(
    ("column", "value"),
    [("time_zone", "Mars/Base"), ("schedule", "61 * * * *"), ("arguments", "{"), ("arguments", "7")],
)
async def test_a_row_that_cannot_be_read_says_so_once_and_holds_nobody_up(
    bot: Turned, column: str, value: str
) -> None:
    broken = await bot.add("0:00", key="broken")
    await bot.add("0:00", key="sound")
    async with bot.database.begin() as connection:
        await connection.execute(update(job).where(job.c.id == broken.id).values({column: value}))
    runner = bot.runner()
    await bot.until(bot.at + timedelta(days=3), runner)
    assert len(bot.log) == 3
    assert len(bot.told) == 1
    (run,) = await bot.jobs.history(broken.id)
    assert (run.state, run.attempt) == ("failed", 1)
    found = await bot.jobs.find()
    assert [entry.broken is None for entry in found] == [False, True]
    with pytest.raises(BadInput):
        await bot.jobs.pause(broken.id, False)
    assert await bot.jobs.remove(broken.id)


async def test_a_row_that_was_repaired_goes_on_when_it_is_resumed(bot: Turned) -> None:
    entry = await bot.add("0:00")
    for zone in ("Mars/Base", "UTC"):
        async with bot.database.begin() as connection:
            await connection.execute(update(job).values(time_zone=zone))
        await bot.until(bot.at + timedelta(days=1, hours=1), bot.runner())
    assert bot.log == []
    await bot.jobs.pause(entry.id, False)
    await bot.until(bot.at + timedelta(days=1), bot.runner())
    assert len(bot.log) == 1
