"""Sessions of a roll call: opened in a channel, closed by hand or at midnight, each person checked in once.

Midnight is worked out when a session opens, as a moment in UTC. Every question carries the time now and compares, so a
session is over at midnight even where the bot was down then; the job only tidies up.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import RowMapping, and_, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from plugins.rollcall.tables import NAME_LENGTH, checkin, person, server, session
from shared.database import Database
from shared.errors import BadInput, Refusal

MINUTE_MS: Final = 60_000
DAY_MS: Final = 86_400_000
_ZONE: Final = re.compile(r"[A-Za-z0-9_+-]{1,30}(/[A-Za-z0-9_+-]{1,30}){0,2}")


@dataclass(frozen=True)
class Session:
    """One roll call. Times are milliseconds since 1970 UTC; `closed_ms` is None while it is open."""

    id: int
    guild_id: int
    channel_id: int
    title: str
    time_zone: str
    self_only: bool
    late_ms: int | None
    started_by: int | None
    started_ms: int
    closes_ms: int
    closed_ms: int | None

    def open_at(self, now_ms: int) -> bool:
        """Tell whether people may be checked in at that time."""
        return self.closed_ms is None and now_ms < self.closes_ms

    def ended_ms(self) -> int:
        """Return when it was closed, or will close by itself."""
        return self.closes_ms if self.closed_ms is None else min(self.closed_ms, self.closes_ms)

    def is_late(self, at_ms: int) -> bool:
        """Tell whether a check-in at that time is late."""
        return self.late_ms is not None and at_ms >= self.late_ms

    def local(self, at_ms: int) -> datetime:
        """Return a time as the clock shows it in the session's time zone."""
        return datetime.fromtimestamp(at_ms / 1000, zone_named(self.time_zone))


@dataclass(frozen=True)
class CheckIn:
    """One person who is in: when, and who posted the picture (None: a camera, or somebody since forgotten)."""

    user_id: int
    name: str
    at_ms: int
    posted_by: int | None
    posted_name: str | None


def zone_named(name: str) -> ZoneInfo:
    """Return the time zone of an IANA name. Raises `BadInput`."""
    try:
        if _ZONE.fullmatch(name):
            return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    raise BadInput(
        "There is no time zone {name}. Use a name such as Asia/Taipei or Europe/Berlin.", name=name
    )


def midnight_ms(now_ms: int, zone: ZoneInfo) -> int:
    """Return when the day that `now_ms` falls on ends in `zone`.

    Days that daylight saving makes longer or shorter end right: where the clock jumps over midnight, the day ends at
    the jump; where midnight comes twice, at the first.
    """
    today = datetime.fromtimestamp(now_ms / 1000, zone).date()
    tomorrow = today + timedelta(days=1)
    return int(datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=zone).timestamp() * 1000)


async def last_time_zone(database: Database, guild_id: int) -> str | None:
    """Return the time zone that a session of this server last named."""
    async with database.begin() as connection:
        return await connection.scalar(select(server.c.time_zone).where(server.c.guild_id == guild_id))


async def open_session(
    database: Database,
    now_ms: int,
    *,
    guild_id: int,
    channel_id: int,
    title: str,
    time_zone: str,
    started_by: int,
    self_only: bool = False,
    late_after: int | None = None,
) -> Session:
    """Open a session until midnight; `late_after` minutes on, people are late. Raises `Refusal` where one is open."""
    values = {
        "guild_id": guild_id,
        "channel_id": channel_id,
        "open_channel": channel_id,
        "title": title,
        "time_zone": time_zone,
        "self_only": self_only,
        "late_ms": None if late_after is None else now_ms + late_after * MINUTE_MS,
        "started_by": started_by,
        "started_ms": now_ms,
        "closes_ms": midnight_ms(now_ms, zone_named(time_zone)),
        "closed_ms": None,
    }
    async with database.begin() as connection:
        await close_overdue(connection, now_ms)
        inserted = (
            await connection.execute(
                database.insert(session).values(**values).on_conflict_do_nothing().returning(session.c.id)
            )
        ).scalar_one_or_none()
        if inserted is None:
            raise Refusal(
                "A roll call is open in this channel already. See /rollcall show, or /rollcall close."
            )
        await connection.execute(
            database.insert(server)
            .values(guild_id=guild_id, time_zone=time_zone, enrolments=0)
            .on_conflict_do_update(index_elements=[server.c.guild_id], set_={"time_zone": time_zone})
        )
    del values["open_channel"]
    return Session(id=inserted, **values)  # type: ignore[arg-type]


