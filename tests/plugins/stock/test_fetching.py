"""The exchange is asked politely, each of its faults is survived, and nothing is asked for twice."""

import asyncio
import datetime
import os
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import delete

from plugins.stock.exchange_server import Fault, LocalExchange
from plugins.stock.fetching import TAIPEI, Away, brought_up, is_settled, last_close
from plugins.stock.tables import turn
from shared.database import Database
from shared.errors import Refusal
from tests.plugins.stock.trading import EVENING, TODAY, asking, opened

MONTHS = ["2026-08", "2026-09", "2026-10", "2026-11"]


@pytest_asyncio.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with opened(tmp_path) as database:
        yield database


@pytest_asyncio.fixture
async def exchange() -> AsyncIterator[LocalExchange]:
    async with LocalExchange(today=TODAY) as exchange:
        yield exchange


async def asked_again(database: Database) -> None:
    """Have the pause that the exchange asked for be over."""
    async with database.begin() as connection:
        await connection.execute(delete(turn))


@pytest.mark.parametrize("response", ["json", "html"])
async def test_a_stock_is_followed_back_and_arrives_as_it_was_traded(
    database: Database, exchange: LocalExchange, tmp_path: Path, response: str
) -> None:
    ctx, _ = asking(database, tmp_path, exchange, settings={"response": response})
    known = await brought_up(ctx, "2330", now=EVENING)
    assert known.stale is None
    assert known.days == [day for day in exchange.days("2330") if f"{day.date:%Y-%m}" in MONTHS]
    assert known.days[-1].date == TODAY
    assert exchange.asked == {("2330", month): 1 for month in MONTHS}


async def test_requests_keep_their_distance_of_all_who_ask_together(
    database: Database, exchange: LocalExchange, tmp_path: Path
) -> None:
    ctx, _ = asking(database, tmp_path, exchange, settings={"seconds": 0.2})
    await asyncio.gather(*(brought_up(ctx, code, now=EVENING) for code in ("2330", "0050")))
    assert len(exchange.times) == 8
    assert min(later - earlier for earlier, later in pairwise(exchange.times)) > 0.1


async def test_who_asks_for_the_same_at_once_asks_once(
    database: Database, exchange: LocalExchange, tmp_path: Path
) -> None:
    ctx, _ = asking(database, tmp_path, exchange, settings={"seconds": 0.3})
    await asyncio.gather(*(brought_up(ctx, "2330", now=EVENING) for _ in range(3)))
    assert set(exchange.asked.values()) == {1}


async def test_only_what_may_have_changed_is_asked_for_again(
    database: Database, exchange: LocalExchange, tmp_path: Path
) -> None:
    ctx, _ = asking(database, tmp_path, exchange)
    exchange.until = TODAY - datetime.timedelta(days=1)
    await brought_up(ctx, "2330", now=EVENING)
    # Today's close is missing still: this month is asked for again, those before are over.
    exchange.until = TODAY
    assert (await brought_up(ctx, "2330", now=EVENING)).days[-1].date == TODAY
    assert exchange.asked["2330", "2026-11"] == 2
    # Nothing newer can be there until the next close.
    await brought_up(ctx, "2330", now=EVENING + datetime.timedelta(hours=15))
    assert exchange.asked == {("2330", month): 2 if month == "2026-11" else 1 for month in MONTHS}


async def test_a_new_database_reads_the_months_that_were_kept_as_files(
    database: Database, exchange: LocalExchange, tmp_path: Path
) -> None:
    ctx, _ = asking(database, tmp_path, exchange)
    known = await brought_up(ctx, "2330", now=EVENING)
    (tmp_path / "second").mkdir()
    async with opened(tmp_path / "second") as other:
        again, _ = asking(other, tmp_path, exchange)
        assert (await brought_up(again, "2330", now=EVENING)).days == known.days
    assert exchange.asked == {("2330", month): 2 if month == "2026-11" else 1 for month in MONTHS}


@pytest.mark.parametrize("faults", [["500"], ["503", "500"], ["cut"], ["cut", "cut"], ["slow"]])
async def test_trouble_that_passes_is_not_noticed(
    database: Database, exchange: LocalExchange, tmp_path: Path, faults: list[Fault]
) -> None:
    ctx, _ = asking(database, tmp_path, exchange)
    exchange.coming.extend([None, *faults])
    known = await brought_up(ctx, "2330", now=EVENING)
    assert known.stale is None
    assert len({f"{day.date:%Y-%m}" for day in known.days}) == 4


@pytest.mark.parametrize(
    ("faults", "said", "requests"),
    [
        (["500"] * 3, "trouble of its own (500)", 3),
        (["503"] * 3, "trouble of its own (503)", 3),
        (["cut"] * 3, "breaks off", 3),
        (["429"], "no more requests now (429)", 1),
        (["403"], "no more requests now (403)", 1),
        (["crowded"], "too much to do", 1),
        (["redirect"], "answers 307", 1),
        (["huge"], "larger than a month", 1),
        (["gzip"], "compressed", 1),
        (["garbage"], "not its table", 1),
    ],
)
async def test_trouble_that_stays_is_said_and_what_is_known_still_answers(
    database: Database, exchange: LocalExchange, tmp_path: Path, faults: list[Fault], said: str, requests: int
) -> None:
    ctx, _ = asking(database, tmp_path, exchange)
    exchange.coming.extend(faults)
    with pytest.raises(Away) as raised:
        await brought_up(ctx, "2330", now=EVENING)
    assert said in str(raised.value)
    assert len(exchange.times) == requests
    await asked_again(database)
    exchange.coming.extend([None, None, *faults])
    known = await brought_up(ctx, "2330", now=EVENING)
    assert {f"{day.date:%Y-%m}" for day in known.days} == {"2026-11", "2026-10"}
    assert known.stale is not None
    assert said in str(known.stale)
    # It goes on from there, and does not ask again for what it has.
    await asked_again(database)
    before = exchange.asked["2330", "2026-10"]
    assert len({f"{day.date:%Y-%m}" for day in (await brought_up(ctx, "2330", now=EVENING)).days}) == 4
    assert exchange.asked["2330", "2026-10"] == before


