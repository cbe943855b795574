"""Keeps uploaded files, within a cap of bytes, and makes the signed, expiring links that they are fetched by."""

import hashlib
import hmac
import mimetypes
import re
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from bot.sandbox.errors import Json
from bot.sandbox.image_size import image_size
from bot.sandbox.snowflake import Snowflakes

_UNSAFE: Final = re.compile(r"[^\w.\-]+", re.UNICODE)
EPHEMERAL_FLAG: Final = 64


@dataclass(frozen=True)
class Upload:
    """A file as it came in a form."""

    filename: str
    data: bytes
    description: str | None = None


@dataclass(frozen=True)
class Attachment:
    """A file that is kept."""

    id: str
    channel_id: str
    filename: str
    content_type: str
    data: bytes
    description: str | None
    ephemeral: bool
    size: tuple[int, int] | None
    """Width and height of a picture."""


class Attachments:
    """All kept files; the oldest give way when `cap` bytes are reached."""

    def __init__(self, snowflakes: Snowflakes, cap: int, link_seconds: float) -> None:
        self._snowflakes, self._cap, self._link_seconds = snowflakes, cap, link_seconds
        self._kept: OrderedDict[str, Attachment] = OrderedDict()
        self._bytes = 0
        self._key = secrets.token_bytes(32)
        self.cdn_base = ""
        """The address that links begin with; set once the server knows its port."""

    def add(self, channel_id: str, upload: Upload, ephemeral: bool = False) -> Attachment:
        """Keep a file."""
        name = _safe_name(upload.filename)
        kept = Attachment(
            id=self._snowflakes.next(),
            channel_id=channel_id,
            filename=name,
            content_type=_content_type(name),
            data=upload.data,
            description=upload.description,
            ephemeral=ephemeral,
            size=image_size(upload.data),
        )
        self._kept[kept.id] = kept
        self._bytes += len(kept.data)
        while self._bytes > self._cap:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= len(oldest.data)
        return kept

    def remove(self, attachment_ids: list[str]) -> None:
        """Forget files."""
        for each in attachment_ids:
            if kept := self._kept.pop(each, None):
                self._bytes -= len(kept.data)

    def get(self, attachment_id: str) -> Attachment | None:
        """Return a kept file."""
        return self._kept.get(attachment_id)

    def link(self, attachment: Attachment) -> str:
        """Return a link that works from now on until it expires."""
        issued = int(time.time())
        expires = int(issued + self._link_seconds)
        path = f"/attachments/{attachment.channel_id}/{attachment.id}/{quote(attachment.filename)}"
        mark = self._sign(attachment.channel_id, attachment.id, expires, issued)
        return f"{self.cdn_base}{path}?ex={expires:x}&is={issued:x}&hm={mark}"

    def is_valid(self, channel_id: str, attachment_id: str, expires: str, issued: str, mark: str) -> bool:
        """Tell whether a link is one of ours and has not expired."""
        try:
            until, since = int(expires, 16), int(issued, 16)
        except ValueError:
            return False
        expected = self._sign(channel_id, attachment_id, until, since)
        return hmac.compare_digest(expected.encode(), mark.encode()) and time.time() < until

    def linked(self, url: str) -> str | None:
        """Return the id of the kept file that a link leads to."""
        if not url.startswith(f"{self.cdn_base}/attachments/"):
            return None
        parts = url.removeprefix(self.cdn_base).split("/")
        return parts[3] if len(parts) > 4 and parts[3] in self._kept else None

    def payload(self, attachment: Attachment) -> Json:
        """Return Discord's attachment object."""
        url = self.link(attachment)
        body: Json = {
            "id": attachment.id,
            "filename": attachment.filename,
            "size": len(attachment.data),
            "url": url,
            "proxy_url": url,
            "content_type": attachment.content_type,
            "flags": 0,
        }
        if attachment.description:
            body["description"] = attachment.description
        if attachment.size:
            body["width"], body["height"] = attachment.size
        if attachment.ephemeral:
            body["ephemeral"] = True
        return body

    def _sign(self, channel_id: str, attachment_id: str, expires: int, issued: int) -> str:
        words = f"{channel_id}/{attachment_id}/{expires:x}/{issued:x}".encode()
        return hmac.new(self._key, words, hashlib.sha256).hexdigest()


def _safe_name(filename: str) -> str:
    name = _UNSAFE.sub("_", filename.replace("\\", "/").rsplit("/", 1)[-1]).lstrip(".")
    return name[-100:] or "file"


def _content_type(name: str) -> str:
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
