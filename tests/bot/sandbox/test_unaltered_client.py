"""discord.py with nothing altered: only its resolver leads Discord's host names here, and refuses all others."""

import asyncio
import socket
import ssl
from pathlib import Path

import aiohttp
import discord
import pytest
import trustme
from aiohttp.abc import AbstractResolver, ResolveResult

from bot.sandbox.server import DISCORD_NAMES, Sandbox
from tests.bot.sandbox.plain_bot import PlainBot
from tests.kit.person import File, Person


class OnlyDiscord(AbstractResolver):
    """Resolves Discord's names to the sandbox, and nothing else to anything."""

    def __init__(self) -> None:
        self.port = 0
        self.asked: set[str] = set()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the sandbox's address."""
        if host not in DISCORD_NAMES:
            raise OSError(f"no way to {host}")
        self.asked.add(host)
        return [
            ResolveResult(
                hostname=host, host="127.0.0.1", port=self.port, family=socket.AF_INET, proto=0, flags=0
            )
        ]

    async def close(self) -> None:
        """Nothing is held."""


async def test_an_unaltered_client_logs_in_and_answers(tmp_path: Path) -> None:
    authority = trustme.CA()
    server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*DISCORD_NAMES, "127.0.0.1").configure_cert(server_tls)
    client_tls = ssl.create_default_context()
    authority.configure_trust(client_tls)
    resolver = OnlyDiscord()
    before = (
        discord.http.Route.BASE,
        discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY,
        discord.asset.Asset.BASE,
    )
    async with Sandbox(tls=server_tls) as sandbox:
        resolver.port = sandbox.port
        connector = aiohttp.TCPConnector(resolver=resolver, ssl=client_tls, limit=0)
        async with PlainBot(connector=connector) as bot:
            running = asyncio.create_task(bot.start(sandbox.bot_token))
            async with asyncio.timeout(10):
                await bot.ready.wait()
            async with Person.of(sandbox, "member-1", tls=client_tls) as person:
                assert (await person.slash("ping")).text == "pong"
                options = {"text": "hello", "count": 1, "ratio": 1, "flag": False, "user": "member-1"}
                options |= {"place": "general", "role": "Members", "either": "member-2", "size": "s"}
                answer = await person.slash("everything", options, file=File("a.txt", b"from the CDN"))
                assert "from the CDN" in answer.text
            with pytest.raises(aiohttp.ClientConnectorError, match=r"example\.org"):
                await bot.http.get_from_cdn("https://example.org/")
            await bot.close()
            await asyncio.gather(running, return_exceptions=True)
    assert resolver.asked == DISCORD_NAMES
    assert before == (
        discord.http.Route.BASE,
        discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY,
        discord.asset.Asset.BASE,
    )