async def test_nobody_is_asked_while_the_exchange_wants_a_pause(
    database: Database, exchange: LocalExchange, tmp_path: Path
) -> None:
    ctx, _ = asking(database, tmp_path, exchange)
    exchange.coming.append("429")
    for said in (
        "no more requests",
        "asked for a pause; it is asked again in 1 min",
        "asked for a pause",
    ):
        with pytest.raises(Away, match=said):
            await brought_up(ctx, "2330", now=EVENING)
    assert len(exchange.times) == 1


async def test_a_robots_txt_that_closes_the_table_is_respected_and_read_once_a_day(
    database: Database, exchange: LocalExchange, tmp_path: Path
) -> None:
    ctx, _ = asking(database, tmp_path, exchange)
    exchange.robots = "User-agent: *\nDisallow: /rwd/"
    for _ in range(2):
        with pytest.raises(Away, match=r"robots\.txt"):
            await brought_up(ctx, "2330", now=EVENING)
        exchange.robots = ""
    assert not exchange.times
    (kept,) = tmp_path.rglob("robots.txt")
    os.utime(kept, (0, 0))
    assert (await brought_up(ctx, "2330", now=EVENING)).days[-1].date == TODAY


async def test_who_asks_too_fast_is_told_to_wait(tmp_path: Path, database: Database) -> None:
    async with LocalExchange(today=TODAY, gap=5.0) as exchange:
        ctx, _ = asking(database, tmp_path, exchange)
        known = await brought_up(ctx, "2330", now=EVENING)
        assert "429" in str(known.stale)
        assert len(exchange.times) == 2


async def test_a_holiday_page_is_no_data_and_no_trouble(
    database: Database, exchange: LocalExchange, tmp_path: Path
) -> None:
    ctx, _ = asking(database, tmp_path, exchange)
    exchange.coming.append("closed")
    known = await brought_up(ctx, "2330", now=EVENING)
    assert known.stale is None
    assert known.days[-1].date.month == 10
    assert (await brought_up(ctx, "2330", now=EVENING)).days[-1].date == TODAY


async def test_an_unknown_code_is_refused_after_a_few_months(
    database: Database, exchange: LocalExchange, tmp_path: Path
) -> None:
    ctx, _ = asking(database, tmp_path, exchange, settings={"months": 24})
    for _ in range(2):
        with pytest.raises(Refusal, match="is it a code of the exchange"):
            await brought_up(ctx, "0000", now=EVENING)
    # The month that is not over may still bring it.
    assert exchange.asked == {("0000", "2026-11"): 2, ("0000", "2026-10"): 1, ("0000", "2026-09"): 1}


@pytest.mark.parametrize(("host", "allow"), [("127.0.0.1", ()), ("localhost", ("10.0.0.0/8",))])
async def test_no_closed_network_is_connected_to_whatever_its_name(
    database: Database, exchange: LocalExchange, tmp_path: Path, host: str, allow: tuple[str, ...]
) -> None:
    url = exchange.url.replace("127.0.0.1", host)
    ctx, _ = asking(database, tmp_path, exchange, settings={"url": url, "allow": allow})
    with pytest.raises(Away):
        await brought_up(ctx, "2330", now=EVENING)
    assert not exchange.times


async def test_days_of_one_exchange_are_not_taken_for_those_of_another(
    database: Database, exchange: LocalExchange, tmp_path: Path
) -> None:
    ctx, _ = asking(database, tmp_path, exchange)
    await brought_up(ctx, "2330", now=EVENING)
    async with LocalExchange(today=TODAY, unknown=frozenset({"2330"})) as other:
        elsewhere, _ = asking(database, tmp_path, other)
        with pytest.raises(Refusal):
            await brought_up(elsewhere, "2330", now=EVENING)


@pytest.mark.parametrize(
    ("now", "date"),
    [
        ("2026-11-25T18:00", "2026-11-25"),
        ("2026-11-25T13:29", "2026-11-24"),
        ("2026-11-28T18:00", "2026-11-27"),
        ("2026-11-30T09:00", "2026-11-27"),
        ("2026-11-30T13:30", "2026-11-30"),
    ],
)
def test_the_last_close_is_that_of_a_weekday_whose_trading_is_over(now: str, date: str) -> None:
    assert last_close(datetime.datetime.fromisoformat(now).replace(tzinfo=TAIPEI)).isoformat() == date


def test_a_month_is_settled_a_week_after_its_end() -> None:
    assert not is_settled("2026-11", datetime.date(2026, 12, 7))
    assert is_settled("2026-11", datetime.date(2026, 12, 8))
    assert is_settled("2025-12", datetime.date(2026, 1, 8))
