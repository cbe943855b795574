"""Who enrolled in a server, by their own consent, and the descriptions of their faces, sealed wherever they lie.

A description is 128 numbers (float32, little-endian), never a picture. It is opened in memory only, for one comparison,
and is tied to its server and person: moved to another row, it cannot be opened.
"""

import asyncio
import math
import struct
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog
from sqlalchemy import Delete, Select, Update, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from plugins.rollcall.tables import NAME_LENGTH, checkin, face, person, server, session
from shared.database import Database
from shared.errors import Busy, Refusal
from shared.tables import button
from shared.vault import Vault, VaultError

MOST_PHOTOS: Final = 5
NUMBERS: Final = 128
_VECTOR: Final = struct.Struct(f"<{NUMBERS}f")
_ATTEMPTS: Final = 8
log = structlog.get_logger("hearth.rollcall")


@dataclass(frozen=True, repr=False)
class Person:
    """One who enrolled. Its faces are open: keep it in memory, and not for long; it has no words for a log."""

    user_id: int
    name: str
    faces: tuple[bytes, ...]


@dataclass(frozen=True)
class Kept:
    """What is kept of one person in one server, for that person to see."""

    name: str
    consented_ms: int
    seen_ms: int
    photos: int
    checkins: int
    other_servers: int


def about(guild_id: int, user_id: int) -> str:
    """Return what a sealed face is tied to."""
    return f"rollcall:{guild_id}:{user_id}"


def distance(one: bytes, other: bytes) -> float:
    """Return the Euclidean distance of two descriptions."""
    return math.dist(_VECTOR.unpack(one), _VECTOR.unpack(other))


def nearest(faces: Iterable[bytes], others: Sequence[bytes]) -> float:
    """Return the smallest distance between a face of the one and a face of the other; infinite where there is none."""
    return min((distance(one, other) for one in faces for other in others), default=math.inf)


def farthest(faces: Sequence[bytes]) -> float:
    """Return the largest distance between two of these faces; 0 for one face."""
    return max((distance(a, b) for i, a in enumerate(faces) for b in faces[:i]), default=0.0)


async def enrolled(database: Database, vault: Vault, guild_id: int) -> list[Person]:
    """Return who enrolled in a server, with their faces opened, in the order of their ids."""
    _, people = await _gallery(database, vault, guild_id)
    return people


async def is_enrolled(database: Database, guild_id: int, user_id: int) -> bool:
    """Tell whether a person has enrolled in a server."""
    query = select(person.c.user_id).where(person.c.guild_id == guild_id, person.c.user_id == user_id)
    async with database.begin() as connection:
        return await connection.scalar(query) is not None


async def admit(
    database: Database,
    vault: Vault,
    guild_id: int,
    user_id: int,
    faces: Sequence[bytes],
    *,
    adding: bool,
    same_face: float,
) -> int:
    """Raise `Refusal` where these faces cannot be enrolled by this person here; return which state that is true of."""
    state, people = await _gallery(database, vault, guild_id)
    mine = next((each.faces for each in people if each.user_id == user_id), ())
    others = [one for each in people if each.user_id != user_id for one in each.faces]
    if adding and mine:
        if len(mine) + len(faces) > MOST_PHOTOS:
            raise Refusal(
                "You have {count} photos enrolled; five are the most. Replace them, or send fewer.",
                count=len(mine),
            )
        if nearest(faces, mine) > same_face:
            raise Refusal("This does not look like the face that you enrolled. Replace your photos instead.")
    # A few thousand comparisons are tens of milliseconds: not on the event loop.
    if await asyncio.to_thread(nearest, faces, others) <= same_face:
        raise Refusal(
            "This face cannot be enrolled by you: it is too much like one that is enrolled here already. "
            "If it is your own face, ask an organiser to sort it out with you in person."
        )
    return state


