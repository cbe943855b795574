"""Days of trading in the database: those that the exchange was asked for, and those that people imported."""

import datetime
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Connection, delete, func, select

from plugins.stock.series import Day
from plugins.stock.tables import day, month
from shared.context import Context, JobContext
from shared.database import Database
from shared.errors import BadInput

MOST_IMPORTS: Final = 100
"""Stocks of which one server may import days."""
PIECE: Final = 500
_CODE: Final = re.compile(r"[0-9A-Z]{4,8}")


def code_of(text: str) -> str:
    """Return a stock's code as the exchange writes it. Raises `BadInput`."""
    code = unicodedata.normalize("NFKC", text).strip().upper().removesuffix(".TW")
    if not _CODE.fullmatch(code):
        raise BadInput("{text} is no code of a stock: write one such as 2330 or 0050.", text=text[:20])
    return code


def guild_of(ctx: Context | JobContext) -> int:
    """Return the server whose imports and forecasts are meant; 0 for the command line and direct messages."""
    guild = ctx.guild_id if isinstance(ctx, JobContext) else ctx.asker.guild_id
    return guild or 0


def imported_by(guild: int) -> str:
    """Return the name of the source that a server's imports are."""
    return f"import:{guild}"


async def days_of(database: Database, code: str, host: str, guild: int) -> list[Day]:
    """Return what is known of a stock, oldest first: the exchange's days, and where it has none, imported ones."""
    # Later ones win.
    sources = list(dict.fromkeys((imported_by(0), imported_by(guild), host)))
    query = select(day).where(day.c.code == code, day.c.source.in_(sources))
    rows = await database.transact(lambda connection: connection.execute(query).all())
    found: dict[str, Any] = {}
    for row in sorted(rows, key=lambda row: sources.index(row.source)):
        found[row.date] = row
    return [_day(found[date]) for date in sorted(found)]


async def put_import(database: Database, code: str, guild: int, days: Sequence[Day]) -> None:
    """Keep a server's days of a stock, in place of those that it imported before. Raises `BadInput`."""
    source = imported_by(guild)

    def work(connection: Connection) -> None:
        others = select(func.count(day.c.code.distinct())).where(day.c.source == source, day.c.code != code)
        if connection.execute(others).scalar_one() >= MOST_IMPORTS:
            raise BadInput("This server has imported {count} stocks already.", count=MOST_IMPORTS)
        connection.execute(delete(day).where(day.c.source == source, day.c.code == code))
        _put(connection, database, code, source, days)

    await database.transact(work)


async def put_month(
    database: Database, code: str, host: str, name: str, days: Sequence[Day], *, whole: bool, now: int
) -> None:
    """Keep what the exchange said of one month, such as 2020-01, in place of what it said before."""

    def work(connection: Connection) -> None:
        mine = (day.c.code == code, day.c.source == host, day.c.date.like(f"{name}-%"))
        connection.execute(delete(day).where(*mine))
        _put(connection, database, code, host, days)
        values = {"days": len(days), "whole": whole, "fetched_ms": now}
        connection.execute(
            database.insert(month)
            .values(code=code, source=host, month=name, **values)
            .on_conflict_do_update(index_elements=list(month.primary_key.columns), set_=values)
        )

    await database.transact(work)


async def months_of(database: Database, code: str, host: str) -> dict[str, tuple[int, bool, int]]:
    """Return each month that the exchange was asked for: its days, whether it is whole, and when it was asked for."""
    query = select(month).where(month.c.code == code, month.c.source == host)
    rows = await database.transact(lambda connection: connection.execute(query).all())
    return {row.month: (row.days, row.whole, row.fetched_ms) for row in rows}


def _put(connection: Connection, database: Database, code: str, source: str, days: Iterable[Day]) -> None:
    rows = [
        {
            "code": code, "source": source, "date": each.date.isoformat(), "open": each.open, "high": each.high,
            "low": each.low, "close": each.close, "shares": each.shares, "value": each.value, "trades": each.trades,
            "change": each.change, "ex_dividend": each.ex_dividend,
        }
        for each in days
    ]  # fmt: skip
    for start in range(0, len(rows), PIECE):
        connection.execute(database.insert(day), rows[start : start + PIECE])


def _day(row: Any) -> Day:
    return Day(
        datetime.date.fromisoformat(row.date), row.open, row.high, row.low, row.close, row.shares, row.value,
        row.trades, row.change, row.ex_dividend,
    )  # fmt: skip
