"""What a command answers: words, fields, pictures, files and buttons; how it fits Discord is the core's care."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Tone = Literal["neutral", "good", "bad", "unsure"]
"""What the answer means to the reader; shown as the colour of its edge."""


@dataclass(frozen=True)
class Field:
    """A short named value beside the text."""

    name: str
    value: str
    inline: bool = True


@dataclass(frozen=True)
class Picture:
    """A picture to show, with the words that stand for it where it cannot be seen."""

    data: bytes
    alt: str
    name: str = "picture.png"


@dataclass(frozen=True)
class File:
    """A file to attach."""

    name: str
    data: bytes


@dataclass(frozen=True)
class Button:
    """A button that runs another command of the same plugin with `arguments` (JSON values).

    The arguments are kept in the database until `keep_hours` have passed; then the button says that it is too
    old. `once` disables all buttons of the message after one press by the same person.
    """

    label: str
    command: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    style: Literal["plain", "primary", "good", "bad"] = "plain"
    emoji: str | None = None
    keep_hours: int = 24


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer. `private`: only the asker sees it. `source`: which model, and which of its weights, answered.

    `mention` is the person (a Discord id) whom the message calls, at its beginning; nobody else ever is.
    """

    text: str = ""
    title: str | None = None
    tone: Tone = "neutral"
    fields: tuple[Field, ...] = ()
    pictures: tuple[Picture, ...] = ()
    files: tuple[File, ...] = ()
    buttons: tuple[Button, ...] = ()
    private: bool = False
    source: str | None = None
    mention: int | None = None


_SPECIAL = str.maketrans({character: "\\" + character for character in "\\`*_~|>#[]()-+.!<:@"})


def escape(text: str) -> str:
    """Make `text` from outside harmless in a reply: no Markdown, no links, no mention, no colour codes."""
    visible = "".join(c for c in text if c in "\n\t" or (c.isprintable() or c in "\u200d\ufe0f"))
    return visible.translate(_SPECIAL)


def unescape(text: str) -> str:
    """Return what a reader of chat sees of a text that `escape` was used on."""
    return re.sub(r"\\([^\w\s])", r"\1", text)
