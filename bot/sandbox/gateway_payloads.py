"""The larger JSON objects that the gateway sends."""

from bot.sandbox.errors import Json
from bot.sandbox.intents import Intent
from bot.sandbox.session import Session
from bot.sandbox.world import GUILD_ID, World


def ready(world: World, session: Session, resume_url: str, flags: int, *, has_guild: bool) -> Json:
    """Return READY. `flags` are the application's."""
    return {
        "v": 10,
        "user": {**world.bot.payload(), "mfa_enabled": False, "verified": True, "email": None},
        "session_id": session.id,
        "session_type": "normal",
        "resume_gateway_url": resume_url,
        "guilds": [{"id": GUILD_ID, "unavailable": True}] if has_guild else [],
        "application": {"id": world.application_id, "flags": flags, "flags_new": str(flags)},
        "shard": list(session.shard),
        "private_channels": [],
        "relationships": [],
        "presences": [],
        "guild_join_requests": [],
        "user_settings": {},
        "geo_ordered_rtc_regions": [],
        "_trace": ["sandbox"],
    }


def members_chunk(world: World, session: Session, data: Json) -> Json:
    """Return GUILD_MEMBERS_CHUNK, the answer to a request for members."""
    limit = data.get("limit")
    limit = limit if isinstance(limit, int) and limit > 0 else 1000
    held = list(world.held)
    not_found: list[str] = []
    if (wanted := data.get("user_ids")) is not None:
        ids = [str(each) for each in (wanted if isinstance(wanted, list) else [wanted])]
        not_found = [each for each in ids if each not in held]
        held = [each for each in ids if each in held]
    elif query := str(data.get("query") or "").lower():
        held = [u for u in held if world.users[u].username.lower().startswith(query)]
    elif not session.intents & Intent.GUILD_MEMBERS:
        held = [world.application_id]
    chunk: Json = {
        "guild_id": GUILD_ID,
        "members": [world.member(user) for user in held[:limit]],
        "chunk_index": 0,
        "chunk_count": 1,
        "not_found": not_found,
        "presences": [],
    }
    if data.get("nonce") is not None:
        chunk["nonce"] = str(data["nonce"])[:32]
    return chunk
