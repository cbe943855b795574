"""How long a forecast takes: of the warm model alone, and as `/stock forecast` with its picture from the chat page."""

import asyncio
import datetime
import statistics
import time
from collections.abc import Awaitable
from typing import Final

import structlog

from benchmarks.callers import percentile
from benchmarks.contenders import hearth
from benchmarks.roundtrip import started
from plugins.stock.exchange_series import made_up
from plugins.stock.exchange_server import LocalExchange
from plugins.stock.forecasts import NEWEST
from plugins.stock.model import ForecastRequest, Stock
from tests.kit.person import Person

REQUESTS: Final = 300
COMMANDS: Final = 100
WARM_UP: Final = 10
HORIZON: Final = 5
TWO_YEARS: Final = 490
"""Days of trading in the 24 months that a stock is followed back by default."""
CODE: Final = "2330"


async def model(days: int) -> list[float]:
    """Return the seconds of each request to the warm model, one after the other."""
    known = made_up(CODE, datetime.date(2026, 11, 25)).days[-days:]
    assert len(known) == days, "so many are made up"
    async with hearth(Stock) as way:
        request = ForecastRequest(list(known), HORIZON)
        for _ in range(WARM_UP):
            await way.ask(request)
        return [await _seconds(way.ask(request)) for _ in range(REQUESTS)]


async def command() -> list[float]:
    """Return the seconds of each `/stock forecast` of a stock whose days are known, picture and all."""
    async with LocalExchange() as exchange:
        settings = {
            "HEARTH_STOCK_URL": exchange.url,
            "HEARTH_STOCK_ALLOW": '["127.0.0.0/8"]',
            "HEARTH_STOCK_SECONDS": "0.05",
        }
        async with started(settings) as sandbox, Person(sandbox.url, "member-1") as person:
            await person.waits_for_command("stock", within=60)
            for _ in range(WARM_UP):
                await person.slash("stock forecast", code=CODE, within=60)
            return [
                await _seconds(person.slash("stock forecast", code=CODE, within=60)) for _ in range(COMMANDS)
            ]


async def _seconds(work: Awaitable[object]) -> float:
    before = time.perf_counter()
    await work
    return time.perf_counter() - before


def row(name: str, taken: list[float]) -> str:
    """Write a row of the table."""
    middle, late = statistics.median(taken), percentile(taken, 0.99)
    return f"| {name} | {len(taken)} | {middle * 1e3:.1f} | {late * 1e3:.1f} |"


def section() -> str:
    """Measure, and return the section's Markdown."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    rows = [
        row("the model, 24 months of days", asyncio.run(model(TWO_YEARS))),
        row(f"the model, {NEWEST:,} days, as many as it is given at most", asyncio.run(model(NEWEST))),
        row("`/stock forecast` from the chat page, 24 months, with its picture", asyncio.run(command())),
    ]
    return "\n".join(
        [
            f"One request at a time, {HORIZON} days ahead, to the warm model in its worker; days are made up and known "
            f"already. Each answer also rates the forecasts of the last year of those days.",
            "",
            "| what | requests | median ms | p99 ms |",
            "|---|--:|--:|--:|",
            *rows,
        ]
    )
