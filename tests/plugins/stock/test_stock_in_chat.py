"""Forecasts, records, files, subscriptions and price alarms, through the sandbox, with the local exchange."""

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image
from sqlalchemy import delete, func, select, update

from plugins.stock.course_csv import read_days, write_days
from plugins.stock.exchange_server import LocalExchange
from plugins.stock.series import Day
from plugins.stock.tables import alarm, forecast, turn
from shared.settings import Quota, Settings
from tests.kit.house import House, house
from tests.kit.person import File
from tests.kit.privacy import forget

pytestmark = pytest.mark.asyncio(loop_scope="module")
TIMEOUT = 60.0


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def exchange() -> AsyncIterator[LocalExchange]:
    async with LocalExchange(unknown=frozenset({"0000", "7777X", "9999"})) as exchange:
        yield exchange


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def home(tmp_path_factory: pytest.TempPathFactory, exchange: LocalExchange) -> AsyncIterator[House]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "URL": exchange.url, "ALLOW": '["127.0.0.0/8"]', "SECONDS": "0.05", "FRESH_SECONDS": "0", "MONTHS": "6",
        }.items():  # fmt: skip
            patch.setenv(f"HEARTH_STOCK_{name}", value)
        settings = Settings(
            _env_file=None,  # type: ignore[call-arg]
            data_dir=tmp_path_factory.mktemp("data"),
            http_port=None,
            person_quota=Quota(burst=10_000, per_minute=10_000),
            server_quota=Quota(burst=10_000, per_minute=10_000),
        )
        async with house(settings) as home:
            yield home


def tail(exchange: LocalExchange, code: str, back: int = 0) -> Day:
    """Return a code's last day, or one before it, and have the exchange know none after it."""
    exchange.until = None
    day = exchange.days(code)[-1 - back]
    exchange.until = day.date
    return day


async def run_job(home: House, name: str, key: str | None = None) -> None:
    """Have a job run, and wait until it has, the first time."""
    (entry,) = await home.core.jobs.find("stock", name, key=key)
    run = await home.core.jobs.run_now(entry.id)
    assert run is not None
    async with asyncio.timeout(TIMEOUT):
        while (now := await home.core.jobs.run(run.id)) is None or now.state != "done":
            assert now is not None
            assert now.attempt < 2, now.note
            await asyncio.sleep(0.1)


async def count(home: House, query: Any) -> int:
    async with home.core.database.begin() as connection:
        return int((await connection.execute(query)).scalar_one())


async def test_a_forecast_says_first_whether_it_beats_today_then_how_wide_and_how_sure(
    home: House, exchange: LocalExchange
) -> None:
    last = tail(exchange, "2330")
    person = await home.person()
    answer = await person.slash("stock forecast", code=" 2330.tw ", days=10, within=TIMEOUT)
    assert f"2330 · forecast from {last.date}" in answer.text
    paragraphs = answer.text.split("\n\n")
    standing = next(n for n, text in enumerate(paragraphs) if "tomorrow as today" in text)
    assert standing < next(n for n, text in enumerate(paragraphs) if "Next day of trading" in text)
    assert f"after {last.close:,.2f} on {last.date}" in answer.text
    assert "In 10 days of trading" in answer.text
    assert "90% intervals held the close" in answer.text
    assert answer.text.count("not investment advice") == 1
    picture = Image.open(io.BytesIO(await person.download(answer.message.embeds[0]["image"])))
    assert picture.width == 900


async def test_all_of_it_is_said_in_chinese(home: House, exchange: LocalExchange) -> None:
    tail(exchange, "2330")
    person = await home.person(locale="zh-TW")
    answer = await person.slash("stock forecast", code="2330", within=TIMEOUT)
    for words in ("明天照今天", "下一個交易日：預期", "十次有九次", "不是投資建議"):
        assert words in answer.text
    refused = await person.slash("stock forecast", code="0000", within=TIMEOUT)
    assert "這是證交所的股票代號嗎" in refused.text


async def test_a_code_that_is_none_is_refused_before_anybody_is_asked(
    home: House, exchange: LocalExchange
) -> None:
    before = len(exchange.times)
    person = await home.person()
    for code in ("台積電", "23", "2330; DROP TABLE", "@everyone"):
        assert "is no code of a stock" in (await person.slash("stock forecast", code=code)).text
    assert len(exchange.times) == before


async def test_an_exchange_that_is_away_is_said_with_what_can_be_done(
    home: House, exchange: LocalExchange
) -> None:
    person = await home.person()
    tail(exchange, "2317", back=1)
    await person.slash("stock forecast", code="2317", within=TIMEOUT)
    exchange.coming.append("429")
    answer = await person.slash("stock forecast", code="1101", within=TIMEOUT)
    assert "wants no more requests now (429)" in answer.text
    assert "/stock import" in answer.text
    # What is known of another is forecast from, and it says that it may be old.
    answer = await person.slash("stock forecast", code="2317", within=TIMEOUT)
    assert "Next day of trading" in answer.text
    assert "may be missing: 127.0.0.1" in answer.text.replace("\\", "")
    async with home.core.database.begin() as connection:
        await connection.execute(delete(turn))


