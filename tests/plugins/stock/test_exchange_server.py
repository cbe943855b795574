"""The local exchange: one command starts it and says how to have it asked; a file's days end today; days come out."""

import asyncio
import datetime
import json
import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from plugins.stock.course_csv import write_days
from plugins.stock.exchange_page import read_month
from plugins.stock.exchange_series import made_up, moved
from plugins.stock.exchange_server import LocalExchange
from plugins.stock.fetching import TAIPEI, last_close
from tests.plugins.stock.trading import TODAY


def got(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return bytes(answer.read())


def test_one_command_serves_a_file_and_prints_the_settings_that_have_it_asked(tmp_path: Path) -> None:
    days = made_up("5678", datetime.date(2020, 6, 30)).days[-90:]
    (tmp_path / "days.csv").write_bytes(write_days(days))
    command = [
        sys.executable,
        "-m",
        "bot.cli",
        "stock",
        "exchange",
        "--csv",
        "days.csv",
        "--code",
        "4321",
        "--port",
        "0",
    ]
    root = str(Path(__file__).parents[3])
    environment = {**os.environ, "PYTHONPATH": root, "COLUMNS": "40"}
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
    ) as running:
        try:
            assert running.stdout is not None
            line = next(line for line in running.stdout if line.startswith("HEARTH_STOCK_URL="))
            found = re.fullmatch(
                r"HEARTH_STOCK_URL=(\S+) HEARTH_STOCK_ALLOW='(.+?)' HEARTH_STOCK_SECONDS=[\d.]+ "
                r"HEARTH_STOCK_FRESH_SECONDS=5\n",
                line,
            )
            assert found is not None
            assert json.loads(found[2]) == ["127.0.0.0/8"]
            last = moved(days, last_close(datetime.datetime.now(TAIPEI))).days[-1]
            month = f"{last.date:%Y-%m}"
            body = got(f"{found[1]}?date={month.replace('-', '')}01&stockNo=4321&response=json")
            assert read_month(body, "json", "4321", month)[-1] == last
        finally:
            running.terminate()


@pytest.mark.parametrize("today", [TODAY + datetime.timedelta(days=n) for n in range(7)])
def test_a_file_is_moved_by_whole_weeks_to_end_today(today: datetime.date) -> None:
    days = made_up("5678", datetime.date(2020, 6, 30)).days
    shifted = moved(days, today).days
    assert 0 <= (today - shifted[-1].date).days < 7
    assert [day.date.weekday() for day in shifted] == [day.date.weekday() for day in days]
    assert [day.close for day in shifted] == [day.close for day in days]


async def test_days_of_this_month_come_out_one_by_one_where_that_is_asked_for() -> None:
    async with LocalExchange(today=TODAY, replay=3600) as exchange:
        assert exchange.days("2330")[-1].date < datetime.date(2026, 11, 1)
    async with LocalExchange(today=TODAY, replay=0.1) as exchange:
        seen = set()
        async with asyncio.timeout(30):
            while (last := exchange.days("2330")[-1].date) < TODAY:
                seen.add(last)
                await asyncio.sleep(0.02)
        assert len(seen) > 5


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("date=20261101&stockNo=0000", "很抱歉，沒有符合條件的資料!"),
        ("date=20261201&stockNo=2330", "查詢日期大於今日，請重新查詢!"),
        ("date=20091201&stockNo=2330", "查詢日期小於99年1月4日，請重新查詢!"),
        ("stockNo=2330", "很抱歉，沒有符合條件的資料!"),
    ],
)
async def test_it_says_in_the_exchange_s_words_that_there_is_nothing(query: str, said: str) -> None:
    async with LocalExchange(today=TODAY) as exchange:
        body = await asyncio.to_thread(got, f"{exchange.url}?{query}&response=json")
        assert json.loads(body) == {"stat": said}
