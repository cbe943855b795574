"""Frames between the bot and a worker: four bytes of length, then msgpack. Both sides check the length first."""

from typing import Any, Final

import msgspec

from shared.engine import Weights
from shared.model import Failure

MAX_FRAME: Final = 512 * 1024 * 1024
WHOLE_BATCH: Final = -1
_HEADER: Final = 4


class Run(msgspec.Struct, array_like=True, tag="run", frozen=True):
    """To the worker: answer a batch of `model`; `traceparent` names the span above it, where there is one."""

    id: int
    model: str
    batch: msgspec.Raw
    traceparent: str | None = None


class Load(msgspec.Struct, array_like=True, tag="load", frozen=True):
    """To the worker: load the class at `path` ("module:Class") with `weights`, and let it answer from then on."""

    id: int
    model: str
    path: str
    weights: Weights


class Unload(msgspec.Struct, array_like=True, tag="unload", frozen=True):
    """To the worker: drop a model."""

    id: int
    model: str


class Hello(msgspec.Struct, array_like=True, tag="hello", frozen=True):
    """From the worker, once: it is up."""

    pid: int


class Done(msgspec.Struct, array_like=True, tag="done", frozen=True):
    """From the worker: a batch's results (None where one failed), failures by index, and the seconds it took.

    A failure of `WHOLE_BATCH` stands for all items.
    """

    id: int
    results: msgspec.Raw
    failures: dict[int, Failure]
    seconds: float


class Loaded(msgspec.Struct, array_like=True, tag="loaded", frozen=True):
    """From the worker: a load or unload is done, on `device`; its memory after it, and what it added, in MiB."""

    id: int
    device: str
    rss_mib: float
    added_mib: float


class Broken(msgspec.Struct, array_like=True, tag="broken", frozen=True):
    """From the worker: a load failed."""

    id: int
    reason: str


MALFORMED: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What reading the body of a frame raises where it is not what it should be."""


class FrameError(Exception):
    """The peer sent what is no frame; the connection cannot go on."""


_encoder = msgspec.msgpack.Encoder()


def encode(message: Any) -> bytes:
    """Return `message` as one frame. Raises `FrameError` where it is too large."""
    body = _encoder.encode(message)
    if len(body) > MAX_FRAME:
        raise FrameError(f"a frame of {len(body)} bytes is too large")
    return len(body).to_bytes(_HEADER, "big") + body


def body_of(frame: bytes) -> memoryview:
    """Return the body of what `encode` made, where it came whole."""
    return memoryview(frame)[_HEADER:]


class FrameReader:
    """Puts frames together again from pieces of the stream, however they were cut."""

    def __init__(self, limit: int = MAX_FRAME) -> None:
        self._rest = bytearray()
        self._limit = limit

    def feed(self, data: bytes | memoryview) -> list[bytes]:
        """Take the next piece; return the bodies of the frames that are whole now. Raises `FrameError`."""
        whole: bytearray | bytes | memoryview = data
        if self._rest:
            self._rest += data
            whole = self._rest
        frames, at = [], 0
        with memoryview(whole) as view:
            while len(view) - at >= _HEADER:
                length = int.from_bytes(view[at : at + _HEADER], "big")
                if length > self._limit:
                    raise FrameError(f"a frame of {length} bytes is too large")
                end = at + _HEADER + length
                if end > len(view):
                    break
                frames.append(bytes(view[at + _HEADER : end]))
                at = end
            if whole is data:
                self._rest += view[at:]
        if whole is not data:
            del self._rest[:at]
        return frames


class Items:
    """Turns a list of Structs of one type into bytes and back; what is broken fails alone."""

    def __init__(self, kind: Any) -> None:
        self._encoder = msgspec.msgpack.Encoder()
        many: Any = list[kind | None]
        self._many = msgspec.msgpack.Decoder(many)
        self._one = msgspec.msgpack.Decoder(kind | None)

    def encode(self, item: Any) -> msgspec.Raw | Failure:
        """Return the item's bytes, or why it has none."""
        try:
            return msgspec.Raw(self._encoder.encode(item))
        # TypeError: a value of no known type; ValueError: half a surrogate pair; OverflowError: a huge integer.
        except (msgspec.MsgspecError, TypeError, ValueError, OverflowError, RecursionError) as error:
            return describe(error)

    def decode(self, data: msgspec.Raw) -> list[Any]:
        """Return the items; a `Failure` in the place of one that is not of the type.

        Raises `msgspec.MsgspecError` where `data` is no list.
        """
        try:
            return list(self._many.decode(data))
        except (msgspec.ValidationError, UnicodeDecodeError):
            return [self._decode(one) for one in msgspec.msgpack.decode(data, type=list[msgspec.Raw])]

    def _decode(self, data: msgspec.Raw) -> Any:
        try:
            return self._one.decode(data)
        except (msgspec.ValidationError, UnicodeDecodeError) as error:
            return describe(error)


def describe(error: BaseException) -> Failure:
    """Return `error` as a failure for the log, of bounded length."""
    return Failure(f"{type(error).__name__}: {error}"[:500])