async def test_a_file_is_imported_forecast_from_and_exported_as_it_was(
    home: House, exchange: LocalExchange
) -> None:
    exchange.until = None
    days = exchange.days("1234")[-200:]
    admin, person = await home.person("admin"), await home.person()
    file = File("course.csv", write_days(days))
    denied = await person.slash("stock import", code="7777X", file=file)
    assert "manage this server" in denied.text
    answer = await admin.slash("stock import", code="7777X", file=file)
    assert "200 days of trading were imported" in answer.text
    answer = await person.slash("stock forecast", code="7777X", within=TIMEOUT)
    assert f"after {days[-1].close:,.2f}" in answer.text
    answer = await person.slash("stock watch", code="7777X", direction="above", price=1e6, within=TIMEOUT)
    assert "which has none of 7777X" in answer.text
    answer = await person.slash("stock export", code="7777X")
    (attached,) = answer.message.attachments
    assert read_days(await person.download(attached)) == days
    short = File("short.csv", write_days(days[:30]))
    await admin.slash("stock import", code="7777X", file=short)
    assert "only 30 days" in (await person.slash("stock forecast", code="7777X", within=TIMEOUT)).text


async def test_the_exchange_s_own_file_is_taken_with_its_title_and_remarks(home: House) -> None:
    admin = await home.person("admin")
    days = LocalExchange().days("1234")[:30]
    header, *rows = write_days(days).decode("utf-8-sig").splitlines()
    lines = ['"104年01月 1234 黑松             各日成交資訊"', header + ","]
    lines += [row + "," for row in rows]
    lines += ['"說明:"', '"符號說明:+/-/X表示漲/跌/不比價"', '"當日統計資訊含一般、零股、盤後定價。"', ""]
    raw = "\r\n".join(lines).encode("big5")
    answer = await admin.slash("stock import", code="1234X", file=File("STOCK_DAY.csv", raw))
    assert "30 days of trading were imported" in answer.text
    # A broken line is told by its place in the file, below the title.
    lines[3] = lines[3].replace("/", "|", 1)
    broken = "\r\n".join(lines).encode("big5")
    assert "Line 4" in (await admin.slash("stock import", code="1234X", file=File("b.csv", broken))).text


async def test_a_file_with_a_bad_row_is_refused_by_its_line_and_nothing_is_kept(home: House) -> None:
    admin = await home.person("admin")
    good = write_days(
        [Day(day.date, 10.0, 11.0, 9.0, 10.0, 1, 1, 1) for day in LocalExchange().days("1234")[:5]]
    )
    bad = good.replace(b"11.00", b"1.00", 3).replace(b"1.00", b"11.00", 2)
    answer = await admin.slash("stock import", code="9999", file=File("bad.csv", bad))
    assert "Line 4" in answer.text
    answer = await admin.slash("stock import", code="9999", file=File("other.csv", b"a,b\n1,2\n"))
    assert "日期" in answer.text
    assert "no day of trading is known" in (await admin.slash("stock export", code="9999")).text


async def test_a_subscription_posts_each_close_once_with_the_score_of_the_forecast_before(
    home: House, exchange: LocalExchange
) -> None:
    before = tail(exchange, "2454", back=1)
    admin, person = await home.person("admin"), await home.person()
    assert "manage this server" in (await person.slash("stock subscribe", code="2454")).text
    answer = await admin.slash("stock subscribe", code="2454", time="9:61", within=TIMEOUT)
    assert "is no schedule" in answer.text
    answer = await admin.slash("stock subscribe", code="2454", channel="general", days=3, within=TIMEOUT)
    assert "weekdays at 14:45" in answer.text
    key = f"2454:{admin.channel_id('general')}"
    # The first post: nothing was kept the day before, so its forecast is made now, and it is said.
    await run_job(home, "post", key)
    first = await admin.sees(lambda m: f"2454 · forecast from {before.date}" in m.text)
    assert "this one was made just now" in first.text
    assert "In 3 days of trading" in first.text
    assert "forecast.png" in first.embeds[0]["image"]["url"]
    # The same close again: not a word.
    await run_job(home, "post", key)
    # The next close: yesterday's forecast was kept, and is scored.
    last = tail(exchange, "2454")
    await run_job(home, "post", key)
    second = await admin.sees(lambda m: f"2454 · forecast from {last.date}" in m.text)
    assert f"The forecast from {before.date}: the close of {last.date}" in second.text
    assert "side the 90% interval" in second.text
    assert f"“as the day before” was off by {abs(last.close - before.close):,.2f}" in second.text
    assert "made just now" not in second.text
    shown = [m.id for m in await admin.history("general") if "2454 ·" in m.text]
    assert sorted(shown) == [first.id, second.id]
    answer = await admin.slash("stock unsubscribe", code="2454")
    assert "not posted any more" in answer.text
    assert await home.core.jobs.find("stock", "post", key=key) == []
    assert "is not posted here" in (await admin.slash("stock unsubscribe", code="2454")).text