async def enrol(
    database: Database,
    vault: Vault,
    now_ms: int,
    *,
    guild_id: int,
    user_id: int,
    name: str,
    faces: Sequence[bytes],
    adding: bool,
    same_face: float,
) -> int:
    """Keep a person's faces, with consent given now; return how many are kept then.

    Two people who enrol the same face at once: one of them is refused, as if it had come later. Raises `Refusal`.
    """
    sealed = [vault.seal(one, about(guild_id, user_id)) for one in faces]
    for _ in range(_ATTEMPTS):
        state = await admit(database, vault, guild_id, user_id, faces, adding=adding, same_face=same_face)
        async with database.begin() as connection:
            if not await _advance(connection, database, guild_id, state):
                continue
            await connection.execute(
                database.insert(person)
                .values(
                    guild_id=guild_id,
                    user_id=user_id,
                    name=name[:NAME_LENGTH],
                    consented_ms=now_ms,
                    seen_ms=now_ms,
                )
                .on_conflict_do_update(
                    index_elements=[person.c.guild_id, person.c.user_id],
                    set_={"name": name[:NAME_LENGTH], "consented_ms": now_ms, "seen_ms": now_ms},
                )
            )
            if not adding:
                await connection.execute(delete(face).where(*_owned(face, guild_id, user_id)))
            rows = [
                {"guild_id": guild_id, "user_id": user_id, "sealed": each, "created_ms": now_ms}
                for each in sealed
            ]
            await connection.execute(insert(face), rows)
            await connection.execute(_waiting_consents(user_id))
            kept = await connection.scalar(
                select(func.count()).select_from(face).where(*_owned(face, guild_id, user_id))
            )
        return int(kept or 0)
    raise Busy("Too many people are enrolling at once. Please try again in a moment.")


async def note_seen(database: Database, now_ms: int, guild_id: int, user_id: int, name: str) -> None:
    """Keep the display name of one who enrolled as it is now, and when they were last seen; nothing of others."""
    async with database.begin() as connection:
        await connection.execute(
            update(person)
            .where(*_owned(person, guild_id, user_id))
            .values(name=name[:NAME_LENGTH], seen_ms=now_ms)
        )


async def kept_of(database: Database, guild_id: int, user_id: int) -> Kept | None:
    """Return what is kept of a person here; None where nothing is."""
    async with database.begin() as connection:
        row = (
            await connection.execute(select(person).where(*_owned(person, guild_id, user_id)))
        ).one_or_none()
        if row is None:
            return None
        photos = await connection.scalar(
            select(func.count()).select_from(face).where(*_owned(face, guild_id, user_id))
        )
        checkins = await connection.scalar(
            select(func.count())
            .select_from(checkin.join(session))
            .where(session.c.guild_id == guild_id, checkin.c.user_id == user_id)
        )
        elsewhere = await connection.scalar(
            select(func.count())
            .select_from(person)
            .where(person.c.user_id == user_id, person.c.guild_id != guild_id)
        )
    return Kept(
        row.name, row.consented_ms, row.seen_ms, int(photos or 0), int(checkins or 0), int(elsewhere or 0)
    )


async def leave(database: Database, guild_id: int, user_id: int) -> bool:
    """Erase what is kept of a person in this server, and what waits for consent; False where nothing was kept."""
    async with database.begin() as connection:
        # First the person: a check-in under way holds that row, and is over then, so nothing of it stays behind.
        gone = await connection.execute(delete(person).where(*_owned(person, guild_id, user_id)))
        await _erase(connection, guild_id, user_id)
        here = select(session.c.id).where(session.c.guild_id == guild_id)
        await connection.execute(
            update(checkin)
            .where(checkin.c.posted_by == user_id, checkin.c.session_id.in_(here))
            .values(posted_by=None, posted_name=None)
        )
        await connection.execute(_waiting_consents(user_id))
    return gone.rowcount > 0


async def delete_unseen(connection: AsyncConnection, before_ms: int) -> int:
    """Erase people who were not seen since that time, with their faces and check-ins; return how many people."""
    gone = await connection.execute(
        delete(person).where(person.c.seen_ms < before_ms).returning(person.c.guild_id, person.c.user_id)
    )
    rows = gone.all()
    for guild_id, user_id in rows:
        await _erase(connection, guild_id, user_id)
    return len(rows)


