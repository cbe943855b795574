"""Price alarms: one person's each, told once, to that person alone, after a close at or beyond the price.

A run first writes down which alarms it tells, then tells them, then removes them: one that is broken off tells the
same ones in the same order when it is tried again, so that nobody is told twice and nobody is left out.
"""

import datetime
from typing import Any, Final

import structlog
from sqlalchemy import Connection, delete, func, insert, select, update

from plugins.stock.fetching import Away, brought_up
from plugins.stock.series import Day
from plugins.stock.tables import alarm
from plugins.stock.wording import day as date_of
from plugins.stock.wording import price
from shared.context import JobContext
from shared.database import Database, now_ms
from shared.errors import BadInput, Refusal
from shared.jobs import milliseconds
from shared.plugin import Job
from shared.reply import Reply, escape
from shared.texts import Text

MOST: Final = 20
"""Alarms of one person."""
DAYS: Final = 365
"""After which an alarm goes that was never told."""
DAY_MS: Final = 86_400_000
log = structlog.get_logger("hearth.stock")


async def set_alarm(
    database: Database, *, user: int, guild: int | None, channel: int, locale: str, code: str, above: bool,
    at: float, seen_on: datetime.date,
) -> int:  # fmt: skip
    """Keep an alarm, and return its number. Raises `BadInput` where the person has too many."""
    values = {
        "user_id": user, "guild_id": guild, "channel_id": channel, "locale": locale, "code": code, "above": above,
        "price": at, "seen_on": seen_on.isoformat(), "created_ms": now_ms(),
    }  # fmt: skip

    def work(connection: Connection) -> int:
        mine = select(func.count()).select_from(alarm).where(alarm.c.user_id == user)
        if connection.execute(mine).scalar_one() >= MOST:
            raise BadInput(
                "You have {count} price alarms already: remove one first, with /stock watches.", count=MOST
            )
        return int(connection.execute(insert(alarm).values(values).returning(alarm.c.id)).scalar_one())

    return await database.transact(work)


async def alarms_of(database: Database, user: int) -> list[Any]:
    """Return the rows of a person's alarms, oldest first."""
    query = select(alarm).where(alarm.c.user_id == user).order_by(alarm.c.id)
    return list(await database.transact(lambda connection: connection.execute(query).all()))


async def remove_alarm(database: Database, user: int, number: int) -> bool:
    """Remove a person's alarm; tells whether it was there."""
    removal = delete(alarm).where(alarm.c.user_id == user, alarm.c.id == number)
    return await database.transact(lambda connection: connection.execute(removal).rowcount > 0)


def reached(above: bool, at: float, close: float) -> bool:
    """Tell whether a close is at or beyond a price."""
    return close >= at if above else close <= at


async def tell(ctx: JobContext, now: datetime.datetime | None = None) -> None:
    """Tell each alarm whose price was reached; remove those that have waited too long."""
    await _expire(ctx.database)
    due = milliseconds(ctx.due)
    rows = await _of_run(ctx.database, due)
    if not rows:
        await _choose(ctx, due, now)
        rows = await _of_run(ctx.database, due)
    later = []
    for row in rows:
        try:
            await ctx.post(_reply(ctx, row), row.channel_id)
        except Refusal as error:
            log.warning("price alarm not told", alarm=row.id, why=str(error))
            # A direct message's channel is known again once that person writes.
            if row.guild_id is None:
                later.append(row.id)
    await _finish(ctx.database, [row.id for row in rows if row.id not in later], later)


async def _choose(ctx: JobContext, due: int, now: datetime.datetime | None) -> None:
    """Write down which alarms this run tells."""
    # Those that a run before chose, and was never able to tell, come with them.
    waiting = await _rows(ctx.database, alarm.c.due_ms.is_not(None))
    came: dict[int, tuple[str | None, float | None]] = {row.id: (row.came_on, row.came) for row in waiting}
    open_rows = await _rows(ctx.database, alarm.c.due_ms.is_(None))
    codes = sorted({row.code for row in open_rows})
    for number, code in enumerate(codes):
        ctx.progress(number / len(codes), code)
        try:
            days = (await brought_up(ctx, code, now=now)).days
        except (Refusal, Away) as error:
            log.warning("price alarms not checked", code=code, why=str(error))
            continue
        for row in open_rows:
            if row.code == code and (hit := _hit(row, days)) is not None:
                came[row.id] = hit.date.isoformat(), hit.close

    def work(connection: Connection) -> None:
        for id, (on, close) in came.items():
            connection.execute(
                update(alarm).where(alarm.c.id == id).values(due_ms=due, came_on=on, came=close)
            )

    await ctx.database.transact(work)


def _hit(row: Any, days: list[Day]) -> Day | None:
    return next(
        (day for day in days if day.date.isoformat() > row.seen_on and reached(row.above, row.price, day.close)),
        None,
    )  # fmt: skip


async def _expire(database: Database) -> None:
    old = delete(alarm).where(alarm.c.created_ms < now_ms() - DAYS * DAY_MS)
    await database.transact(lambda connection: connection.execute(old).close())


async def _of_run(database: Database, due: int) -> list[Any]:
    return await _rows(database, alarm.c.due_ms == due)


async def _rows(database: Database, condition: Any) -> list[Any]:
    query = select(alarm).where(condition).order_by(alarm.c.id)
    return list(await database.transact(lambda connection: connection.execute(query).all()))


async def _finish(database: Database, told: list[int], later: list[int]) -> None:
    def work(connection: Connection) -> None:
        connection.execute(delete(alarm).where(alarm.c.id.in_(told)))
        connection.execute(update(alarm).where(alarm.c.id.in_(later)).values(due_ms=None))

    await database.transact(work)


def _reply(ctx: JobContext, row: Any) -> Reply:
    values = {
        "code": escape(row.code), "close": price(row.came), "date": date_of(datetime.date.fromisoformat(row.came_on)),
        "price": price(row.price),
    }  # fmt: skip
    said = (
        Text("{code} closed at {close} on {date}: at or above {price}, as you asked to be told.", values)
        if row.above
        else Text("{code} closed at {close} on {date}: at or below {price}, as you asked to be told.", values)
    )
    once = Text("This alarm is over now.")
    words = [ctx.texts.render(each, row.locale, ctx.plugin) for each in (said, once)]
    return Reply(text=f"🔔 {' '.join(words)}", mention=row.user_id)


ALARMS: Final = Job(
    name="alarms",
    run=tell,
    summary="Tell people whose price alarm was reached",
    every=datetime.timedelta(minutes=10),
    misfire="once",
    timeout=datetime.timedelta(minutes=30),
)