async def test_subscribing_again_says_what_is_changed_from_what(home: House) -> None:
    admin = await home.person("admin")

    async def subscribed(**options: Any) -> str:
        return (await admin.slash("stock subscribe", code="2454", within=TIMEOUT, **options)).text

    first = await subscribed()
    assert "The first time" in first
    assert "changed" not in first
    again = await subscribed(time="9:30")
    assert "changed from weekdays at 14:45 to weekdays at 9:30" in again
    assert "Next: " in again
    assert "looks ahead" not in again
    assert "looks ahead was changed from 5 to 3 days" in await subscribed(time="9:30", days=3)
    assert "nothing is changed" in await subscribed(time="9:30", days=3)
    (entry,) = await home.core.jobs.find("stock", "post")
    await home.core.jobs.pause(entry.id, True)
    paused = await subscribed(time="every 30m", days=3)
    assert "changed from weekdays at 9:30 to every 30 minutes" in paused
    assert "It was paused, and goes on" in paused


async def test_a_record_is_honest_with_few_days_and_counts_no_forecast_made_afterwards(
    home: House, exchange: LocalExchange
) -> None:
    person = await home.person()
    tail(exchange, "2412", back=3)
    answer = await person.slash("stock record", code="2412", within=TIMEOUT)
    assert "No forecast of 2412" in answer.text.replace("*", "")
    for back in (2, 1, 0):
        tail(exchange, "2412", back=back)
        await person.slash("stock forecast", code="2412", days=1, within=TIMEOUT)
    answer = await person.slash("stock record", code="2412", within=TIMEOUT)
    assert "Of the last 3 forecasts" in answer.text
    assert "too few to tell a good forecast from a lucky one" in answer.text
    assert "record.png" in answer.message.embeds[0]["image"]["url"]
    fields = {each["name"]: each["value"] for each in answer.message.embeds[0]["fields"]}
    assert "/3 (" in fields["Inside the 90% interval"]
    async with home.core.database.begin() as connection:
        mine = forecast.c.code == "2412"
        await connection.execute(update(forecast).where(mine).values(afterwards=True))
    answer = await person.slash("stock record", code="2412", within=TIMEOUT)
    assert "No forecast of 2412" in answer.text.replace("*", "")


async def test_a_price_alarm_calls_its_owner_once_and_nobody_else(
    home: House, exchange: LocalExchange
) -> None:
    before = tail(exchange, "2881", back=1)
    person, other = await home.person(), await home.person("member-2")
    exchange.until = None
    after = exchange.days("2881")[-1]
    exchange.until = before.date
    rises = after.close > before.close
    direction, reached = ("above", "at or above") if rises else ("below", "at or below")
    answer = await person.slash(
        "stock watch", code="2881", direction=direction, price=after.close, within=TIMEOUT
    )
    assert answer.ephemeral
    far = 10 * before.close if rises else before.close / 10
    await other.slash("stock watch", code="2881", direction=direction, price=far, within=TIMEOUT)
    needless = await person.slash(
        "stock watch", code="2881", direction=direction, price=before.close, within=TIMEOUT
    )
    assert "No alarm is needed" in needless.text
    await run_job(home, "alarms")
    tail(exchange, "2881")
    await run_job(home, "alarms")
    told = await other.sees(lambda m: "This alarm is over" in m.content)
    assert told.content.startswith(f"<@{person.id}> ")
    assert reached in told.content
    assert [each["id"] for each in told.raw["mentions"]] == [person.id]
    assert "no price alarms" in (await person.slash("stock watches")).text
    await run_job(home, "alarms")
    again = [m for m in await person.history() if "This alarm is over" in m.content]
    assert len(again) == 1
    # The other's is there still, and goes by its button.
    listed = await other.slash("stock watches")
    assert listed.ephemeral
    assert "2881" in listed.text
    await other.press(listed, listed.message.buttons[0])
    assert "no price alarms" in (await other.slash("stock watches")).text


async def test_what_is_kept_of_a_person_is_exported_and_forgotten(
    home: House, exchange: LocalExchange
) -> None:
    last = tail(exchange, "2330")
    person = await home.person("member-2")
    await person.slash("stock watch", code="2330", direction="above", price=last.close * 2, within=TIMEOUT)
    mine = select(func.count()).select_from(alarm).where(alarm.c.user_id == int(person.id))
    assert await count(home, mine) == 1
    answer = await person.slash("privacy export")
    with zipfile.ZipFile(io.BytesIO(await person.download(answer.message.attachments[0]))) as exported:
        assert b"2330" in exported.read("stock/alarms.json")
    await forget(person)
    assert await count(home, mine) == 0
