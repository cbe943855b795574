"""Talks to the sandbox without a client library, byte by byte where needed."""

import json
import zlib
from typing import Any, Self

import aiohttp

from bot.sandbox.server import Sandbox

Json = dict[str, Any]


class Api:
    """The HTTP API, with the bot's token; every call returns (status, JSON, headers)."""

    def __init__(self, sandbox: Sandbox, authorization: str | None = None) -> None:
        self._base = sandbox.api_base
        given = f"Bot {sandbox.bot_token}" if authorization is None else authorization
        self._headers = {"Authorization": given}

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(headers=self._headers)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._http.close()

    async def call(self, method: str, path: str, **more: Any) -> tuple[int, Any, dict[str, str]]:
        """Send a request to a path under the API's base."""
        async with self._http.request(method, self._base + path, **more) as response:
            body = await response.json() if response.content_type == "application/json" else None
            return response.status, body, dict(response.headers)


class Socket:
    """A connection to the gateway."""

    def __init__(self, sandbox: Sandbox, query: str = "v=10&encoding=json") -> None:
        self._url = f"{sandbox.gateway_url}?{query}"
        self.token = sandbox.bot_token
        self._inflater = zlib.decompressobj() if "zlib-stream" in query else None

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession()
        self.raw = await self._http.ws_connect(self._url)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.raw.close()
        await self._http.close()

    async def send(self, op: int, data: Any) -> None:
        """Send a message as text."""
        await self.raw.send_json({"op": op, "d": data})

    async def identify(self, **more: Any) -> Json:
        """Identify and return the READY event's data; HELLO has been received before."""
        assert (await self.next())["op"] == 10
        properties = {"os": "linux", "browser": "test", "device": "test"}
        await self.send(2, {"token": self.token, "intents": 0, "properties": properties, **more})
        ready = await self.next()
        assert ready["t"] == "READY", ready
        data: Json = ready["d"]
        return data

    async def next(self, event: str | None = None) -> Json:
        """Return the next message, or the next of this event."""
        while True:
            frame = await self.raw.receive(timeout=5)
            if frame.type is aiohttp.WSMsgType.BINARY:
                assert self._inflater is not None, "binary though no compression was asked for"
                assert frame.data.endswith(b"\x00\x00\xff\xff")
                text = self._inflater.decompress(frame.data).decode()
            else:
                assert frame.type is aiohttp.WSMsgType.TEXT, frame
                text = frame.data
            message: Json = json.loads(text)
            if event is None or message["t"] == event:
                return message

    async def closed(self) -> int | None:
        """Read until the connection is closed; return the code."""
        while (await self.raw.receive(timeout=5)).type not in (
            aiohttp.WSMsgType.CLOSE,
            aiohttp.WSMsgType.CLOSED,
            aiohttp.WSMsgType.CLOSING,
        ):
            pass
        return self.raw.close_code
