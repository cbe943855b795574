"""Forecasts that were made: asked of the model, kept as they were, and scored once the day has come."""

import bisect
import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, select, update

from plugins.stock.ledger import guild_of
from plugins.stock.model import FEWEST_DAYS, ForecastRequest, ForecastResult, Stock
from plugins.stock.series import Day
from plugins.stock.tables import forecast
from shared.context import Context, JobContext
from shared.database import Database, now_ms
from shared.errors import Refusal

NEWEST: Final = 1500
"""Days that the model is given at most."""


@dataclass(frozen=True)
class Scored:
    """A forecast, and the close that came: `ahead` days of trading after `made_on`, on `came_on`."""

    made_on: datetime.date
    close: float
    ahead: int
    expected: float
    low50: float
    high50: float
    low90: float
    high90: float
    walk_low90: float
    walk_high90: float
    afterwards: bool
    came_on: datetime.date
    came: float

    @property
    def inside(self) -> bool:
        """Whether the close lay in the 90 % interval."""
        return self.low90 <= self.came <= self.high90

    @property
    def error(self) -> float:
        """What the forecast was off by."""
        return abs(self.came - self.expected)

    @property
    def walk_error(self) -> float:
        """What "as today" was off by."""
        return abs(self.came - self.close)


async def foresee(
    ctx: Context | JobContext, code: str, days: Sequence[Day], horizon: int, *, afterwards: bool = False
) -> ForecastResult:
    """Ask the model, and keep what it says; a forecast from the same day that was kept before stays as it was.

    Raises `Refusal` where there are too few days.
    """
    if len(days) < FEWEST_DAYS:
        raise Refusal(
            "{code}: only {count} days of trading are known, and a forecast needs {least}.",
            code=code, count=len(days), least=FEWEST_DAYS,
        )  # fmt: skip
    result = await ctx.predict(Stock, ForecastRequest(list(days[-NEWEST:]), horizon))
    await _keep(ctx.database, guild_of(ctx), code, result, afterwards)
    return result


async def score(database: Database, guild: int, code: str, days: Sequence[Day]) -> None:
    """Write beside each open forecast of a stock what came, where that is known now."""
    dates = [day.date.isoformat() for day in days]
    query = select(forecast.c.id, forecast.c.made_on, forecast.c.ahead).where(
        forecast.c.guild_id == guild, forecast.c.code == code, forecast.c.came_on.is_(None)
    )

    def work(connection: Connection) -> None:
        for row in connection.execute(query).all():
            at = bisect.bisect_right(dates, row.made_on) - 1 + row.ahead
            # The day it was made on must be known, or others may lie between.
            if at < len(days) and at - row.ahead >= 0 and dates[at - row.ahead] == row.made_on:
                came = {"came_on": dates[at], "came": days[at].close}
                connection.execute(update(forecast).where(forecast.c.id == row.id).values(**came))

    await database.transact(work)


async def scored(
    database: Database, guild: int, code: str, *, ahead: int = 1, most: int = 60, afterwards: bool = False
) -> list[Scored]:
    """Return the newest forecasts whose day has come, oldest first; with those made afterwards only where asked."""
    query = (
        select(forecast)
        .where(
            forecast.c.guild_id == guild,
            forecast.c.code == code,
            forecast.c.ahead == ahead,
            forecast.c.came_on.is_not(None),
        )
        .order_by(forecast.c.made_on.desc())
        .limit(most)
    )
    if not afterwards:
        query = query.where(forecast.c.afterwards.is_(False))
    rows = await database.transact(lambda connection: connection.execute(query).all())
    return [_scored(row) for row in reversed(rows)]


async def _keep(database: Database, guild: int, code: str, result: ForecastResult, afterwards: bool) -> None:
    now = now_ms()
    rows = [
        {
            "guild_id": guild, "code": code, "made_on": result.last.isoformat(), "close": result.close,
            "ahead": each.ahead, "champion": result.champion, "expected": each.expected, "low50": each.low50,
            "high50": each.high50, "low90": each.low90, "high90": each.high90, "walk_low90": each.walk_low90,
            "walk_high90": each.walk_high90, "afterwards": afterwards, "created_ms": now,
        }
        for each in result.ahead
    ]  # fmt: skip

    def work(connection: Connection) -> None:
        connection.execute(database.insert(forecast).values(rows).on_conflict_do_nothing())

    await database.transact(work)


def _scored(row: Any) -> Scored:
    values = {name: row._mapping[name] for name in Scored.__dataclass_fields__}
    for name in ("made_on", "came_on"):
        values[name] = datetime.date.fromisoformat(values[name])
    return Scored(**values)
