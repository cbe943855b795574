"""`hearth run`: the bot on Discord."""

import asyncio

import discord
import typer
from sqlalchemy import make_url

from bot.app import serve
from shared import logs
from shared.errors import Refusal
from shared.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""

    @app.command()
    def run() -> None:
        """Run the bot on Discord, with the token of HEARTH_TOKEN, DISCORD_TOKEN or HEARTH_TOKEN_FILE."""
        settings = Settings()
        token = settings.read_token()
        if token is None:
            raise Refusal(
                "No token: set HEARTH_TOKEN or HEARTH_TOKEN_FILE, or try `hearth sandbox`, which needs none."
            )
        serve_until_stopped(settings, token)


def serve_until_stopped(settings: Settings, token: str, guild_ready_timeout: float = 2.0) -> None:
    """Serve, and turn what Discord refuses into a line that says what to do."""
    secrets = [token, *filter(None, [make_url(settings.database).password])]
    logs.configure(settings.log_level, settings.log_format, secrets=secrets)
    logs.write_uncaught()
    try:
        asyncio.run(serve(settings, token, guild_ready_timeout=guild_ready_timeout))
    except discord.LoginFailure:
        raise Refusal(
            "Discord refused the token. Copy it again from the developer portal, page Bot."
        ) from None
    except discord.PrivilegedIntentsRequired:
        raise Refusal(
            "Discord does not grant the message content intent: switch it on in the developer portal, page Bot, "
            "or unset HEARTH_MESSAGE_CONTENT."
        ) from None
