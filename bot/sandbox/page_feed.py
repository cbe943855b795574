"""Tells the page, and the tests, of everything that happens, over a WebSocket."""

import asyncio
import hmac
from typing import Any, Final

from aiohttp import WSMsgType, web

from bot.sandbox.errors import ApiError, Json
from bot.sandbox.interaction import Interaction
from bot.sandbox.messages import Change, Message, Messages
from bot.sandbox.wire import decoded, encoded
from bot.sandbox.world import Channel

PROTOCOL: Final = "hearth-sandbox"
MAX_QUEUED: Final = 5000
PATIENCE_SECONDS: Final = 5.0


def shown_to_page(body: Json, message: Message) -> Json:
    """Return a message with what the page needs beside Discord's object."""
    return {
        **body,
        "visible_to": message.visible_to,
        "interaction_id": message.interaction_id,
        "loading": message.loading,
    }


def channel_shown(channel: Channel) -> Json:
    """Return a channel as the page gets it."""
    if channel.recipient is None:
        return channel.payload()
    return {**channel.payload(), "name": None, "visible_to": channel.recipient.id}


class Feed:
    """The page's subscribers. One that does not keep up is closed with 1013, and begins anew."""

    def __init__(self, messages: Messages, token: str, cap: int) -> None:
        self._messages, self._token, self._cap = messages, token.encode(), cap
        self._queues: set[asyncio.Queue[bytes | None]] = set()
        self._sockets: set[web.WebSocketResponse] = set()
        self._count = 0
        self.bot_online = False
        self._again_in = 0.0

    def publish(self, event: str, data: Any) -> None:
        """Send an event to all subscribers."""
        self._count += 1
        if not self._queues:
            return
        frame = encoded({"t": event, "s": self._count, "d": data})
        for queue in list(self._queues):
            if queue.qsize() >= MAX_QUEUED:
                self._queues.discard(queue)
                # What is queued is of no use to one who reads everything anew.
                while not queue.empty():
                    queue.get_nowait()
                queue.put_nowait(None)
            else:
                queue.put_nowait(frame)

    def message(self, change: Change, message: Message) -> None:
        """Publish a message."""
        if change == "delete":
            gone = {"id": message.id, "channel_id": message.channel.id, "visible_to": message.visible_to}
            self.publish("message_delete", gone)
        else:
            self.publish(f"message_{change}", shown_to_page(self._messages.show(message), message))

    def typing(self, channel: Channel, user_id: str) -> None:
        """Publish that somebody types."""
        self.publish("typing", {"channel_id": channel.id, "user_id": user_id})

    def reaction(self, message: Message, user_id: str, emoji: Json, added: bool) -> None:
        """Publish a reaction."""
        where = {"channel_id": message.channel.id, "message_id": message.id, "user_id": user_id}
        self.publish("reaction", {**where, "emoji": emoji, "added": added})

    def channel_opened(self, channel: Channel) -> None:
        """Publish a new direct conversation."""
        self.publish("channel_create", channel_shown(channel))

    def interaction(self, interaction: Interaction) -> None:
        """The page knows: a person there began it."""

    def happened(self, event: str, interaction: Interaction, detail: Json) -> None:
        """Publish what became of an interaction."""
        self.publish(event, detail)

    def status(self, online: bool) -> None:
        """Publish whether a bot is connected."""
        self.bot_online = online
        if online:
            self._again_in = 0.0
        self.publish("bot_status", {"online": online, "again_in": self._again_in})

    def starts_again(self, seconds: float) -> None:
        """Publish that the bot was killed, and is started again in so many seconds."""
        self._again_in = seconds
        self.status(False)

    async def close(self) -> None:
        """Close all subscribers' connections."""
        closing = [s.close(code=1001, message=b"The sandbox stops.") for s in self._sockets]
        await asyncio.gather(*closing, return_exceptions=True)

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one subscriber until it goes."""
        socket = web.WebSocketResponse(
            max_msg_size=4096, protocols=(PROTOCOL,), compress=False, heartbeat=30, timeout=1.0
        )
        await socket.prepare(request)
        if len(self._queues) >= self._cap:
            await socket.close(code=1013, message=b"Too many subscribers.")
            return socket
        if not await self._knows_token(request, socket):
            await socket.close(code=4004, message=b"The token is wrong.")
            return socket
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._count += 1
        hello = {"bot_online": self.bot_online, "again_in": self._again_in}
        queue.put_nowait(encoded({"t": "hello", "s": self._count, "d": hello}))
        self._queues.add(queue)
        self._sockets.add(socket)
        writer = asyncio.create_task(_write(socket, queue))
        try:
            # The page has nothing to say; reading keeps pings answered and notices the end.
            async for frame in socket:
                if frame.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                    break
        finally:
            self._queues.discard(queue)
            self._sockets.discard(socket)
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
        return socket

    async def _knows_token(self, request: web.Request, socket: web.WebSocketResponse) -> bool:
        named = request.headers.get("Sec-WebSocket-Protocol", "").split(",")
        given = [each.strip() for each in named if each.strip() != PROTOCOL and each.strip()]
        if not given:
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    first = await socket.receive()
                said = decoded(first.data) if first.type is WSMsgType.TEXT else {}
            except (TimeoutError, ApiError):
                return False
            given = [str(said.get("token"))] if isinstance(said, dict) else [""]
        return hmac.compare_digest(given[0].encode(), self._token)


async def _write(socket: web.WebSocketResponse, queue: asyncio.Queue[bytes | None]) -> None:
    try:
        while (frame := await queue.get()) is not None:
            await socket.send_str(frame.decode())
        await socket.close(code=1013, message=b"Too slow; read everything anew.")
    except (ConnectionError, RuntimeError):
        return
