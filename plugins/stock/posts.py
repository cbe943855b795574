"""The scheduled post: a new forecast once there is a new close, with the score of the one before.

What a subscriber can rely on: each day of trading is posted about once. Where trading days went by without a close, as
on holidays, a line says so, once a day. Otherwise nothing is said: on weekends, or between two closes.
"""

import datetime
from typing import Final

from sqlalchemy import Connection, select

from plugins.stock.fetching import TAIPEI, Away, Known, brought_up, last_close
from plugins.stock.forecasts import Scored, foresee, score, scored
from plugins.stock.ledger import guild_of
from plugins.stock.model import FEWEST_DAYS, ForecastResult
from plugins.stock.pictures import forecast_picture
from plugins.stock.tables import post as posted
from plugins.stock.wording import advice, forecast_lines, forecast_title, nothing_new, score_line
from shared.context import Context, JobContext
from shared.database import Database
from shared.plugin import Job
from shared.reply import Reply

AHEAD: Final = 5
PUBLISHED: Final = datetime.timedelta(hours=1)
"""How long after trading ends its closes may still not be out."""


async def post(ctx: JobContext, now: datetime.datetime | None = None) -> None:
    """Post a forecast of the stock that the job was added with."""
    now = now or datetime.datetime.now(TAIPEI)
    code, horizon = str(ctx.arguments["code"]), int(ctx.arguments.get("days", AHEAD))
    guild, channel = guild_of(ctx), ctx.channel_id or 0
    known = await brought_up(ctx, code, least=FEWEST_DAYS, now=now)
    last = known.days[-1].date
    posted_on, said_on = await _state(ctx.database, guild, channel, code)
    if last.isoformat() > posted_on:
        await ctx.post(await _reply(ctx, code, known, horizon))
        await _note(ctx.database, guild, channel, code, last.isoformat(), last.isoformat())
        return
    if known.stale is not None:
        raise Away.because(known.stale.text)
    missing = last_close(now - PUBLISHED)
    if missing > last and missing.isoformat() > said_on:
        await ctx.post(nothing_new(ctx, code, last))
        await _note(ctx.database, guild, channel, code, posted_on, missing.isoformat())


async def begin_anew(database: Database, guild: int, channel: int, code: str) -> None:
    """Forget what was posted, so that the next run posts."""
    await _note(database, guild, channel, code, "", "")


async def last_score(ctx: Context | JobContext, code: str, known: Known) -> Scored | None:
    """Return how the forecast of the last close did; where none was kept, of one made now from the days before."""
    guild, days = guild_of(ctx), known.days
    await score(ctx.database, guild, code, days)
    if len(days) <= FEWEST_DAYS:
        return None
    if (found := await _of_last(ctx.database, guild, code, known)) is None:
        await foresee(ctx, code, days[:-1], 1, afterwards=True)
        await score(ctx.database, guild, code, days)
        found = await _of_last(ctx.database, guild, code, known)
    return found


async def _of_last(database: Database, guild: int, code: str, known: Known) -> Scored | None:
    made = await scored(database, guild, code, most=1, afterwards=True)
    return next((each for each in made if each.came_on == known.days[-1].date), None)


async def _reply(ctx: JobContext, code: str, known: Known, horizon: int) -> Reply:
    before = await last_score(ctx, code, known)
    result: ForecastResult = await foresee(ctx, code, known.days, horizon)
    standing, *rest = forecast_lines(ctx, code, result)
    lines = [standing, score_line(ctx, before) if before else "", *rest]
    return Reply(
        title=forecast_title(ctx, code, result),
        text="\n\n".join(line for line in lines if line) + "\n" + advice(ctx),
        pictures=await forecast_picture(ctx, code, known.days, result),
    )


async def _state(database: Database, guild: int, channel: int, code: str) -> tuple[str, str]:
    query = select(posted.c.posted_on, posted.c.said_on).where(
        posted.c.guild_id == guild, posted.c.channel_id == channel, posted.c.code == code
    )
    row = await database.transact(lambda connection: connection.execute(query).one_or_none())
    return ("", "") if row is None else (row.posted_on, row.said_on)


async def _note(
    database: Database, guild: int, channel: int, code: str, posted_on: str, said_on: str
) -> None:
    values = {"posted_on": posted_on, "said_on": said_on}

    def work(connection: Connection) -> None:
        connection.execute(
            database.insert(posted)
            .values(guild_id=guild, channel_id=channel, code=code, **values)
            .on_conflict_do_update(index_elements=list(posted.primary_key.columns), set_=values)
        )

    await database.transact(work)


POST: Final = Job(
    name="post",
    run=post,
    summary="Post a forecast of a stock after the close, with the score of the one before",
    timeout=datetime.timedelta(minutes=15),
)
