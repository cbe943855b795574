"""Clean values that a plugin gets: made only by `shared.parameters`, which checks them first."""

from dataclasses import dataclass
from typing import Final, Literal

MAX_ARTICLE: Final = 200_000
"""Characters of an article at most."""


@dataclass(frozen=True)
class Upload:
    """A file from outside, its size bounded before it was read; nothing else about it is checked yet."""

    name: str
    data: bytes


@dataclass(frozen=True)
class Channel:
    """A channel of the asker's server that the asker may write in, by Discord's id.

    Of a thread, `parent_id` is the channel that it belongs to.
    """

    id: int
    name: str
    parent_id: int | None = None


@dataclass(frozen=True)
class Role:
    """A role of the asker's server, by Discord's id; that of everybody has the server's own."""

    id: int
    name: str


@dataclass(frozen=True)
class Person:
    """Somebody, by Discord's id; `roles` and `permissions` (bits, in this channel) where they are a member here."""

    id: int
    name: str
    roles: frozenset[int] = frozenset()
    permissions: int = 0


@dataclass(frozen=True)
class Image:
    """A picture whose kind (by its first bytes) and size in pixels are known and allowed; not yet decoded."""

    data: bytes
    format: str
    width: int
    height: int
    name: str


@dataclass(frozen=True)
class Article:
    """A text to read, and where it came from.

    `source` says through which door: pasted or written in chat, a web page, a PDF, or a text file. `url` is where a
    page was in the end; `site` its name; `published` an ISO date. All but the text is as the document says, unchecked.
    """

    text: str
    title: str | None = None
    url: str | None = None
    site: str | None = None
    author: str | None = None
    published: str | None = None
    source: Literal["text", "html", "pdf", "file"] = "text"


@dataclass(frozen=True)
class Table:
    """A CSV table: names of columns, and rows of as many strings; `above` counts lines over the header, titles."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    name: str
    above: int = 0
