"""Frames between the bot and a worker: four bytes of length, then msgpack. Both sides check the length first."""

from typing import Any, Final

import msgspec

from shared.engine import Weights
from shared.model import Failure

MAX_FRAME: Final = 512 * 1024 * 1024
WHOLE_BATCH: Final = -1
_HEADER: Final = 4


class Run(msgspec.Struct, array_like=True, tag="run", frozen=True):
    """To the worker: answer a batch of `model`."""

    id: int
    model: str
    batch: msgspec.Raw


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


class Done(msgspec.Struct, array_like=True, tag="done", frozen=True):
    """From the worker: a batch's results (None where one failed), failures by index, and the seconds it took.

    A failure of `WHOLE_BATCH` stands for all items.
    """

    id: int
    results: msgspec.Raw
    failures: dict[int, Failure]
    seconds: float


class Loaded(msgspec.Struct, array_like=True, tag="loaded", frozen=True):
    """From the worker: a load or unload is done; the worker's memory after it, and what it added, in MiB."""

    id: int
    rss_mib: float
    added_mib: float


class Broken(msgspec.Struct, array_like=True, tag="broken", frozen=True):
    """From the worker: a load failed."""

    id: int
    reason: str


class FrameError(Exception):
    """The peer sent what is no frame; the connection cannot go on."""


_encoder = msgspec.msgpack.Encoder()


def encode(message: Any) -> bytes:
    """Return `message` (a Struct of this module, or the tuple that stands for one) as one frame."""
    body = _encoder.encode(message)
    if len(body) > MAX_FRAME:
        raise FrameError(f"a frame of {len(body)} bytes is too large")
    return len(body).to_bytes(_HEADER, "big") + body


class FrameReader:
    """Puts frames together again from pieces of the stream, however they were cut."""

    def __init__(self, limit: int = MAX_FRAME) -> None:
        self._buffer = bytearray()
        self._limit = limit

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next piece; return the bodies of the frames that are whole now. Raises `FrameError`."""
        buffer = self._buffer
        buffer += data
        frames, at = [], 0
        while len(buffer) - at >= _HEADER:
            length = int.from_bytes(buffer[at : at + _HEADER], "big")
            if length > self._limit:
                raise FrameError(f"a frame of {length} bytes is too large")
            if len(buffer) - at - _HEADER < length:
                break
            frames.append(bytes(buffer[at + _HEADER : at + _HEADER + length]))
            at += _HEADER + length
        del buffer[:at]
        return frames
