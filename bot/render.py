"""Turns a Reply into Discord messages that keep within its limits: split, shortened or attached, never refused."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from shared.reply import Button, Field, File, Picture, Reply, Tone

DESCRIPTION: Final = 4096
EMBEDS_TOTAL: Final = 6000
TITLE, FIELD_NAME, FIELD_VALUE, FOOTER = 256, 256, 1024, 2048
FIELDS: Final = 25
FIELDS_TOTAL: Final = 2500
FILES: Final = 10
BUTTONS: Final = 25
MAX_PARTS: Final = 4
"""Messages that one answer is split into at most; a longer text comes as a file beside its beginning."""
COLOURS: Final[dict[Tone, int]] = {"neutral": 0x5B7083, "good": 0x2E8B6F, "bad": 0xC8452D, "unsure": 0xD79A2B}


@dataclass(frozen=True)
class Message:
    """One message to send: an embed's parts, files, buttons. Lengths are within Discord's limits."""

    description: str
    title: str | None = None
    colour: int = COLOURS["neutral"]
    fields: tuple[Field, ...] = ()
    footer: str | None = None
    pictures: tuple[Picture, ...] = ()
    files: tuple[File, ...] = ()
    buttons: tuple[Button, ...] = ()
    plain: bool = False
    """No embed is needed: the description is the message's content."""
    skipped: tuple[str, ...] = ()
    """Names of files that are too large to send."""
    mention: int | None = None
    """The one person whom the message may call."""


def render(reply: Reply, upload_limit: int) -> list[Message]:
    """Split `reply` into one or more messages; files over `upload_limit` bytes are named instead of sent."""
    room = 2000 if reply.mention is None else 1950
    plain = not (reply.title or reply.fields or reply.pictures or reply.source) and len(reply.text) <= room
    title, footer = _cut(reply.title, TITLE), _cut(reply.source, FOOTER)
    first, *more = _groups(reply.fields)
    spent = len(title or "") + len(footer or "") + _size(first)
    text = reply.text
    if plain and not text.strip() and not reply.files:
        # Discord takes no empty message.
        text = "✅"
    if plain and reply.mention is not None:
        text = f"<@{reply.mention}> {text}"
    parts = split(text, min(DESCRIPTION, EMBEDS_TOTAL - spent), DESCRIPTION)
    files = list(reply.files)
    if len(parts) > MAX_PARTS:
        files.append(File("answer.txt", text.encode(errors="replace")))
        parts = [parts[0][: DESCRIPTION - 2].rstrip() + " …"]
    pictures = [p for p in reply.pictures if len(p.data) <= upload_limit]
    sent = [f for f in files if len(f.data) <= upload_limit]
    skipped = [p.name for p in reply.pictures if p not in pictures] + [f.name for f in files if f not in sent]

    colour = COLOURS[reply.tone]
    messages = [Message(part, colour=colour, plain=plain) for part in parts]
    messages += [Message("", colour=colour, fields=fields) for fields in more]
    messages[0] = Message(
        parts[0], title, colour, first, footer, tuple(pictures[:FILES]), tuple(sent[: FILES - len(pictures[:FILES])]),
        (), plain, tuple(skipped), reply.mention,
    )  # fmt: skip
    # Buttons stand under the end of the answer.
    messages[-1] = replace(messages[-1], buttons=reply.buttons[:BUTTONS])
    rest: Sequence[Picture | File] = [*pictures[FILES:], *sent[FILES - len(pictures[:FILES]) :]]
    for start in range(0, len(rest), FILES):
        group = rest[start : start + FILES]
        messages.append(
            Message(
                "",
                colour=colour,
                pictures=tuple(p for p in group if isinstance(p, Picture)),
                files=tuple(f for f in group if isinstance(f, File)),
                plain=True,
            )
        )
    return messages


def _groups(fields: Sequence[Field]) -> list[tuple[Field, ...]]:
    """Cut fields to Discord's lengths, and part them so that each group fits one message beside some text."""
    groups: list[tuple[Field, ...]] = [()]
    for each in fields:
        name, value = (_cut(each.name, FIELD_NAME) or "\u200b"), (_cut(each.value, FIELD_VALUE) or "\u200b")
        fitting = Field(name, value, each.inline)
        if len(groups[-1]) == FIELDS or _size((*groups[-1], fitting)) > FIELDS_TOTAL:
            groups.append(())
        groups[-1] = (*groups[-1], fitting)
    return groups


def _size(fields: Sequence[Field]) -> int:
    return sum(len(f.name) + len(f.value) for f in fields)


def split(text: str, first: int, rest: int) -> list[str]:
    """Cut `text` at paragraphs, lines, sentences or words, into pieces of at most `first`, then `rest` characters.

    A code block that a cut falls into is closed, and opened again in the next piece.
    """
    pieces, limit, remaining = [], first, text
    while len(remaining) > limit:
        at = _break(remaining, limit - 8)
        piece, remaining = remaining[:at].rstrip(), remaining[at:].lstrip("\n")
        if piece.count("```") % 2:
            opening = piece.rsplit("```", 1)[1].split("\n", 1)[0]
            piece += "\n```"
            remaining = f"```{opening[:20]}\n{remaining}"
        pieces.append(piece)
        limit = rest
    return [*pieces, remaining]


def _break(text: str, limit: int) -> int:
    for mark in ("\n\n", "\n", "。", ". ", "，", " "):
        at = text.rfind(mark, limit // 2, limit)
        if at > 0:
            return at + len(mark)
    return limit


def _cut(text: str | None, limit: int) -> str | None:
    return text if text is None or len(text) <= limit else text[: limit - 1].rstrip() + "…"
