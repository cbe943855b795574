"""The bot's process: everything of `bot.assembly`, Discord, health and metrics, from start to a clean stop."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import structlog
from sqlalchemy import select

from bot.assembly import assembled, follow_states
from bot.client import HearthClient
from bot.core import Core
from bot.dispatch import Dispatcher
from bot.health import Health
from bot.jobs import JobRunner, declare_all
from bot.lag import watch_lag
from bot.metrics import Metrics
from bot.pending import Ledger
from bot.surroundings import watch_surroundings
from shared.in_use import in_use
from shared.restore import finish_interrupted
from shared.settings import Settings

GRACE_SECONDS: Final = 2.0
ENGINE_SECONDS: Final = 2.0
log = structlog.get_logger("hearth.app")


async def serve(settings: Settings, token: str, *, guild_ready_timeout: float = 2.0) -> None:
    """Run the bot until SIGINT or SIGTERM. Raises `discord.LoginFailure` where the token is refused."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stop.set)
    await finish_interrupted(settings)
    metrics = Metrics()
    with in_use(settings):
        await _serve(settings, token, metrics, stop, guild_ready_timeout)


async def _serve(
    settings: Settings, token: str, metrics: Metrics, stop: asyncio.Event, guild_ready_timeout: float
) -> None:
    async with (
        assembled(settings, metrics) as core,
        connected(core, metrics, token, guild_ready_timeout=guild_ready_timeout) as bot,
    ):
        stopped = asyncio.create_task(stop.wait())
        done, _ = await asyncio.wait([*bot.work, stopped], return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        for task in done:
            task.result()
        log.info("stopping")


@dataclass(frozen=True)
class Connected:
    """A bot on Discord. `work` runs for ever; a task of it that ends means that the bot has failed."""

    client: HearthClient
    dispatcher: Dispatcher
    health: Health | None
    work: list[asyncio.Task[None]]


@asynccontextmanager
async def connected(
    core: Core, metrics: Metrics, token: str, *, guild_ready_timeout: float = 2.0
) -> AsyncIterator[Connected]:
    """Bring `core` on to Discord, with health, metrics and jobs; at the end answer who waits, and leave."""
    settings, ledger, changed = core.settings, Ledger(core.database, core.settings), asyncio.Event()
    dispatcher = Dispatcher(core, ledger, metrics)
    core.withdraw = dispatcher.withdraw
    client = HearthClient(core, dispatcher, ledger, guild_ready_timeout=guild_ready_timeout)
    async with client, AsyncExitStack() as stack:
        health = None
        if settings.http_port is not None:
            health = Health(settings.http_host, settings.http_port, checks(core, client), metrics)
            await stack.enter_async_context(health)
        await declare_all(core)
        jobs = JobRunner(core, ledger, client, metrics)
        await stack.enter_async_context(jobs.clock())
        work = [
            asyncio.create_task(each)
            for each in (
                client.start(token),
                watch_lag(metrics),
                follow_states(core, metrics, changed),
                core.weights.follow(lambda: core.predictor.engine),
                _resync(client, changed),
                dispatcher.end_forgotten(),
                _watch_engine(core, metrics),
                watch_surroundings(core, client, metrics),
            )
        ]
        try:
            yield Connected(client, dispatcher, health, work)
        finally:
            await dispatcher.stop(GRACE_SECONDS)
            # The connection ends before the client is closed: an event that came in between would find no loop.
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
            await client.close()


def checks(core: Core, client: HearthClient) -> dict[str, Callable[[], Coroutine[Any, Any, str | None]]]:
    """Return what must be well for the bot to be ready; each says None, or what is missing."""

    async def gateway() -> str | None:
        return None if client.is_connected else "not connected to Discord"

    async def database() -> str | None:
        try:
            async with asyncio.timeout(2):
                await core.database.transact(lambda connection: connection.execute(select(1)).close())
        # Whatever a driver raises means the same here.
        except Exception as error:
            return f"does not answer: {type(error).__name__}"
        return None

    async def worker() -> str | None:
        status = await core.predictor.engine.status()
        return None if status.alive else "the worker is down; it is being started again"

    return {"gateway": gateway, "database": database, "worker": worker}


async def _watch_engine(core: Core, metrics: Metrics) -> None:
    while True:
        metrics.engine(await core.predictor.engine.status())
        await asyncio.sleep(ENGINE_SECONDS)


async def _resync(client: HearthClient, changed: asyncio.Event) -> None:
    while True:
        await changed.wait()
        changed.clear()
        await client.wait_until_ready()
        await client.sync()
