"""When the sandbox itself fails, it says so at once: clients must not retry for half a minute."""

import asyncio
import logging

import aiohttp
import pytest

from bot.sandbox.rest import Exchange
from bot.sandbox.server import Sandbox
from tests.bot.sandbox.raw import Api


async def test_a_fault_is_answered_with_501_or_400_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    def failing(exchange: Exchange) -> None:
        raise LookupError("broken recorder")

    async with Sandbox(recorder=failing) as sandbox, Api(sandbox) as api:
        with caplog.at_level(logging.ERROR, "hearth.sandbox"):
            assert (await api.call("GET", "/users/@me"))[0] == 501
            # discord.py retries every 5xx on the routes of interactions.
            status, answer, _ = await api.call("POST", "/interactions/1/secret-token/callback", json={})
    assert (status, answer["code"]) == (400, 0)
    assert caplog.text.count("LookupError: broken recorder") == 2
    assert "secret-token" not in caplog.text


async def test_a_route_that_is_not_there_is_named_in_the_log(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    async with Api(sandbox) as api:
        assert (await api.call("POST", "/guilds/1/bans"))[0] == 404
    assert "POST /api/v10/guilds/1/bans" in caplog.text


async def test_it_stops_within_seconds_while_clients_are_connected_that_do_not_read() -> None:
    async with aiohttp.ClientSession() as http:
        async with asyncio.timeout(5), Sandbox() as sandbox:
            sockets = [await http.ws_connect(sandbox.gateway_url, autoclose=False) for _ in range(5)]
            sockets += [await http.ws_connect(f"{sandbox.page_base}/page/events") for _ in range(5)]
        for socket in sockets:
            await socket.close()
