"""The whole bot on a sandbox, in this process, with a real worker: what tests of dialogue run against."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bot.app import Connected, connected
from bot.assembly import assembled
from bot.core import Core
from bot.metrics import Metrics
from bot.sandbox.point import pointed_at
from bot.sandbox.server import Sandbox
from shared import logs
from shared.settings import Settings
from tests.kit.person import Person

READY_SECONDS = 30.0


@dataclass(frozen=True)
class House:
    """A running sandbox with the bot on it."""

    sandbox: Sandbox
    core: Core
    bot: Connected
    metrics: Metrics
    visitors: AsyncExitStack

    async def person(self, name: str = "member-1", locale: str = "en-US") -> Person:
        """Return somebody who chats, until the house is closed."""
        return await self.visitors.enter_async_context(Person.of(self.sandbox, name, locale=locale))


@asynccontextmanager
async def house(settings: Settings, *, warm: bool = False, **knobs: Any) -> AsyncIterator[House]:
    """Start a sandbox (with its `knobs`) and the bot, and wait until commands are there.

    Unless `warm`, models are loaded when they are first asked: a test needs few of them.
    """
    # As the bot's process has it: by default every fault is drawn with all its variables, for seconds.
    logs.configure("info", "console", secrets=[])
    metrics = Metrics()
    async with Sandbox(port=0, **knobs) as sandbox:
        with pointed_at(sandbox.api_base, sandbox.gateway_url):
            async with (
                assembled(settings, metrics, warm=warm) as core,
                connected(core, metrics, sandbox.bot_token, guild_ready_timeout=0.1) as bot,
            ):
                await _ready(sandbox, bot)
                async with AsyncExitStack() as visitors:
                    yield House(sandbox, core, bot, metrics, visitors)


async def _ready(sandbox: Sandbox, bot: Connected) -> None:
    async def both() -> None:
        await sandbox.wait_for_bot()
        await bot.client.wait_until_ready()

    waiting = asyncio.create_task(both())
    done, _ = await asyncio.wait(
        [waiting, *bot.work], timeout=READY_SECONDS, return_when=asyncio.FIRST_COMPLETED
    )
    waiting.cancel()
    for task in done:
        await task
    if not done:
        raise TimeoutError("the bot did not come to the sandbox")
