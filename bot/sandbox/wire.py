"""Reads requests, bounded in size, and writes answers: JSON, forms with files, and Discord's errors."""

from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from aiohttp import BodyPartReader, MultipartReader, web

from bot.sandbox.attachments import Upload
from bot.sandbox.errors import Json, known

MAX_BODY: Final = 101 * 1024 * 1024
MAX_JSON: Final = 4 * 1024 * 1024
MAX_FILES: Final = 10
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class Body:
    """What a request brought: its JSON, and the files of a form by their number."""

    json: Any
    files: dict[int, Upload] = field(default_factory=dict)

    @property
    def object(self) -> Json:
        """The JSON as an object. Raises Discord's 50109 where it is something else."""
        if not isinstance(self.json, dict):
            raise known(50109)
        return self.json


async def read_body(request: web.Request, file_limit: int) -> Body:
    """Read a request's body; at most `file_limit` bytes a file.

    Takes JSON, `multipart/form-data` with `payload_json` and `files[n]`, and urlencoded `payload_json`.
    Raises Discord's 40005 (too large) and 50109 (not JSON).
    """
    if (request.content_length or 0) > MAX_BODY:
        raise known(40005)
    kind = request.content_type
    if kind == "multipart/form-data":
        return await _read_form(request, file_limit)
    if (request.content_length or 0) > MAX_JSON:
        raise known(40005)
    raw = await _read_limited(request)
    if kind == "application/x-www-form-urlencoded":
        # read() has cached the body that post() parses.
        raw = str((await request.post()).get("payload_json", "")).encode()
    return Body(decoded(raw) if raw else {})


def decoded(raw: bytes | str) -> Any:
    """Decode JSON. Raises Discord's 50109."""
    try:
        return _decode(raw)
    # Nested too deeply, it runs out of stack.
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise known(50109) from None


def encoded(value: Any) -> bytes:
    """Encode as JSON."""
    return _encode(value)


def answer(value: Any, status: int = 200) -> web.Response:
    """Return a JSON response. Its type is exactly `application/json`: discord.py compares it so."""
    if value is None:
        return web.Response(status=204)
    return web.Response(body=_encode(value), status=status, content_type="application/json")


async def _read_limited(request: web.Request) -> bytes:
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise known(40005) from None


async def _read_form(request: web.Request, file_limit: int) -> Body:
    payload: Any = {}
    files: dict[int, Upload] = {}
    left = MAX_BODY
    try:
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            if isinstance(part, MultipartReader):
                raise known(50109)
            name = part.name or ""
            if name == "payload_json":
                payload = decoded(await _read_part(part, min(left, MAX_JSON)))
            elif (number := _file_number(name)) is not None:
                if len(files) >= MAX_FILES:
                    raise known(40005)
                data = await _read_part(part, min(left, file_limit))
                left -= len(data)
                files[number] = Upload(part.filename or name, data)
            else:
                raise known(50109)
    # A form that is cut off or broken.
    except (ValueError, AssertionError, RuntimeError):
        raise known(50109) from None
    return Body(payload, files)


def _file_number(name: str) -> int | None:
    number = name[6:-1] if name.startswith("files[") and name.endswith("]") else ""
    return int(number) if number.isdigit() and len(number) < 4 else None


async def _read_part(part: BodyPartReader, limit: int) -> bytes:
    data = bytearray()
    while chunk := await part.read_chunk(65536):
        data += chunk
        if len(data) > limit:
            raise known(40005)
    return bytes(data)
