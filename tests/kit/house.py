"""The whole bot on a sandbox, in this process, with a real worker: what tests of dialogue run against."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bot.app import Connected, connected
from bot.assembly import assembled
from bot.core import Core
from bot.metrics import Metrics
from bot.sandbox.point import pointed_at
from bot.sandbox.server import Sandbox
from shared.settings import Settings
from tests.kit.person import Person


@dataclass(frozen=True)
class House:
    """A running sandbox with the bot on it."""

    sandbox: Sandbox
    core: Core
    bot: Connected
    metrics: Metrics

    async def person(self, name: str = "member-1", locale: str = "en-US") -> Person:
        """Return somebody who chats."""
        return await Person.of(self.sandbox, name, locale=locale)


@asynccontextmanager
async def house(settings: Settings, **knobs: Any) -> AsyncIterator[House]:
    """Start a sandbox (with its `knobs`) and the bot, and wait until commands are there."""
    metrics = Metrics()
    async with Sandbox(port=0, **knobs) as sandbox:
        with pointed_at(sandbox.api_base, sandbox.gateway_url):
            async with (
                assembled(settings, metrics) as core,
                connected(core, metrics, sandbox.bot_token, guild_ready_timeout=0.1) as bot,
            ):
                await sandbox.wait_for_bot()
                yield House(sandbox, core, bot, metrics)
