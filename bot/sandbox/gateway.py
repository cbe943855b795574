"""The gateway: bots connect here, and events and interactions reach them."""

import asyncio
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

from aiohttp import WSMsgType, web

from bot.sandbox import gateway_payloads
from bot.sandbox.errors import ApiError, Json
from bot.sandbox.intents import KNOWN, PRIVILEGED, Intent
from bot.sandbox.interaction import Interaction, interaction_created
from bot.sandbox.messages import Change, Message, Messages
from bot.sandbox.rest_application import application_flags
from bot.sandbox.session import (
    HEARTBEAT,
    HEARTBEAT_ACK,
    HELLO,
    IDENTIFY,
    INVALID_SESSION,
    RECONNECT,
    Connection,
    Session,
)
from bot.sandbox.visibility import shown_to_bot
from bot.sandbox.wire import decoded, encoded
from bot.sandbox.world import GUILD_ID, Channel, World

MAX_FRAME: Final = 4096
"""Bytes of a client's message, as Discord limits it."""
MAX_FRAMES_A_MINUTE: Final = 120
RESUMABLE_SECONDS: Final = 180.0
ACK_SECONDS: Final = 0.05
"""What a heartbeat's acknowledgement is on its way for, as on any real network.

A thread of discord.py notes when a heartbeat was sent after it was. Were it acknowledged before, as on loopback it can
be, discord.py would count from the heartbeat before, and warn of being 41 seconds behind.
"""
_EVENTS: Final[dict[Change, str]] = {
    "create": "MESSAGE_CREATE",
    "update": "MESSAGE_UPDATE",
    "delete": "MESSAGE_DELETE",
}


