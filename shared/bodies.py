"""Reads the body of an HTTP response within bounds, compressed or not: no bomb is ever unfolded whole."""

import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Final

PIECE: Final = 1 << 16
_GZIP_OR_ZLIB: Final = 47
_RAW_DEFLATE: Final = -15
ENCODINGS: Final = "gzip, deflate"
"""What we say that we can unfold, for `Accept-Encoding`."""


class TooLarge(Exception):
    """The body has more bytes than wanted, as sent or unfolded."""


class BrokenBody(Exception):
    """The body is not compressed as its header says."""


async def read_body(chunks: AsyncIterator[bytes], encoding: str, limit: int, *, cut: bool = False) -> bytes:
    """Return the body's bytes, unfolded; `encoding` is the Content-Encoding. Raises `TooLarge` and `BrokenBody`.

    Where `cut`, the first `limit` bytes are returned of a body that has more.
    """
    unfold = _unfolding(encoding)
    received, body = 0, bytearray()
    async for chunk in chunks:
        received += len(chunk)
        for piece in unfold(chunk):
            body += piece
            if len(body) > limit:
                if cut:
                    return bytes(body[:limit])
                raise TooLarge
        if received > limit:
            if cut:
                return bytes(body[:limit])
            raise TooLarge
    return bytes(body)


class _Plain:
    def __call__(self, chunk: bytes) -> Iterator[bytes]:
        yield chunk


class _Inflater:
    """Unfolds gzip (of several members too), zlib, and the raw deflate that some servers send for it."""

    def __init__(self) -> None:
        self._inflate, self._begun = zlib.decompressobj(_GZIP_OR_ZLIB), False

    def __call__(self, chunk: bytes) -> Iterator[bytes]:
        while chunk:
            try:
                piece = self._inflate.decompress(chunk, PIECE)
            except zlib.error:
                if self._begun:
                    raise BrokenBody from None
                self._inflate, self._begun = zlib.decompressobj(_RAW_DEFLATE), True
                continue
            self._begun = True
            yield piece
            if self._inflate.eof:
                chunk = self._inflate.unused_data
                # Padding with zeros is allowed after a member.
                if not chunk.lstrip(b"\0"):
                    return
                self._inflate = zlib.decompressobj(_GZIP_OR_ZLIB)
            else:
                chunk = self._inflate.unconsumed_tail
                if not chunk and len(piece) < PIECE:
                    return
                if not chunk:
                    yield from self._rest()

    def _rest(self) -> Iterator[bytes]:
        # All input is taken, yet more output may be held back.
        while piece := self._inflate.decompress(b"", PIECE):
            yield piece


def _unfolding(encoding: str) -> "_Plain | _Inflater":
    match encoding.strip().lower():
        case "" | "identity":
            return _Plain()
        case "gzip" | "x-gzip" | "deflate":
            return _Inflater()
    raise BrokenBody