def export_statements(user: int) -> Mapping[str, Select[Any]]:
    """Return how to read all that is kept of a person; a sealed face tells nothing and is named by its time alone."""
    return {
        "people": select(person).where(person.c.user_id == user),
        "faces": select(face.c.id, face.c.guild_id, face.c.created_ms).where(face.c.user_id == user),
        "check-ins": select(
            session.c.guild_id, session.c.channel_id, session.c.title, session.c.time_zone, checkin.c.at_ms
        )
        .join(session, session.c.id == checkin.c.session_id)
        .where(checkin.c.user_id == user),
        # Whom they checked in is those people's.
        "pictures-posted": select(
            session.c.guild_id, session.c.channel_id, session.c.title, checkin.c.at_ms, checkin.c.posted_name
        )
        .join(session, session.c.id == checkin.c.session_id)
        .where(checkin.c.posted_by == user),
        "sessions-started": select(
            session.c.guild_id, session.c.channel_id, session.c.title, session.c.started_ms
        ).where(session.c.started_by == user),
    }


def forget_statements(user: int) -> Sequence[Delete | Update]:
    """Return how to remove all that is kept of a person, in every server."""
    return (
        delete(person).where(person.c.user_id == user),
        delete(face).where(face.c.user_id == user),
        delete(checkin).where(checkin.c.user_id == user),
        update(checkin).where(checkin.c.posted_by == user).values(posted_by=None, posted_name=None),
        update(session).where(session.c.started_by == user).values(started_by=None),
    )


async def _gallery(database: Database, vault: Vault, guild_id: int) -> tuple[int, list[Person]]:
    """Return the state of a server's enrolments, and who is enrolled."""
    faces = select(face.c.user_id, face.c.sealed).where(face.c.guild_id == guild_id).order_by(face.c.id)
    people = select(person.c.user_id, person.c.name).where(person.c.guild_id == guild_id)
    async with database.begin() as connection:
        # First the count: a change between the two is then seen as one.
        state = await connection.scalar(select(server.c.enrolments).where(server.c.guild_id == guild_id))
        named = (await connection.execute(people.order_by(person.c.user_id))).all()
        sealed = (await connection.execute(faces)).all()
    opened: dict[int, list[bytes]] = defaultdict(list)
    lost = 0
    for user_id, data in sealed:
        try:
            opened[user_id].append(vault.open(data, about(guild_id, user_id)))
        except VaultError:
            lost += 1
    if lost:
        log.error("enrolled faces cannot be opened: is the secret key the same?", faces=lost, guild=guild_id)
    return state or 0, [Person(row.user_id, row.name, tuple(opened[row.user_id])) for row in named]


async def _advance(connection: AsyncConnection, database: Database, guild_id: int, state: int) -> bool:
    """Count one change of a server's enrolments; False where somebody else was first."""
    await connection.execute(
        database.insert(server).values(guild_id=guild_id, enrolments=0).on_conflict_do_nothing()
    )
    done = await connection.execute(
        update(server)
        .where(server.c.guild_id == guild_id, server.c.enrolments == state)
        .values(enrolments=state + 1)
    )
    return done.rowcount == 1


async def _erase(connection: AsyncConnection, guild_id: int, user_id: int) -> None:
    """Erase the faces and the check-ins of a person in one server."""
    here = select(session.c.id).where(session.c.guild_id == guild_id)
    await connection.execute(delete(face).where(*_owned(face, guild_id, user_id)))
    await connection.execute(
        delete(checkin).where(checkin.c.user_id == user_id, checkin.c.session_id.in_(here))
    )


def _waiting_consents(user_id: int) -> Delete:
    """Take back what the buttons of a person hold: descriptions, sealed, that wait for a yes."""
    return delete(button).where(
        button.c.user_id == user_id, button.c.plugin == "rollcall", button.c.command == "agree"
    )


def _owned(table: Any, guild_id: int, user_id: int) -> tuple[Any, Any]:
    return table.c.guild_id == guild_id, table.c.user_id == user_id
