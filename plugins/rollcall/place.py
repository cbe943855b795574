"""Where a command was used, as roll call needs it: a server, a channel, and a person in them."""

from dataclasses import dataclass
from typing import Final

from plugins.rollcall.people import note_seen
from plugins.rollcall.sessions import Session, last_session, session_numbered
from shared.context import Context
from shared.errors import BadInput, Denied, Refusal

MANAGES: Final = 1 << 5 | 1 << 3
"""Discord's bits of those who may manage a server: manage_guild, administrator."""
COMMAND_LINE: Final = 0
"""The id that the command line asks under; it has a server and a channel of its own, of the same number."""


@dataclass(frozen=True)
class Place:
    """A server, a channel and a person, by their ids."""

    guild_id: int
    channel_id: int
    user_id: int


async def place_of(ctx: Context, now_ms: int) -> Place:
    """Say where the asker is, and keep the name of one who enrolled up to date. Raises `Denied` outside a server."""
    asker = ctx.asker
    guild, channel = asker.guild_id, asker.channel_id
    if guild is None and asker.user_id == COMMAND_LINE:
        guild = channel = COMMAND_LINE
    if guild is None or channel is None:
        raise Denied("This works in a server only.")
    await note_seen(ctx.database, now_ms, guild, asker.user_id, asker.name)
    return Place(guild, channel, asker.user_id)


async def open_here(ctx: Context, place: Place, now_ms: int) -> Session:
    """Return the session that is open in this channel. Raises `Refusal` where there is none, or none any more."""
    found = await last_session(ctx.database, place.guild_id, place.channel_id)
    if found is None:
        raise Refusal(
            "No roll call is open in this channel. Somebody who may manage this server opens one "
            "with /rollcall start."
        )
    if not found.open_at(now_ms):
        raise Refusal("This roll call closed at {time}.", time=clock(found, found.ended_ms()))
    return found


async def chosen(ctx: Context, place: Place, number: int | None) -> Session:
    """Return the session of a number, or the last one of this channel. Raises `Refusal`.

    Another channel's is for those who may manage the server: the asker may not see that channel.
    """
    if number is not None:
        found = await session_numbered(ctx.database, place.guild_id, number)
        manages = bool(ctx.asker.permissions & MANAGES)
        if found is None or (found.channel_id != place.channel_id and not manages):
            raise BadInput("There is no roll call number {number} in this server.", number=number)
        return found
    found = await last_session(ctx.database, place.guild_id, place.channel_id)
    if found is None:
        raise Refusal("There has been no roll call in this channel yet.")
    return found


def clock(found: Session, at_ms: int) -> str:
    """Write a time as the session's clock shows it, with the day and the time zone."""
    return f"{found.local(at_ms):%Y-%m-%d %H:%M} ({found.time_zone})"
