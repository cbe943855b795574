"""Fuzzes the dispatcher with interactions that Discord would never send: a real bot, and a Discord out of reach.

What comes is JSON, or bytes that choose among the parts of interactions; whatever it is, `Dispatcher.handle` must
neither raise nor hang. Nothing listens where the bot would answer, so each call to Discord fails at once.
"""

import asyncio
import contextlib
import json
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import discord

NAMES: Final = (
    "type", "name", "options", "value", "resolved", "users", "members", "roles", "channels", "messages", "attachments",
    "id", "target_id", "custom_id", "components", "component", "values", "focused", "url", "size", "filename",
    "content", "embeds", "permissions", "content_type", "title", "nick",
)  # fmt: skip
WORDS: Final = (
    "spam", "score", "text", "sentiment", "read", "article", "summarise", "image", "classify", "picture", "reviews",
    "cluster", "table", "jobs", "add", "hearth", "channel", "role", "Spam score", "Summarise", "Classify image",
    "More…", "b0:a", "b1:a", "m:1", "more:1", "cancel:1", "cancel:x", "1", "99999999999999999999", "image/png", "",
)  # fmt: skip
DEEP: Final = 6
HANDLE_SECONDS: Final = 30


class Dispatching:
    """A bot in this process, whose Discord nobody is at."""

    def __init__(self, folder: Path) -> None:
        self._loop = asyncio.new_event_loop()
        self._stack = AsyncExitStack()
        self._loop.run_until_complete(self._start(folder))

    def handle(self, data: bytes) -> None:
        """Hand an input to the dispatcher, as an interaction."""
        payload: Any = payload_of(data)
        try:
            interaction = discord.Interaction(data=payload, state=self._client._connection)
        # discord.py's own reading of it, before ours.
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            return
        self._loop.run_until_complete(asyncio.wait_for(self._dispatcher.handle(interaction), HANDLE_SECONDS))

    def close(self) -> None:
        """End the bot."""
        self._loop.run_until_complete(self._stack.aclose())
        self._loop.close()

    async def _start(self, folder: Path) -> None:
        from bot.assembly import assembled
        from bot.client import HearthClient
        from bot.dispatch import Dispatcher
        from bot.metrics import Metrics
        from bot.pending import Ledger
        from bot.sandbox.point import pointed_at
        from shared import logs
        from shared.settings import Quota, Settings

        logs.configure("error", "json", secrets=[])
        plenty = Quota(burst=100_000, per_minute=100_000)
        settings = Settings(
            _env_file=None, data_dir=folder / "data", http_port=None, person_quota=plenty, server_quota=plenty
        )  # type: ignore[call-arg]
        metrics = Metrics()
        # Port 9 is that of "discard", where nothing listens.
        self._stack.enter_context(pointed_at("http://127.0.0.1:9/api", "ws://127.0.0.1:9/"))
        core = await self._stack.enter_async_context(assembled(settings, metrics, warm=False))
        ledger = Ledger(core.database, settings)
        self._dispatcher = Dispatcher(core, ledger, metrics)
        self._client = HearthClient(core, self._dispatcher, ledger)
        await self._stack.enter_async_context(self._client)
        # Its session is made before it is found that nobody answers.
        with contextlib.suppress(OSError):
            await self._client.http.static_login("x")


def payload_of(data: bytes) -> dict[str, Any]:
    """Return an interaction: one of `seeds` changed, or one put together as the bytes say."""
    payload: dict[str, Any] = {
        "id": "1", "application_id": "2", "token": "t", "version": 1, "channel_id": "3", "locale": "en-US",
        "guild_id": "5", "user": {"id": "4", "username": "a", "discriminator": "0", "avatar": None},
        "channel": {"id": "3", "type": 0, "name": "general"},
    }  # fmt: skip
    try:
        read = json.loads(data)
    except (ValueError, RecursionError):
        read = None
    if isinstance(read, dict):
        return {"type": 2, "data": read, **payload} if "data" not in read else {**payload, "type": 2, **read}
    bytes_ = iter(data)
    return {**payload, "type": 2 + next(bytes_, 0) % 4, "data": _value(bytes_, 0)}


def _value(bytes_: Any, depth: int) -> Any:
    kind, size = next(bytes_, 5), next(bytes_, 0)
    match kind % 8:
        case 0 | 1 if depth < DEEP:
            return {NAMES[next(bytes_, 0) % len(NAMES)]: _value(bytes_, depth + 1) for _ in range(size % 9)}
        case 2 if depth < DEEP:
            return [_value(bytes_, depth + 1) for _ in range(size % 5)]
        case 3:
            return size % 13
        case 4:
            return (None, True, False, -1, 1.5, 2**70, "\ud800", "\0")[size % 8]
        case _:
            return WORDS[size % len(WORDS)]


def seeds() -> Sequence[bytes]:
    """Return interactions as Discord sends them."""
    attachment = {
        "id": "7",
        "filename": "a.png",
        "url": "http://127.0.0.1:9/a.png",
        "size": 9,
        "content_type": "image/png",
    }
    message = {"id": "8", "content": "You won", "embeds": [{"title": "a"}], "attachments": [attachment]}

    def slash(group: str, name: str, *options: dict[str, Any], **resolved: Any) -> dict[str, Any]:
        inside = {"name": name, "type": 1, "options": list(options)}
        return {"id": "6", "name": group, "type": 1, "options": [inside], "resolved": resolved}

    every = (
        slash("spam", "score", {"name": "text", "type": 3, "value": "You won"}),
        slash("spam", "score"),
        slash("image", "classify", {"name": "picture", "type": 11, "value": "7"}, attachments={"7": attachment}),
        slash("hearth", "role", {"name": "role", "type": 8, "value": "9"}, roles={"9": {"id": "9", "name": "a"}}),
        slash(
            "audit", "list", {"name": "person", "type": 6, "value": "4"},
            users={"4": {"id": "4", "username": "a"}}, members={"4": {"roles": ["9"], "permissions": "8"}},
        ),
        slash(
            "models", "news", {"name": "channel", "type": 7, "value": "3"},
            channels={"3": {"id": "3", "name": "a", "permissions": "2048"}},
        ),
        {"id": "6", "name": "Spam score", "type": 3, "target_id": "8", "resolved": {"messages": {"8": message}}},
        {"id": "6", "name": "More…", "type": 3, "target_id": "8", "resolved": {"messages": {"8": message}}},
        {"data": {"custom_id": "b1:abc", "component_type": 2}, "type": 3},
        {"data": {"custom_id": "more:1", "component_type": 3, "values": ["0"]}, "type": 3},
        {"data": {"custom_id": "cancel:1", "component_type": 2}, "type": 3},
        {
            "data": {"custom_id": "m:1", "components": [{"component": {"custom_id": "text", "value": "a"}}]},
            "type": 5,
        },
    )  # fmt: skip
    return [json.dumps(each).encode() for each in every]