async def close_overdue(connection: AsyncConnection, now_ms: int) -> int:
    """Close what midnight has closed; return how many sessions that were."""
    done = await connection.execute(
        update(session)
        .where(session.c.closed_ms.is_(None), session.c.closes_ms <= now_ms)
        .values(closed_ms=session.c.closes_ms, open_channel=None)
    )
    return done.rowcount


async def last_session(database: Database, guild_id: int, channel_id: int) -> Session | None:
    """Return the channel's session that opened last, open or not."""
    query = (
        select(session)
        .where(session.c.guild_id == guild_id, session.c.channel_id == channel_id)
        .order_by(session.c.id.desc())
        .limit(1)
    )
    async with database.begin() as connection:
        row = (await connection.execute(query)).mappings().one_or_none()
    return None if row is None else _session(row)


async def session_numbered(database: Database, guild_id: int, number: int) -> Session | None:
    """Return one session of this server."""
    query = select(session).where(session.c.guild_id == guild_id, session.c.id == number)
    async with database.begin() as connection:
        row = (await connection.execute(query)).mappings().one_or_none()
    return None if row is None else _session(row)


async def close_session(database: Database, now_ms: int, found: Session) -> bool:
    """Close an open session; False where it was closed already."""
    async with database.begin() as connection:
        await close_overdue(connection, now_ms)
        done = await connection.execute(
            update(session)
            .where(session.c.id == found.id, session.c.closed_ms.is_(None))
            .values(closed_ms=now_ms, open_channel=None)
        )
    return done.rowcount == 1


async def check_in(
    database: Database,
    now_ms: int,
    found: Session,
    users: Sequence[int],
    posted_by: int | None,
    posted_name: str | None,
) -> frozenset[int] | None:
    """Check people in, each once, however many pictures come at once; return who is new.

    A camera passes None for `posted_by`, and a word for itself as `posted_name`.

    None where the session has closed meanwhile. Somebody who left roll call meanwhile is not checked in.
    """
    async with database.begin() as connection:
        # The row is locked, so that a session cannot close under a check-in.
        held = await connection.execute(
            update(session)
            .where(session.c.id == found.id, session.c.closed_ms.is_(None), session.c.closes_ms > now_ms)
            .values(closed_ms=None)
        )
        if held.rowcount != 1:
            return None
        known = (
            await connection.scalars(
                select(person.c.user_id)
                .where(person.c.guild_id == found.guild_id, person.c.user_id.in_(sorted(set(users))))
                # Held in one order, so that two pictures of the same people wait for each other and not both.
                .order_by(person.c.user_id)
                .with_for_update()
            )
        ).all()
        if not known:
            return frozenset()
        rows = [
            {
                "session_id": found.id,
                "user_id": user,
                "at_ms": now_ms,
                "posted_by": posted_by,
                "posted_name": posted_name and posted_name[:NAME_LENGTH],
            }
            for user in known
        ]
        new = await connection.scalars(
            database.insert(checkin).values(rows).on_conflict_do_nothing().returning(checkin.c.user_id)
        )
        fresh = frozenset(new.all())
        await connection.execute(
            update(person)
            .where(person.c.guild_id == found.guild_id, person.c.user_id.in_(known))
            .values(seen_ms=now_ms)
        )
    return fresh


async def checked_in(database: Database, found: Session) -> list[CheckIn]:
    """Return who is in, first come first."""
    query = (
        select(checkin.c.user_id, person.c.name, checkin.c.at_ms, checkin.c.posted_by, checkin.c.posted_name)
        .join(person, and_(person.c.guild_id == found.guild_id, person.c.user_id == checkin.c.user_id))
        .where(checkin.c.session_id == found.id)
        .order_by(checkin.c.at_ms, checkin.c.id)
    )
    async with database.begin() as connection:
        return [CheckIn(**row) for row in (await connection.execute(query)).mappings()]


async def count_enrolled(database: Database, guild_id: int) -> int:
    """Return how many people have enrolled in this server."""
    query = select(func.count()).select_from(person).where(person.c.guild_id == guild_id)
    async with database.begin() as connection:
        return int(await connection.scalar(query) or 0)


async def delete_old_sessions(connection: AsyncConnection, before_ms: int) -> int:
    """Delete sessions, and their check-ins, that opened before that time and are over; return how many."""
    old = select(session.c.id).where(session.c.started_ms < before_ms, session.c.closed_ms.is_not(None))
    await connection.execute(delete(checkin).where(checkin.c.session_id.in_(old)))
    done = await connection.execute(
        delete(session).where(session.c.started_ms < before_ms, session.c.closed_ms.is_not(None))
    )
    return done.rowcount


def _session(row: RowMapping) -> Session:
    values: Mapping[str, Any] = {name: value for name, value in row.items() if name != "open_channel"}
    return Session(**values)
