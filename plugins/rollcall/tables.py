"""What roll call keeps: who enrolled, sealed descriptions of faces, sessions, and who was checked in by whom.

Faces are sealed before they come here; see `plugins.rollcall.people`. A name stands in one place, beside the consent.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

NAME_LENGTH: Final = 100
"""Characters of a display name that are kept."""

metadata = MetaData()
_Id = BigInteger().with_variant(Integer, "sqlite")

server = Table(
    "rollcall_server",
    metadata,
    Column("guild_id", BigInteger, primary_key=True, autoincrement=False),
    # The time zone of the last session that named one.
    Column("time_zone", String(64)),
    # Counts changes of enrolled faces, so that two who enrol at once see each other.
    Column("enrolments", BigInteger, nullable=False, server_default="0"),
)

person = Table(
    "rollcall_person",
    metadata,
    Column("guild_id", BigInteger, primary_key=True, autoincrement=False),
    Column("user_id", BigInteger, primary_key=True, autoincrement=False),
    # The display name, as it was when the person last used a command here.
    Column("name", String(NAME_LENGTH), nullable=False),
    Column("consented_ms", BigInteger, nullable=False),
    Column("seen_ms", BigInteger, nullable=False, index=True),
    Index("rollcall_person_user", "user_id"),
)

face = Table(
    "rollcall_face",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("guild_id", BigInteger, nullable=False),
    Column("user_id", BigInteger, nullable=False, index=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Index("rollcall_face_owner", "guild_id", "user_id"),
)

session = Table(
    "rollcall_session",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("guild_id", BigInteger, nullable=False),
    Column("channel_id", BigInteger, nullable=False),
    # The channel while the session is open, then null: so a channel has one open session at most.
    Column("open_channel", BigInteger, unique=True),
    Column("title", String(80), nullable=False),
    Column("time_zone", String(64), nullable=False),
    Column("self_only", Boolean, nullable=False),
    # From when on a check-in is late; null: nobody is.
    Column("late_ms", BigInteger),
    # Null once that person has been forgotten.
    Column("started_by", BigInteger, index=True),
    Column("started_ms", BigInteger, nullable=False),
    # Midnight in its time zone.
    Column("closes_ms", BigInteger, nullable=False),
    Column("closed_ms", BigInteger),
    Index("rollcall_session_channel", "channel_id", "id"),
)

checkin = Table(
    "rollcall_checkin",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("session_id", _Id, ForeignKey("rollcall_session.id", ondelete="CASCADE"), nullable=False),
    Column("user_id", BigInteger, nullable=False, index=True),
    Column("at_ms", BigInteger, nullable=False),
    # Who posted the picture, who need not have enrolled; null for a camera, and once that person has been forgotten.
    Column("posted_by", BigInteger, index=True),
    Column("posted_name", String(NAME_LENGTH)),
    UniqueConstraint("session_id", "user_id", name="rollcall_checkin_once"),
)
