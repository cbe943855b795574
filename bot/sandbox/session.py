"""One gateway session: its sequence numbers, its replay buffer, and the connection that it has at the moment."""

import asyncio
import zlib
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from bot.sandbox.wire import encoded

DISPATCH, HEARTBEAT, IDENTIFY, RESUME, RECONNECT, REQUEST_MEMBERS = 0, 1, 2, 6, 7, 8
INVALID_SESSION, HELLO, HEARTBEAT_ACK = 9, 10, 11
REPLAY: Final = 1000
MAX_QUEUED: Final = 10_000
_STOP: Final = None


class Connection:
    """A WebSocket to a client. What is sent is queued, so that whoever sends need not wait."""

    def __init__(self, socket: web.WebSocketResponse, *, compress: bool) -> None:
        self._socket = socket
        # One compressor for the whole connection, flushed after every message.
        self._compressor = zlib.compressobj() if compress else None
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._close: tuple[int, str] = (1000, "")
        self.closing = False
        self.session: Session | None = None

    def send(self, op: int, data: Any = None) -> None:
        """Send something that is no event."""
        self.put(encoded({"op": op, "d": data, "s": None, "t": None}))

    def put(self, frame: bytes) -> None:
        """Send a message that is encoded already."""
        if self.closing:
            return
        if self._queue.qsize() >= MAX_QUEUED:
            self.close(4008, "The client does not keep up.")
            return
        self._queue.put_nowait(frame)

    def close(self, code: int, reason: str) -> None:
        """Close once all that was sent before has gone out."""
        if not self.closing:
            self.closing = True
            self._close = code, reason
            self._queue.put_nowait(_STOP)

    async def write(self) -> None:
        """Send what is queued until the connection is closed."""
        try:
            while (frame := await self._queue.get()) is not _STOP:
                if self._compressor is None:
                    await self._socket.send_str(frame.decode())
                else:
                    data = self._compressor.compress(frame) + self._compressor.flush(zlib.Z_SYNC_FLUSH)
                    await self._socket.send_bytes(data)
            code, reason = self._close
            await self._socket.close(code=code, message=reason.encode())
        except (ConnectionError, RuntimeError):
            # The client has gone; what it missed is in the session's replay buffer.
            self.closing = True


@dataclass
class Session:
    """A client that has identified itself; outlives its connection so that it can be resumed."""

    id: str
    intents: int
    shard: tuple[int, int]
    connection: Connection | None = None
    sequence: int = 0
    lost_at: float = 0.0
    """The event loop's time when the connection was lost."""
    replay: deque[tuple[int, bytes]] = field(default_factory=lambda: deque(maxlen=REPLAY))

    def dispatch(self, event: str, body: bytes) -> None:
        """Send an event whose data is encoded already, and keep it for a resume."""
        self.sequence += 1
        frame = b'{"op":0,"s":%d,"t":"%s","d":%s}' % (self.sequence, event.encode(), body)
        self.replay.append((self.sequence, frame))
        if self.connection is not None:
            self.connection.put(frame)

    def can_resume(self, sequence: int) -> bool:
        """Tell whether all events after `sequence` are still at hand."""
        oldest = self.replay[0][0] if self.replay else self.sequence + 1
        return oldest - 1 <= sequence <= self.sequence

    def missed(self, sequence: int) -> list[bytes]:
        """Return the events after `sequence`."""
        return [frame for number, frame in self.replay if number > sequence]