class _Refused(Exception):
    """The connection is to be closed with this code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class Gateway:
    """All sessions."""

    def __init__(
        self,
        world: World,
        messages: Messages,
        bot_token: str,
        *,
        allowed_intents: int,
        attachment_limit: int,
        heartbeat_seconds: float,
        session_cap: int,
    ) -> None:
        self._world, self._messages, self._token = world, messages, bot_token.encode()
        self._allowed_intents, self._attachment_limit = allowed_intents, attachment_limit
        self._heartbeat_seconds, self._session_cap = heartbeat_seconds, session_cap
        self.sessions: OrderedDict[str, Session] = OrderedDict()
        """Those connected, and those that can be resumed."""
        self._connections: set[Connection] = set()
        self.url = ""
        """The address to resume at; set once the server knows its port."""
        self.online = asyncio.Event()
        """Set while a bot is connected and identified."""
        self.on_status: Callable[[bool], None] = lambda online: None

    # Faults, for tests and demonstrations.

    def drop(self, code: int = 4000) -> None:
        """Close all connections; the sessions can be resumed."""
        for connection in list(self._connections):
            connection.close(code, "Dropped.")

    def reconnect(self) -> None:
        """Ask all clients to connect again and resume (op 7)."""
        for connection in self._connections:
            connection.send(RECONNECT)

    def invalidate(self, *, resumable: bool = False) -> None:
        """Tell all clients that their session is invalid (op 9)."""
        for connection in self._connections:
            if not resumable and connection.session is not None:
                self.sessions.pop(connection.session.id, None)
                connection.session.connection, connection.session = None, None
            connection.send(INVALID_SESSION, resumable)
        self._check_status()

    # What happens, on its way to the bots.

    def message(self, change: Change, message: Message) -> None:
        """Send a message's event to the sessions that may have it. Ephemeral ones never go over the gateway."""
        if message.visible_to is not None:
            return
        direct = message.channel.recipient is not None
        if change == "delete":
            body = self._placed({"id": message.id, "channel_id": message.channel.id}, message.channel)
            self._dispatch(_EVENTS[change], body, _in(direct, Intent.GUILD_MESSAGES, Intent.DIRECT_MESSAGES))
            return
        body = self._placed(self._messages.show(message), message.channel)
        if not direct:
            body["member"] = self._world.member(message.author_id, with_user=False)
        application = self._world.application_id
        needed = _in(direct, Intent.GUILD_MESSAGES, Intent.DIRECT_MESSAGES)
        whole: bytes | None = None
        for session in self._listening(message.channel, needed):
            content = bool(session.intents & Intent.MESSAGE_CONTENT)
            shown = shown_to_bot(body, message, application, content=content)
            if shown is body:
                whole = whole or encoded(body)
                session.dispatch(_EVENTS[change], whole)
            else:
                session.dispatch(_EVENTS[change], encoded(shown))

    def typing(self, channel: Channel, user_id: str) -> None:
        """Send that somebody types."""
        direct = channel.recipient is not None
        body = self._placed(
            {"channel_id": channel.id, "user_id": user_id, "timestamp": int(time.time())}, channel
        )
        needed = _in(direct, Intent.GUILD_MESSAGE_TYPING, Intent.DIRECT_MESSAGE_TYPING)
        self._dispatch("TYPING_START", body, needed)

    def reaction(self, message: Message, user_id: str, emoji: Json, added: bool) -> None:
        """Send a reaction."""
        direct = message.channel.recipient is not None
        body = self._placed(
            {
                "user_id": user_id,
                "channel_id": message.channel.id,
                "message_id": message.id,
                "emoji": emoji,
                "burst": False,
                "type": 0,
            },
            message.channel,
        )
        if added:
            body["message_author_id"] = message.author_id
            if not direct:
                body["member"] = self._world.member(user_id)
        needed = _in(direct, Intent.GUILD_MESSAGE_REACTIONS, Intent.DIRECT_MESSAGE_REACTIONS)
        self._dispatch("MESSAGE_REACTION_ADD" if added else "MESSAGE_REACTION_REMOVE", body, needed)

    def channel_opened(self, channel: Channel) -> None:
        """Send that a direct conversation was opened."""
        self._dispatch("CHANNEL_CREATE", channel.payload(), Intent.DIRECT_MESSAGES)

    def interaction(self, interaction: Interaction) -> None:
        """Send an interaction; no intent is needed for it."""
        body = interaction_created(interaction, self._world, self._messages, self._attachment_limit)
        data = encoded(body)
        for session in self._listening(interaction.channel, 0):
            session.dispatch("INTERACTION_CREATE", data)

    def happened(self, event: str, interaction: Interaction, detail: Json) -> None:
        """Nothing of this concerns the bot: it did it."""

    # Connections.

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one WebSocket until it closes."""
        socket = web.WebSocketResponse(max_msg_size=65536, compress=False, timeout=1.0)
        await socket.prepare(request)
        # Clients that ask for zstd take plain text as well.
        connection = Connection(socket, compress=request.query.get("compress") == "zlib-stream")
        self._connections.add(connection)
        writer = asyncio.create_task(connection.write())
        try:
            if request.query.get("encoding", "json") != "json":
                raise _Refused(4002, "Only the JSON encoding is served.")
            if request.query.get("v", "10") not in ("9", "10"):
                raise _Refused(4012, "Invalid API version.")
            connection.send(HELLO, {"heartbeat_interval": int(self._heartbeat_seconds * 1000), "_trace": []})
            await self._listen(socket, connection)
        except _Refused as refused:
            connection.close(refused.code, refused.reason)
        except TimeoutError:
            if connection.session is not None:
                self.sessions.pop(connection.session.id, None)
            connection.close(4009, "Session timed out.")
        finally:
            self._connections.discard(connection)
            self._disconnected(connection, said_goodbye=socket.close_code in (1000, 1001))
            self._check_status()
            connection.close(1000, "")
            try:
                async with asyncio.timeout(2):
                    await writer
            except TimeoutError:
                writer.cancel()
        return socket

    def _disconnected(self, connection: Connection, *, said_goodbye: bool) -> None:
        session = connection.session
        if session is None or session.connection is not connection:
            return
        session.connection = None
        session.lost_at = asyncio.get_running_loop().time()
        # A client that closes by 1000 or 1001 does not mean to resume, unless it was we who closed.
        if said_goodbye and not connection.closing:
            self.sessions.pop(session.id, None)

    def _prune(self) -> None:
        now = asyncio.get_running_loop().time()
        for session in list(self.sessions.values()):
            if session.connection is None and now - session.lost_at > RESUMABLE_SECONDS:
                del self.sessions[session.id]

    async def _listen(self, socket: web.WebSocketResponse, connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        # A client that stops sending heartbeats is gone, even where its socket is not.
        deadline = self._heartbeat_seconds * 1.5
        minute, count = loop.time(), 0
        async with asyncio.timeout(deadline) as patience:
            async for frame in socket:
                if frame.type is WSMsgType.TEXT:
                    raw = frame.data.encode()
                elif frame.type is WSMsgType.BINARY:
                    # Some clients send JSON in binary frames.
                    raw = frame.data
                else:
                    return
                if len(raw) > MAX_FRAME:
                    raise _Refused(4002, "The message is too long.")
                if loop.time() - minute > 60:
                    minute, count = loop.time(), 0
                count += 1
                if count > MAX_FRAMES_A_MINUTE:
                    raise _Refused(4008, "You are being rate limited.")
                if self._take(raw, connection) == HEARTBEAT:
                    patience.reschedule(loop.time() + deadline)
                if connection.closing:
                    return

    def _take(self, raw: bytes, connection: Connection) -> int:
        try:
            frame = decoded(raw)
        except ApiError:
            raise _Refused(4002, "Error while decoding payload.") from None
        if not isinstance(frame, dict) or not isinstance(frame.get("op"), int):
            raise _Refused(4002, "Error while decoding payload.")
        op: int = frame["op"]
        data = frame.get("d")
        match op:
            case 1:
                asyncio.get_running_loop().call_later(ACK_SECONDS, connection.send, HEARTBEAT_ACK)
            case 2 | 6:
                if connection.session is not None:
                    raise _Refused(4005, "Already authenticated.")
                if not isinstance(data, dict):
                    raise _Refused(4002, "Error while decoding payload.")
                if op == IDENTIFY:
                    self._identify(data, connection)
                else:
                    self._resume(data, connection)
            case 3 | 4 | 31:
                # Presence, voice and soundboards are taken and let go.
                if connection.session is None:
                    raise _Refused(4003, "Not authenticated.")
            case 8:
                if connection.session is None:
                    raise _Refused(4003, "Not authenticated.")
                self._send_members(connection.session, data if isinstance(data, dict) else {})
            case _:
                raise _Refused(4001, "Unknown opcode.")
        return op

    def _check_token(self, data: Json) -> None:
        given = str(data.get("token")).removeprefix("Bot ").encode()
        if not hmac.compare_digest(given, self._token):
            raise _Refused(4004, "Authentication failed.")

    def _identify(self, data: Json, connection: Connection) -> None:
        self._check_token(data)
        intents = data.get("intents")
        if not isinstance(intents, int) or not 0 <= intents <= KNOWN:
            raise _Refused(4013, "Invalid intent(s).")
        if intents & PRIVILEGED & ~self._allowed_intents:
            raise _Refused(4014, "Disallowed intent(s).")
        shard = data.get("shard") or [0, 1]
        if len(shard) != 2 or not 0 <= shard[0] < shard[1]:
            raise _Refused(4010, "Invalid shard.")
        self._prune()
        session = Session(secrets.token_hex(16), intents, (shard[0], shard[1]), connection)
        connection.session = session
        self.sessions[session.id] = session
        while len(self.sessions) > self._session_cap:
            _, oldest = self.sessions.popitem(last=False)
            if oldest.connection is not None:
                oldest.connection.close(4009, "Too many sessions.")
        world, here = self._world, self._has_guild(session)
        flags = application_flags(self._allowed_intents)
        ready = gateway_payloads.ready(world, session, self.url, flags, has_guild=here)
        session.dispatch("READY", encoded(ready))
        if here and intents & Intent.GUILDS:
            members = list(world.held) if intents & Intent.GUILD_PRESENCES else [world.application_id]
            session.dispatch("GUILD_CREATE", encoded(world.guild_create(members)))
        self._check_status()

    def _resume(self, data: Json, connection: Connection) -> None:
        self._check_token(data)
        session = self.sessions.get(str(data.get("session_id")))
        sequence = data.get("seq")
        if session is None or not isinstance(sequence, int) or not session.can_resume(sequence):
            connection.send(INVALID_SESSION, False)
            return
        if session.connection is not None:
            session.connection.session = None
            session.connection.close(4000, "Resumed elsewhere.")
        connection.session = session
        for frame in session.missed(sequence):
            connection.put(frame)
        session.connection = connection
        session.dispatch("RESUMED", b'{"_trace":["sandbox"]}')
        self._check_status()

    def _send_members(self, session: Session, data: Json) -> None:
        chunk = gateway_payloads.members_chunk(self._world, session, data)
        session.dispatch("GUILD_MEMBERS_CHUNK", encoded(chunk))

    def _has_guild(self, session: Session) -> bool:
        index, count = session.shard
        return (int(GUILD_ID) >> 22) % count == index

    def _listening(self, channel: Channel | None, needed: int) -> list[Session]:
        direct = channel is not None and channel.recipient is not None
        return [
            s
            for s in self.sessions.values()
            if s.intents & needed == needed and (s.shard[0] == 0 if direct else self._has_guild(s))
        ]

    def _placed(self, body: Json, channel: Channel) -> Json:
        if channel.recipient is None:
            body["guild_id"] = GUILD_ID
        return body

    def _dispatch(self, event: str, body: Any, needed: int) -> None:
        channel = self._world.channels.get(body.get("channel_id") or body.get("id"))
        data = encoded(body)
        for session in self._listening(channel, needed):
            session.dispatch(event, data)

    def _check_status(self) -> None:
        online = any(s.connection is not None and not s.connection.closing for s in self.sessions.values())
        if online != self.online.is_set():
            self.online.set() if online else self.online.clear()
            self.on_status(online)


def _in(direct: bool, guild: Intent, private: Intent) -> Intent:
    return private if direct else guild
