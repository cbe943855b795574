"""`hearth sandbox`: a local Discord with a chat page, and the whole bot on it. No account, no token."""

import asyncio
import os
import signal
import sys
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from bot.sandbox.restarts import Restarts
from bot.sandbox.server import Sandbox
from shared import logs
from shared.errors import Fault, Refusal
from shared.settings import Settings

STOP_SECONDS: Final = 4.0
READY_SECONDS: Final = 120.0


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""

    @app.command()
    def sandbox(
        port: Annotated[
            int, typer.Option(min=0, max=65535, help="Port of the page; 0 takes a free one.")
        ] = 8000,
        open_page: Annotated[
            bool, typer.Option("--open/--no-open", help="Open the page in a browser.")
        ] = True,
        data_dir: Annotated[Path, typer.Option(help="Where the bot keeps its data.")] = Path("data/sandbox"),
    ) -> None:
        """Try the whole bot on this machine, in a chat page of its own."""
        settings = Settings()
        logs.configure(settings.log_level, settings.log_format, secrets=[])
        asyncio.run(_sandbox(port, open_page, data_dir))


async def _sandbox(port: int, open_page: bool, data_dir: Path) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stop.set)
    try:
        server = Sandbox(port=port)
        await server.__aenter__()
    except OSError as error:
        reason = error.strerror or str(error)
        raise Refusal(
            "Port {port} cannot be used ({reason}). Try --port 0.", port=port, reason=reason
        ) from None
    try:
        typer.echo(server.page_url)
        await keep(server, data_dir, open_page, stop)
    finally:
        await server.__aexit__(None, None, None)


async def keep(server: Sandbox, data_dir: Path, open_page: bool, stop: asyncio.Event) -> None:
    """Start what was killed again, as an operator's supervisor would; the page and its messages stay."""
    restarts, was_up = Restarts(), False
    while True:
        life = await _until_it_ends(server, data_dir, open_page and not was_up, stop)
        if stop.is_set():
            return
        was_up = was_up or life.up
        if not (was_up and life.killed):
            raise Fault("The bot has ended; its log above says why.")
        if pause := restarts.pause(life.up_seconds):
            typer.echo(f"The bot was killed again; it is started again in {pause:g} s.")
        else:
            typer.echo("The bot was killed; it is started again.")
        server.feed.starts_again(pause)
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await stop.wait()
                return


@dataclass(frozen=True)
class _Life:
    """Whether a bot came up, for how long, and whether a signal ended it."""

    up: bool
    up_seconds: float
    killed: bool


async def _until_it_ends(server: Sandbox, data_dir: Path, open_page: bool, stop: asyncio.Event) -> _Life:
    """Run the bot until it ends, or is told to stop."""
    loop = asyncio.get_running_loop()
    async with _bot(server, data_dir) as bot:
        ended = asyncio.create_task(bot.wait())
        stopped = asyncio.create_task(stop.wait())
        ready = asyncio.create_task(server.wait_for_bot())
        done, _ = await asyncio.wait(
            [ended, stopped, ready], timeout=READY_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        since = loop.time()
        if ready in done:
            typer.echo("ready")
            if open_page:
                await asyncio.to_thread(webbrowser.open, server.page_url)
            await asyncio.wait([ended, stopped], return_when=asyncio.FIRST_COMPLETED)
        for task in (ended, stopped, ready):
            task.cancel()
        up = ready in done
        return _Life(up, loop.time() - since if up else 0.0, (bot.returncode or 0) < 0)


@asynccontextmanager
async def _bot(server: Sandbox, data_dir: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the bot as a process of its own, which ends when this one does, however that ends."""
    environment = {
        **os.environ,
        "HEARTH_DATA_DIR": str(data_dir),
        "HEARTH_INSTANCE": "sandbox",
        "HEARTH_SANDBOX_API": server.api_base,
        "HEARTH_SANDBOX_GATEWAY": server.gateway_url,
        "HEARTH_SANDBOX_TOKEN": server.bot_token,
    }
    # A port of its own, so that a real bot beside it keeps 8080; the message content intent, since it is free here.
    environment.setdefault("HEARTH_HTTP_PORT", "0")
    environment.setdefault("HEARTH_MESSAGE_CONTENT", "true")
    # News of trainings have a channel of their own there; three people are quick to agree on a few texts.
    environment.setdefault(
        "HEARTH_NEWS_CHANNEL", next(id for id, each in server.world.channels.items() if each.name == "models")
    )
    environment.setdefault("HEARTH_RETRAIN_AFTER", "2")
    environment.setdefault("HEARTH_RETRAIN_GAP_HOURS", "0")
    environment.setdefault("HEARTH_RETRAIN_MINUTES", "1")
    bot = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.sandbox.bot_process", env=environment, stdin=asyncio.subprocess.PIPE
    )
    try:
        yield bot
    finally:
        if bot.returncode is None:
            bot.terminate()
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    await bot.wait()
            except TimeoutError:
                bot.kill()
                await bot.wait()
