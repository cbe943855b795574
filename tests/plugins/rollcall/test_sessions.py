"""Sessions end at midnight whatever the clock does, a channel has one, and each person is checked in once."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, insert, select, update

from plugins.rollcall.people import enrol, leave
from plugins.rollcall.people import enrolled as everybody
from plugins.rollcall.sessions import (
    Session,
    check_in,
    checked_in,
    close_session,
    last_session,
    last_time_zone,
    midnight_ms,
    open_session,
    zone_named,
)
from plugins.rollcall.tables import checkin, metadata, person, session
from plugins.rollcall.tidying import tidy
from shared.database import Database
from shared.errors import BadInput, Refusal
from shared.migrate import CORE_MIGRATIONS, migrate, migrate_back
from shared.settings import Settings
from shared.vault import KEY_BYTES, Vault
from tests.kit.postgres import postgres
from tests.plugins.rollcall.classroom import SAME_FACE, made_up

MIGRATIONS = Path(__file__).parents[3] / "plugins" / "rollcall" / "migrations"
GUILD, CHANNEL, TEACHER = 10, 20, 1
DAY = 86_400_000


def at(text: str, zone: str = "Asia/Taipei") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest_asyncio.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database(f"sqlite+aiosqlite:///{tmp_path / 'hearth.db'}")
    await migrate(opened, "rollcall", MIGRATIONS)
    yield opened
    await opened.close()


@pytest_asyncio.fixture(params=["sqlite", "postgresql"])
async def either(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    if request.param == "sqlite":
        url = f"sqlite+aiosqlite:///{tmp_path / 'either.db'}"
    else:
        url = Settings(_env_file=None, database_url=request.getfixturevalue("address")).database  # type: ignore[call-arg]
    opened = Database(url)
    await migrate(opened)
    await migrate(opened, "rollcall", MIGRATIONS)
    yield opened
    await migrate_back(opened, "base", "rollcall", MIGRATIONS)
    await migrate_back(opened, "base", "hearth", CORE_MIGRATIONS)
    await opened.close()


async def enrolled(database: Database, *users: int, now: int = 0) -> None:
    rows = [
        {"guild_id": GUILD, "user_id": user, "name": f"member {user}", "consented_ms": now, "seen_ms": now}
        for user in users
    ]
    async with database.begin() as connection:
        await connection.execute(insert(person), rows)


async def opened(database: Database, now: int, zone: str = "Asia/Taipei", channel: int = CHANNEL) -> Session:
    return await open_session(
        database, now, guild_id=GUILD, channel_id=channel, title="Class", time_zone=zone, started_by=TEACHER
    )


def differences(connection: Connection) -> list[object]:
    def ours(thing: Any, name: str | None, kind: str, _reflected: bool, _compared: Any) -> bool:
        return kind != "table" or (str(name).startswith("rollcall_") and not str(name).endswith("_version"))

    context = MigrationContext.configure(connection, opts={"include_object": ours})
    return list(compare_metadata(context, metadata))


async def test_the_migration_makes_exactly_the_declared_tables(either: Database) -> None:
    database = either
    async with database.begin() as connection:
        assert await connection.run_sync(differences) == []


@pytest.mark.parametrize(
    ("now", "zone", "hours"),
    [
        ("2026-03-02T08:00", "Asia/Taipei", 16),
        ("2026-03-02T00:00", "Asia/Taipei", 24),
        ("2026-03-02T23:59", "Asia/Taipei", 1 / 60),
        # Clocks go forward, and back, within the day.
        ("2026-03-29T00:00", "Europe/Berlin", 23),
        ("2026-10-25T00:00", "Europe/Berlin", 25),
        ("2026-10-04T00:00", "Australia/Lord_Howe", 23.5),
        # The clock jumps from midnight to one: the day ends at the jump.
        ("2025-04-24T12:00", "Africa/Cairo", 12),
        # It goes back from one to midnight, which comes twice: the day ends at the first.
        ("2025-11-01T12:00", "America/Havana", 12),
        ("2025-11-02T00:00", "America/Havana", 25),
        # It goes back from midnight to eleven: the day has 25 hours.
        ("2025-10-30T12:00", "Africa/Cairo", 13),
        ("2026-12-31T12:00", "UTC", 12),
    ],
)  # fmt: skip
def test_the_day_ends_at_midnight_of_the_time_zone(now: str, zone: str, hours: float) -> None:
    start = at(now, zone)
    assert (midnight_ms(start, ZoneInfo(zone)) - start) / 3_600_000 == pytest.approx(hours, abs=1e-9)


@pytest.mark.parametrize(
    "name",
    ["Taipei", "", "../etc/passwd", "/etc/localtime", "America", "Asia/Taipei\0", "UTC" * 40, "亞洲/台北"],
)
def test_what_is_no_time_zone_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="no time zone"):
        zone_named(name)


async def test_a_channel_has_one_open_session_and_the_next_opens_when_it_is_closed(
    database: Database,
) -> None:
    morning = at("2026-03-02T08:00")
    first = await opened(database, morning)
    with pytest.raises(Refusal, match="open in this channel already"):
        await opened(database, morning + 1)
    await opened(database, morning, channel=CHANNEL + 1)
    assert await close_session(database, morning + 2, first)
    assert not await close_session(database, morning + 3, first)
    second = await opened(database, morning + 4)
    assert second.id > first.id
    assert await last_session(database, GUILD, CHANNEL) == second


async def test_of_many_who_open_at_once_one_does(database: Database) -> None:
    morning = at("2026-03-02T08:00")
    done = await asyncio.gather(*(opened(database, morning) for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(each, Session) for each in done) == 1
    assert sum(isinstance(each, Refusal) for each in done) == 7


async def test_midnight_closes_a_session_though_nothing_ran_then(database: Database) -> None:
    await enrolled(database, 5)
    found = await opened(database, at("2026-03-02T20:00"))
    late, early = at("2026-03-03T00:00"), at("2026-03-02T23:59:59.999")
    assert found.open_at(early)
    assert not found.open_at(late)
    assert await check_in(database, late, found, [5], 5, "member 5") is None
    assert await check_in(database, early, found, [5], 5, "member 5") == frozenset({5})
    tomorrow = await opened(database, at("2026-03-03T09:00"))
    async with database.begin() as connection:
        closed = await connection.scalar(select(session.c.closed_ms).where(session.c.id == found.id))
    assert closed == late
    assert tomorrow.open_at(at("2026-03-03T09:01"))


async def test_the_time_zone_is_remembered(database: Database) -> None:
    assert await last_time_zone(database, GUILD) is None
    found = await opened(database, at("2026-03-02T08:00"), zone="Europe/Berlin")
    assert await last_time_zone(database, GUILD) == "Europe/Berlin"
    assert found.local(found.closes_ms).strftime("%Y-%m-%d %H:%M %Z") == "2026-03-03 00:00 CET"


async def test_pictures_at_once_check_everybody_in_once(either: Database) -> None:
    database = either
    users = list(range(100, 112))
    await enrolled(database, *users)
    found, now = await opened(database, at("2026-03-02T08:00")), at("2026-03-02T08:05")
    pictures = [users[start : start + 8] for start in range(0, 8, 2)] + [users[::-1]]
    done = await asyncio.gather(
        *(check_in(database, now + n, found, people, n, f"poster {n}") for n, people in enumerate(pictures))
    )
    new = [user for each in done for user in each or ()]
    assert sorted(new) == users
    people = await checked_in(database, found)
    assert sorted(each.user_id for each in people) == users
    for each in people:
        # Who was first for a person is who the row names.
        assert each.user_id in (done[each.posted_by or 0] or ())
        assert each.at_ms == now + (each.posted_by or 0)


async def test_people_who_enrol_at_once_on_either_database_do_not_share_a_face(either: Database) -> None:
    vault = Vault(b"k" * KEY_BYTES)

    async def attempt(user: int, seed: int) -> int:
        return await enrol(
            either, vault, 1, guild_id=GUILD, user_id=user, name=f"member {user}", faces=[made_up(seed)],
            adding=False, same_face=SAME_FACE,
        )  # fmt: skip

    pairs = [(user, user // 2) for user in range(100, 106)]
    done = await asyncio.gather(*(attempt(user, seed) for user, seed in pairs), return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["Refusal"] * 3 + ["int"] * 3
    people = await everybody(either, vault, GUILD)
    assert sorted(each.user_id // 2 for each in people) == [50, 51, 52]
    assert await leave(either, GUILD, people[0].user_id)
    assert not await leave(either, GUILD, people[0].user_id)
    other = next(user for user in (100, 101) if user != people[0].user_id)
    assert await attempt(other, 50) == 1
    found = await opened(either, at("2026-03-02T08:00"))
    await check_in(either, at("2026-03-02T08:01"), found, [other], other, "x")
    assert await tidy(either, at("2030-01-01T00:00"), session_days=90, face_days=365) == (1, 1, 3)
    assert await everybody(either, vault, GUILD) == []


async def test_only_who_enrolled_in_this_server_is_checked_in(database: Database) -> None:
    await enrolled(database, 5)
    found, now = await opened(database, at("2026-03-02T08:00")), at("2026-03-02T08:05")
    assert await check_in(database, now, found, [5, 6], 5, "member 5") == frozenset({5})
    assert await check_in(database, now, found, [6], 6, "member 6") == frozenset()


async def test_who_comes_after_the_minutes_given_is_late(database: Database) -> None:
    now = at("2026-03-02T08:00")
    found = await open_session(
        database, now, guild_id=GUILD, channel_id=CHANNEL, title="Class", time_zone="Asia/Taipei",
        started_by=TEACHER, late_after=10,
    )  # fmt: skip
    assert not found.is_late(now + 9 * 60_000 + 59_999)
    assert found.is_late(now + 10 * 60_000)
    assert not (await opened(database, now, channel=CHANNEL + 1)).is_late(now + DAY)


async def test_old_sessions_and_people_not_seen_for_long_are_erased(database: Database) -> None:
    start = at("2026-03-02T08:00")
    await enrolled(database, 5, 6, now=start)
    found = await opened(database, start)
    await check_in(database, start, found, [5], 5, "member 5")
    assert await tidy(database, start + DAY, session_days=90, face_days=365) == (1, 0, 0)
    await opened(database, start + 89 * DAY)
    assert await tidy(database, start + 90 * DAY + 1, session_days=90, face_days=365) == (1, 1, 0)
    async with database.begin() as connection:
        assert (await connection.execute(select(checkin))).all() == []
        await connection.execute(
            update(person).where(person.c.user_id == 6).values(seen_ms=start + 300 * DAY)
        )
    assert await tidy(database, start + 366 * DAY, session_days=900, face_days=365) == (0, 0, 1)
    async with database.begin() as connection:
        assert (await connection.scalars(select(person.c.user_id))).all() == [6]


async def test_an_open_session_is_not_erased_however_short_the_retention(database: Database) -> None:
    now = at("2026-03-02T08:00", "UTC")
    found = await opened(database, now, zone="UTC")
    await tidy(database, now + 3_600_000, session_days=1, face_days=1)
    again = await last_session(database, GUILD, CHANNEL)
    assert again == found
    assert datetime.fromtimestamp(found.closes_ms / 1000, UTC).hour == 0
