"""What a person sees of a bot: messages, forms, and the answer to one interaction as it grows."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

Json = dict[str, Any]
TIMEOUT = 10.0
"""Seconds that a person waits for the bot, unless told otherwise."""


class Unanswered(AssertionError):
    """The bot did not answer: too late, or not at all."""


class Refused(Exception):
    """Discord's own client would not let a person do that."""

    def __init__(self, status: int, message: str, field: str | None) -> None:
        super().__init__(message)
        self.status, self.message, self.field = status, message, field


@dataclass(frozen=True)
class Message:
    """A message as one person sees it at one time; `raw` is Discord's object."""

    raw: Json

    @property
    def id(self) -> str:
        """The message's id."""
        return str(self.raw["id"])

    @property
    def channel_id(self) -> str:
        """The id of the channel that it stands in."""
        return str(self.raw["channel_id"])

    @property
    def content(self) -> str:
        """Its text, without embeds."""
        return str(self.raw["content"])

    @property
    def author(self) -> str:
        """The username of who wrote it."""
        return str(self.raw["author"]["username"])

    @property
    def embeds(self) -> list[Json]:
        """Its embeds."""
        return list(self.raw["embeds"])

    @property
    def attachments(self) -> list[Json]:
        """Its files, but for those that an embed shows."""
        return list(self.raw["attachments"])

    @property
    def components(self) -> list[Json]:
        """All buttons, selects and layouts, outermost first."""
        return list(_walk(self.raw["components"]))

    @property
    def buttons(self) -> list[str]:
        """The labels of its buttons, in order."""
        return [str(c.get("label") or "") for c in self.components if c["type"] == 2]

    @property
    def ephemeral(self) -> bool:
        """Whether only one person sees it."""
        return self.raw["visible_to"] is not None

    @property
    def loading(self) -> bool:
        """Whether it still says "thinking…"."""
        return bool(self.raw["loading"])

    @property
    def text(self) -> str:
        """Everything that can be read of it: text, titles, descriptions, fields, footers, layouts."""
        parts: list[Any] = [self.content]
        for embed in self.embeds:
            parts += [embed.get("title"), embed.get("description")]
            for each in embed.get("fields", []):
                parts += [each["name"], each["value"]]
            parts.append(embed.get("footer", {}).get("text"))
        parts += [c.get("content") for c in self.components]
        return "\n".join(str(part) for part in parts if part)

    def component(self, label_or_custom_id: str) -> Json:
        """Return the button or select of this label or custom id; says which there are when there is none."""
        for each in self.components:
            if label_or_custom_id in (each.get("custom_id"), each.get("label"), each.get("placeholder")):
                return each
        there = [c.get("label") or c.get("custom_id") for c in self.components if c["type"] != 1]
        raise AssertionError(f"no “{label_or_custom_id}” under the message, only {there}")


@dataclass(frozen=True)
class Modal:
    """A form that the bot opened."""

    id: str
    custom_id: str
    title: str
    raw: Json

    @property
    def inputs(self) -> dict[str, Json]:
        """The form's inputs by custom id, each with the `label` that stands beside it."""
        found = {}
        for row in self.raw["components"]:
            for each in _walk([row]):
                if "custom_id" in each:
                    found[str(each["custom_id"])] = {**each, "label": row.get("label") or each.get("label")}
        return found


class Book(Protocol):
    """Where a person keeps what was seen of each message."""

    def versions(self, message_id: str) -> list[Message]:
        """Return all that a message has said, oldest first; empty once it is deleted."""


def is_final(message: Message) -> bool:
    """Tell whether a message is an answer: not "thinking…", and no progress that can be cancelled."""
    return not message.loading and not any(
        str(c.get("custom_id", "")).startswith("cancel:") for c in message.components
    )


@dataclass
class Answer:
    """What the bot does about one interaction. It grows while the bot goes on."""

    interaction_id: str
    book: Book = field(repr=False)
    callback_type: int | None = None
    """How the bot acknowledged: 4 message, 5 thinking, 6 nothing yet, 7 update, 8 choices, 9 modal."""
    modal: Modal | None = None
    choices: list[Json] | None = None
    """What autocomplete offers."""
    failed: str | None = None
    """Why it failed: `timeout` or `expired`."""
    _ids: list[str] = field(default_factory=list)
    _source: str | None = None
    _changed: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    @property
    def messages(self) -> list[Message]:
        """The answer and its follow-ups as they are now, without deleted ones."""
        ids = [*([self._source] if self._source else []), *self._ids]
        return [found[-1] for each in ids if (found := self.book.versions(each))]

    @property
    def message(self) -> Message:
        """The answer's first message as it is now (for an update: the message that was updated)."""
        if not self.messages:
            raise AssertionError(f"no message answers interaction {self.interaction_id}")
        return self.messages[0]

    @property
    def edits(self) -> list[Message]:
        """All that the answer's message has said, oldest first; the last is what it says now."""
        return self.book.versions(self.message.id)

    @property
    def text(self) -> str:
        """Everything that can be read of the answer and its follow-ups."""
        return "\n".join(message.text for message in self.messages)

    @property
    def ephemeral(self) -> bool:
        """Whether only the asker sees it."""
        return self.message.ephemeral

    async def until(self, done: Callable[["Answer"], bool], within: float = TIMEOUT) -> Self:
        """Wait until `done` holds. Raises `Unanswered` when the interaction fails or time is up first."""
        try:
            async with asyncio.timeout(within):
                while not done(self):
                    if self.failed is not None:
                        raise Unanswered(f"interaction {self.interaction_id} failed: {self.failed}")
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise Unanswered(f"not answered within {within:g} s; so far: {self!r}") from None
        return self

    async def follow_up(self, number: int = 1, within: float = TIMEOUT) -> Message:
        """Wait for the follow-up of this number, beginning at 1, and return it."""
        await self.until(lambda a: len(a.messages) > number and is_final(a.messages[number]), within)
        return self.messages[number]

    def is_settled(self) -> bool:
        """Tell whether the bot has done what a person waits for."""
        match self.callback_type:
            case None:
                return False
            case 4 | 5:
                return any(is_final(message) for message in self.messages)
            case _:
                return True

    def add(self, message_id: str) -> None:
        """Note a message of this interaction."""
        if message_id not in self._ids:
            self._ids.append(message_id)
        self._changed.set()

    def acknowledged(self, callback_type: int, message_id: str | None) -> None:
        """Note how the bot acknowledged."""
        self.callback_type = callback_type
        if callback_type in (6, 7):
            self._source = message_id
        self._changed.set()

    def changed(self) -> None:
        """Note that something of it is different."""
        self._changed.set()


def _walk(components: list[Json]) -> Iterator[Json]:
    for each in components:
        yield each
        yield from _walk(each.get("components") or [])
        for name in ("component", "accessory"):
            if isinstance(each.get(name), dict):
                yield from _walk([each[name]])
