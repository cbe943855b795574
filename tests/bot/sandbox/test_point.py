"""discord.py is pointed at the sandbox by three attributes. It must have them, and they must take effect."""

import discord
import yarl

from bot.sandbox.point import pointed_at
from bot.sandbox.server import Sandbox
from tests.bot.sandbox.plain_bot import PlainBot, connected


def test_the_three_attributes_exist_and_are_restored() -> None:
    route, socket, asset = discord.http.Route, discord.gateway.DiscordWebSocket, discord.asset.Asset
    before = route.BASE, socket.DEFAULT_GATEWAY, asset.BASE
    assert before == (
        "https://discord.com/api/v10",
        yarl.URL("wss://gateway.discord.gg/"),
        "https://cdn.discordapp.com",
    )
    try:
        with pointed_at("http://127.0.0.1:1/api/v10", "ws://127.0.0.1:1/gateway"):
            assert discord.http.Route("GET", "/users/@me").url == "http://127.0.0.1:1/api/v10/users/@me"
            assert socket.DEFAULT_GATEWAY.host == "127.0.0.1"
            assert asset.BASE == "http://127.0.0.1:1"
            raise LookupError
    except LookupError:
        pass
    assert before == (route.BASE, socket.DEFAULT_GATEWAY, asset.BASE)


async def test_a_client_talks_to_the_sandbox_and_to_nothing_else(sandbox: Sandbox) -> None:
    async with connected(sandbox, PlainBot()) as bot:
        assert bot.ws is not None
        assert str(bot.ws.gateway).startswith(sandbox.gateway_url)
        assert bot.user is not None
        assert bot.user.id == int(sandbox.world.application_id)
        assert bot.user.default_avatar.url.startswith(f"http://127.0.0.1:{sandbox.port}/")
