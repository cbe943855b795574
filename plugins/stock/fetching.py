"""Keeps a stock's days up to date: which months are asked for, in whose turn, and what is kept of the answers.

Of a month that is over the answer is kept as a file too: where the database is new it is read again, and the exchange
is not asked. A walk back through the months that is broken off goes on from where it was.
"""

import asyncio
import datetime
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import structlog
from protego import Protego
from sqlalchemy import Connection, case, func, select, update

from plugins.stock.exchange_client import NAME, ExchangeClient, Trouble
from plugins.stock.exchange_page import Overloaded, Unreadable, read_month
from plugins.stock.ledger import days_of, guild_of, months_of, put_month
from plugins.stock.series import Day
from plugins.stock.settings import StockSettings
from plugins.stock.tables import day, turn
from shared.addresses import Reach
from shared.context import Context, JobContext
from shared.database import Database, now_ms
from shared.errors import Busy, Fault, Refusal
from shared.jobs import milliseconds
from shared.texts import Text

TAIPEI: Final = ZoneInfo("Asia/Taipei")
CLOSE: Final = datetime.time(13, 30)
SETTLED: Final = datetime.timedelta(days=7)
"""How long after its end a month may still change."""
EMPTY: Final = 3
"""With as many months without a trade in a row the code is unknown, or the stock was not listed before."""
ROBOTS_SECONDS: Final = 86_400.0
LONGEST_QUEUE: Final = 120.0
FIRST: Final = "2010-01"
"""The exchange has no table of earlier months."""
log = structlog.get_logger("hearth.stock")


class Away(Fault):
    """The exchange could not be asked, and may be another time."""

    @classmethod
    def because(cls, reason: Text) -> "Away":
        """Return the error for a reason."""
        return cls(reason.msgid, **reason.values)


@dataclass(frozen=True)
class Known:
    """A stock's days, oldest first, and why they may be too old, if so."""

    days: list[Day]
    stale: Fault | Refusal | None = None


async def brought_up(
    ctx: Context | JobContext, code: str, *, least: int = 1, now: datetime.datetime | None = None
) -> Known:
    """Return a stock's days, after the exchange was asked for those that may be missing.

    Where it cannot be asked, what is known is returned, with the reason; the reason is raised where less than `least`
    days are known.
    """
    settings: StockSettings = ctx.settings
    stale: Fault | Refusal | None = None
    try:
        await _ask(ctx, code, now or datetime.datetime.now(TAIPEI))
    except (Away, Busy) as error:
        stale = error
    days = await days_of(ctx.database, code, settings.host, guild_of(ctx))
    if days and (stale is None or len(days) >= least):
        return Known(days, stale)
    if stale is None:
        raise Refusal(
            "{code} had no trades in the last months that {host} knows of: is it a code of the exchange, such as 2330?",
            code=code, host=settings.site,
        )  # fmt: skip
    if isinstance(ctx, Context) and isinstance(stale, Away):
        raise Refusal(
            "{reason} Too little is known of {code} for an answer: try again later, or have an administrator use "
            "/stock import.",
            reason=stale.text, code=code,
        )  # fmt: skip
    raise stale


async def _ask(ctx: Context | JobContext, code: str, now: datetime.datetime) -> None:
    settings: StockSettings = ctx.settings
    known = await months_of(ctx.database, code, settings.host)
    newest = await _newest(ctx.database, code, settings.host)
    # Nothing newer than the last close can be there.
    up_to_date = newest is not None and newest >= last_close(now).isoformat()
    empty = 0
    reach = Reach.of(settings.allow)
    with ExchangeClient(settings.url, settings.response, reach, settings.seconds) as client:
        for number, month in enumerate(_back(now.date(), settings.months)):
            days, whole, fetched_ms = known.get(month, (0, False, 0))
            fresh = milliseconds(now) - fetched_ms < settings.fresh_seconds * 1000
            if not (whole or fresh or (month in known and up_to_date)):
                ctx.progress(number / settings.months, f"{code} {month}")
                days = await _month(ctx, client, code, month, now, fetched_ms)
            empty = 0 if days else empty + 1
            if empty == EMPTY:
                return


async def _month(
    ctx: Context | JobContext,
    client: ExchangeClient,
    code: str,
    month: str,
    now: datetime.datetime,
    before_ms: int,
) -> int:
    """Ask for one month, last asked for at `before_ms`, keep it, and return how many days it has."""
    settings: StockSettings = ctx.settings
    over = is_settled(month, now.date())
    path = _cache(ctx.folder, settings, code, month)
    body = await asyncio.to_thread(_read, path) if over else None
    try:
        if body is not None:
            try:
                days = read_month(body, settings.response, code, month)
            except (Unreadable, Overloaded):
                # A file that was spoilt is as good as none.
                body = None
        if body is None:
            await _allowed(ctx, client)
            await _turn(ctx.database, settings)
            again = (await months_of(ctx.database, code, settings.host)).get(month, (0, False, 0))
            if again[2] > before_ms:
                # Somebody else asked for the same while this one waited.
                return again[0]
            body = await _asked(ctx, client.month, code, month)
            days = await asyncio.to_thread(read_month, body, settings.response, code, month)
            if over:
                await asyncio.to_thread(_write, path, body)
    except Trouble as trouble:
        await _close(ctx.database, settings.host, trouble.pause)
        log.warning("exchange in trouble", host=settings.host, why=str(trouble), pause=trouble.pause)
        raise Away.because(
            Text("{host} could not be asked: {why}.", {"host": settings.site, "why": trouble.why})
        ) from None
    except Overloaded as busy:
        await _close(ctx.database, settings.host, settings.seconds * 10)
        log.warning("exchange overloaded", host=settings.host, said=str(busy))
        raise Away.because(Text("{host} has too much to do now.", {"host": settings.site})) from None
    except Unreadable as error:
        log.warning("exchange not understood", host=settings.host, month=month, why=str(error))
        raise Away.because(
            Text("What {host} answered is not its table as it was known.", {"host": settings.site})
        ) from None
    await put_month(ctx.database, code, settings.host, month, days, whole=over, now=milliseconds(now))
    return len(days)


