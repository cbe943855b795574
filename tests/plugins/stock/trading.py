"""Settings, databases and exchanges for tests of the chat side."""

import datetime
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from plugins.stock.exchange_server import LocalExchange
from plugins.stock.fetching import TAIPEI
from plugins.stock.settings import StockSettings
from plugins.stock.tables import metadata
from shared.context import JobContext
from shared.database import Database
from tests.kit.jobs import Hands, job_context

TODAY = datetime.date(2026, 11, 25)
EVENING = datetime.datetime(2026, 11, 25, 18, tzinfo=TAIPEI)


def settings_for(exchange: LocalExchange, **more: Any) -> StockSettings:
    """Have the local exchange asked, faster than a real one may be."""
    values = {
        "url": exchange.url,
        "allow": ("127.0.0.0/8",),
        "seconds": 0.05,
        "fresh_seconds": 0,
        "months": 4,
    }
    return StockSettings(**{**values, **more})


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Database]:
    """Open a database with the plugin's tables."""
    database = Database(f"sqlite+aiosqlite:///{path / 'hearth.db'}")
    async with database.begin() as connection:
        await connection.run_sync(metadata.create_all)
    yield database
    await database.close()


def asking(database: Database, root: Path, exchange: LocalExchange, **more: Any) -> tuple[JobContext, Hands]:
    """Return what a job of the plugin is given, asking the local exchange."""
    settings = settings_for(exchange, **more.pop("settings", {}))
    return job_context("stock", database, root, settings=settings, **more)
