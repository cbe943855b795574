"""How fast days of trading are fetched from an exchange that waits for nobody, and what politeness makes of that."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import aiohttp
import structlog

from plugins.stock.exchange_server import LocalExchange
from plugins.stock.fetching import brought_up
from plugins.stock.settings import StockSettings
from plugins.stock.tables import metadata
from shared.context import JobContext
from shared.database import Database
from tests.kit.jobs import job_context

CODES: Final = ("2330", "2317", "0050", "2412", "1301")
MONTHS: Final[int] = StockSettings.model_fields["months"].default
POLITE_SECONDS: Final[float] = StockSettings.model_fields["seconds"].default
PLAIN: Final = 50


@asynccontextmanager
async def asking(exchange: LocalExchange, seconds: float) -> AsyncIterator[JobContext]:
    """Give what asks the local exchange, every `seconds` at most, and knows of no day yet."""
    settings = StockSettings(url=exchange.url, allow=("127.0.0.0/8",)).model_copy(
        update={"seconds": seconds, "months": MONTHS}
    )
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite+aiosqlite:///{folder}/bench.db")
        try:
            async with database.begin() as connection:
                await connection.run_sync(metadata.create_all)
            yield job_context("stock", database, Path(folder), settings=settings)[0]
        finally:
            await database.close()


async def unlimited(exchange: LocalExchange) -> list[tuple[str, str]]:
    """Measure without any wait between requests; and the same again, when all is known."""
    first, again = [], []
    async with asking(exchange, 0.0) as ctx:
        for code in CODES:
            # The exchange makes a stock up when it is asked for the first time.
            exchange.days(code)
            first.append(await _seconds(ctx, code))
            again.append(await _seconds(ctx, code))
    taken, known = statistics.median(first), statistics.median(again)
    return [
        ("without a limit: months a second, each asked for, checked and kept", f"{MONTHS / taken:.0f}"),
        (f"{MONTHS} months of a stock without a limit", f"{taken:.2f} s"),
        (f"{MONTHS} months that are known, nothing asked", f"{known * 1e3:.1f} ms"),
    ]


async def polite(exchange: LocalExchange) -> list[tuple[str, str]]:
    """Measure with the gap between requests that the settings have by default."""
    before = len(exchange.times)
    async with asking(exchange, POLITE_SECONDS) as ctx:
        taken = await _seconds(ctx, CODES[0])
    asked = len(exchange.times) - before
    return [
        (
            f"with the default of {POLITE_SECONDS:g} s between requests: months a second",
            f"{asked / taken:.2f}",
        ),
        (f"{MONTHS} months of a stock with that, robots.txt first", f"{taken:.1f} s"),
    ]


async def plainly(exchange: LocalExchange) -> list[tuple[str, str]]:
    """Measure what the local exchange itself takes to answer."""
    taken = []
    query = {"date": "20250601", "stockNo": CODES[0], "response": "json"}
    async with aiohttp.ClientSession() as session:
        for _ in range(PLAIN):
            before = time.perf_counter()
            async with session.get(exchange.url, params=query) as answer:
                await answer.read()
            taken.append(time.perf_counter() - before)
    return [
        (
            "of this, the local exchange's own answer to one request",
            f"{statistics.median(taken) * 1e3:.1f} ms",
        )
    ]


async def _seconds(ctx: JobContext, code: str) -> float:
    before = time.perf_counter()
    known = await brought_up(ctx, code)
    assert known.stale is None, "the exchange answered"
    return time.perf_counter() - before


async def measure() -> list[tuple[str, str]]:
    """Return each figure's name and value."""
    async with LocalExchange() as exchange:
        found = await unlimited(exchange)
        found[1:1] = await plainly(exchange)
        return [*found, *await polite(exchange)]


def section() -> str:
    """Measure, and return the section's Markdown."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    rows = asyncio.run(measure())
    table = "\n".join(f"| {name} | {value} |" for name, value in rows)
    return (
        f"The local exchange (`hearth stock exchange`) on loopback, in the same process, and SQLite. One request at a "
        f"time, as the plugin asks; medians of {len(CODES)} stocks of {MONTHS} months each. The limit holds for all "
        f"processes together, so that more of them fetch no faster.\n\n| what | measured |\n|---|---|\n{table}"
    )