async def _allowed(ctx: Context | JobContext, client: ExchangeClient) -> None:
    """Raise `Away` where the exchange's robots.txt, read once a day, asks programs not to read its table."""
    settings: StockSettings = ctx.settings
    path = _folder(ctx.folder, settings) / "robots.txt"
    rules = await asyncio.to_thread(_read, path, ROBOTS_SECONDS)
    if rules is None:
        await _turn(ctx.database, settings)
        rules = await _asked(ctx, client.robots)
        await asyncio.to_thread(_write, path, rules)
    robots = await asyncio.to_thread(Protego.parse, rules.decode("utf-8", "replace"))
    if not robots.can_fetch(settings.url, NAME):
        raise Away.because(
            Text("{host} asks programs not to read its table (robots.txt).", {"host": settings.site})
        )


async def _asked(ctx: Context | JobContext, ask: Callable[..., bytes], *arguments: str) -> bytes:
    """Have the client ask, and count the gap from the end of a request that took long."""
    settings: StockSettings = ctx.settings
    try:
        return await asyncio.to_thread(ask, *arguments)
    finally:
        await _change(ctx.database, settings.host, next_ms=now_ms() + round(settings.seconds * 1000))


def last_close(now: datetime.datetime) -> datetime.date:
    """Return the last weekday whose trading is over; whether it was a holiday only the exchange knows."""
    local = now.astimezone(TAIPEI)
    date = local.date() if local.time() >= CLOSE else local.date() - datetime.timedelta(days=1)
    return date - datetime.timedelta(days=max(0, date.weekday() - 4))


def is_settled(month: str, today: datetime.date) -> bool:
    """Tell whether a month such as 2020-01 has been over for long enough not to change any more."""
    first = datetime.date.fromisoformat(f"{month}-01")
    following = (first + datetime.timedelta(days=31)).replace(day=1)
    return today >= following + SETTLED


def _back(today: datetime.date, count: int) -> Iterator[str]:
    """Yield months from this one back."""
    at = today.replace(day=1)
    for _ in range(count):
        if f"{at:%Y-%m}" < FIRST:
            return
        yield f"{at:%Y-%m}"
        at = (at - datetime.timedelta(days=1)).replace(day=1)


async def _newest(database: Database, code: str, host: str) -> str | None:
    query = select(func.max(day.c.date)).where(day.c.code == code, day.c.source == host)
    return await database.transact(lambda connection: connection.execute(query).scalar_one_or_none())


async def _turn(database: Database, settings: StockSettings) -> None:
    """Wait for one's turn to ask, among all processes. Raises `Away` while the exchange wants nobody, and `Busy`."""
    gap = round(settings.seconds * 1000)
    now = now_ms()

    def work(connection: Connection) -> int:
        closed = connection.execute(
            select(turn.c.closed_ms).where(turn.c.host == settings.host)
        ).scalar_one_or_none()
        if closed is not None and closed > now:
            minutes = max(1, round((closed - now) / 60_000))
            raise Away.because(
                Text(
                    "{host} was in trouble or asked for a pause; it is asked again in {minutes} min at the earliest.",
                    {"host": settings.site, "minutes": minutes},
                )
            )
        after = case((turn.c.next_ms > now, turn.c.next_ms), else_=now)
        taken = connection.execute(
            database.insert(turn)
            .values(host=settings.host, next_ms=now + gap)
            .on_conflict_do_update(index_elements=[turn.c.host], set_={"next_ms": after + gap})
            .returning(turn.c.next_ms)
        ).scalar_one()
        wait = int(taken) - gap - now
        if wait > LONGEST_QUEUE * 1000:
            # Raised inside, so that the turn is given back.
            raise Busy("Too many stocks are being fetched now. Try again in some minutes.")
        return wait

    wait = await database.transact(work)
    if wait > 0:
        await asyncio.sleep(wait / 1000)


async def _close(database: Database, host: str, seconds: float) -> None:
    """Note that the exchange is not to be asked for some seconds."""
    if seconds > 0:
        await _change(database, host, closed_ms=now_ms() + round(seconds * 1000))


async def _change(database: Database, host: str, **later: int) -> None:
    """Move times of a host's turns on, never back."""
    changes = {name: case((turn.c[name] > value, turn.c[name]), else_=value) for name, value in later.items()}
    change = update(turn).where(turn.c.host == host).values(**changes)
    await database.transact(lambda connection: connection.execute(change).close())


def _cache(folder: Path, settings: StockSettings, code: str, month: str) -> Path:
    return _folder(folder, settings) / code / f"{month}.{settings.response}"


def _folder(folder: Path, settings: StockSettings) -> Path:
    return folder / "months" / settings.host.replace(":", "_")


def _read(path: Path, seconds: float = math.inf) -> bytes | None:
    """Return what a file holds; None where it is not there, or was written longer ago than `seconds`."""
    try:
        if time.time() - path.stat().st_mtime > seconds:
            return None
        return path.read_bytes()
    except OSError:
        return None


def _write(path: Path, body: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_bytes(body)
    part.replace(path)
