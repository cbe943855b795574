"""What a subscriber is told when there is no new close, and alarms that are told once though a run is broken off."""

import datetime
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import func, insert, select

from plugins.stock.alarms import set_alarm, tell
from plugins.stock.exchange_server import LocalExchange
from plugins.stock.fetching import Away
from plugins.stock.posts import post
from plugins.stock.tables import alarm
from plugins.stock.tables import post as posted
from shared.database import Database
from shared.errors import Refusal
from shared.reply import Reply
from tests.kit.jobs import Hands
from tests.plugins.stock.trading import EVENING, TODAY, asking, opened

GUILD, CHANNEL = 10, 20
DAY = datetime.timedelta(days=1)


@pytest_asyncio.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with opened(tmp_path) as database:
        yield database


@pytest_asyncio.fixture
async def exchange() -> AsyncIterator[LocalExchange]:
    async with LocalExchange(today=TODAY) as exchange:
        yield exchange


def subscription(database: Database, root: Path, exchange: LocalExchange, **more: Any) -> tuple[Any, Hands]:
    return asking(
        database, root, exchange, guild=GUILD, channel=CHANNEL, arguments={"code": "2330", "days": 5}, **more
    )


async def test_a_weekday_without_a_close_is_said_once_and_the_rest_passes_in_silence(
    database: Database, exchange: LocalExchange, tmp_path: Path
) -> None:
    ctx, hands = subscription(database, tmp_path, exchange)
    async with database.begin() as connection:
        row = {"guild_id": GUILD, "channel_id": CHANNEL, "code": "2330", "posted_on": TODAY.isoformat()}
        await connection.execute(insert(posted).values(**row, said_on=TODAY.isoformat()))
    # Wednesday's close was posted; Thursday is a holiday, of which nothing is known until an hour after the close.
    for hours in (0.0, 2.0, 15.0, 19.0, 20.0):
        await post(ctx, EVENING + datetime.timedelta(hours=hours))
    assert hands.posts == []
    for hours in (20.6, 21.0, 30.0, 43.0):
        await post(ctx, EVENING + datetime.timedelta(hours=hours))
    ((channel, reply),) = hands.posts
    assert channel == CHANNEL
    assert "no new day of trading since 2026-11-25" in reply.text
    # Friday is one too, and then it is the weekend.
    for hours in (45.0, 60.0, 70.0, 90.0):
        await post(ctx, EVENING + datetime.timedelta(hours=hours))
    assert len(hands.posts) == 2


async def test_an_exchange_that_is_away_fails_the_run_so_that_it_is_tried_again(
    database: Database, exchange: LocalExchange, tmp_path: Path
) -> None:
    ctx, hands = subscription(database, tmp_path, exchange)
    exchange.coming.append("403")
    with pytest.raises(Away):
        await post(ctx, EVENING)
    assert hands.posts == []


@dataclass
class Interrupted(Hands):
    """Discord, to which the connection breaks at the post number `at`, or which knows not all channels."""

    at: int = -1
    gone: frozenset[int] = field(default=frozenset())

    async def post(self, reply: Reply, channel: int) -> int:
        if channel in self.gone:
            raise Refusal("The job's channel is not there any more, or the bot may not see it.")
        if len(self.posts) == self.at:
            raise ConnectionError("killed")
        return await super().post(reply, channel)


def checking(
    database: Database, root: Path, exchange: LocalExchange, due: datetime.datetime, **more: Any
) -> tuple[Any, Interrupted]:
    ctx, _ = asking(database, root, exchange, due=due)
    hands = Interrupted(root, **more)
    return type(ctx)(**{**vars(ctx), "hands": hands}), hands


async def placed(database: Database, exchange: LocalExchange, count: int, **more: Any) -> None:
    """Set alarms of persons 1, 2, … on Tuesday, which Wednesday's close, whatever it is, reaches."""
    seen, came = exchange.days("2330")[-2:]
    for user in range(1, count + 1):
        values = {"user": user, "guild": GUILD, "channel": CHANNEL, "locale": "en-US", **more}
        above = came.close > seen.close
        await set_alarm(database, code="2330", above=above, at=came.close, seen_on=seen.date, **values)


async def left(database: Database) -> int:
    async with database.begin() as connection:
        return int((await connection.execute(select(func.count()).select_from(alarm))).scalar_one())


async def test_alarms_of_a_run_that_was_broken_off_are_told_in_the_same_order_again(
    database: Database, exchange: LocalExchange, tmp_path: Path
) -> None:
    await placed(database, exchange, 3)
    ctx, hands = checking(database, tmp_path, exchange, EVENING, at=2)
    with pytest.raises(ConnectionError):
        await tell(ctx, EVENING)
    assert [reply.mention for _, reply in hands.posts] == [1, 2]
    # One that comes in between waits for the next run: parts of a run that were posted are known by their number.
    await placed(database, exchange, 1)
    again, hands = checking(database, tmp_path, exchange, EVENING)
    await tell(again, EVENING)
    assert [reply.mention for _, reply in hands.posts] == [1, 2, 3]
    assert await left(database) == 1
    following, hands = checking(database, tmp_path, exchange, EVENING + DAY / 24)
    await tell(following, EVENING)
    assert [reply.mention for _, reply in hands.posts] == [1]
    assert await left(database) == 0


async def test_what_a_run_could_not_tell_in_the_end_is_told_by_the_next(
    database: Database, exchange: LocalExchange, tmp_path: Path
) -> None:
    await placed(database, exchange, 1)
    ctx, _ = checking(database, tmp_path, exchange, EVENING, at=0)
    with pytest.raises(ConnectionError):
        await tell(ctx, EVENING)
    following, hands = checking(database, tmp_path, exchange, EVENING + DAY / 24)
    await tell(following, EVENING)
    assert [reply.mention for _, reply in hands.posts] == [1]


async def test_a_channel_that_is_gone_ends_its_alarms_but_not_those_of_direct_messages(
    database: Database, exchange: LocalExchange, tmp_path: Path
) -> None:
    await placed(database, exchange, 1, channel=21)
    await placed(database, exchange, 1, channel=22, guild=None)
    await placed(database, exchange, 1)
    ctx, hands = checking(database, tmp_path, exchange, EVENING, gone=frozenset({21, 22}))
    await tell(ctx, EVENING)
    assert [channel for channel, _ in hands.posts] == [CHANNEL]
    assert await left(database) == 1


async def test_alarms_of_a_stock_that_cannot_be_asked_for_hold_up_no_others(
    database: Database, exchange: LocalExchange, tmp_path: Path
) -> None:
    await placed(database, exchange, 1)
    await set_alarm(
        database,
        user=2,
        guild=GUILD,
        channel=CHANNEL,
        locale="en-US",
        code="0000",
        above=True,
        at=1.0,
        seen_on=TODAY,
    )
    ctx, hands = checking(database, tmp_path, exchange, EVENING)
    await tell(ctx, EVENING)
    assert [reply.mention for _, reply in hands.posts] == [1]
    assert await left(database) == 1


async def test_nobody_has_more_than_twenty_alarms(database: Database, exchange: LocalExchange) -> None:
    values: dict[str, Any] = {
        "user": 1,
        "guild": GUILD,
        "channel": CHANNEL,
        "locale": "en-US",
        "code": "2330",
    }
    for _ in range(20):
        await set_alarm(database, above=True, at=1.0, seen_on=TODAY, **values)
    with pytest.raises(Refusal, match="20 price alarms already"):
        await set_alarm(database, above=True, at=1.0, seen_on=TODAY, **values)
