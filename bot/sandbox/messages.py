"""All messages: made, edited, deleted, pinned, reacted to; and the JSON that Discord shows of them."""

import re
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

from bot.sandbox.attachments import EPHEMERAL_FLAG, Attachment, Attachments
from bot.sandbox.errors import Json, invalid, known
from bot.sandbox.snowflake import Snowflakes, now, timestamp
from bot.sandbox.validate import LOADING_FLAG, Draft
from bot.sandbox.world import GUILD_ID, Channel, Permission, World

PLAIN, REPLY, SLASH_ANSWER, MENU_ANSWER = 0, 19, 20, 23
MAX_PINS: Final = 50
_MENTION: Final = re.compile(r"<@(!?|&)(\d{15,20})>")
_EVERYONE: Final = re.compile(r"@(?:everyone|here)\b")
_KEPT: Final = "attachment://#"
"""How links to kept files are stored; they are signed when shown."""
_MEDIA: Final = ("image", "thumbnail", "media", "file")


@dataclass
class Message:
    """A message. `body` is Discord's object without what is made when it is shown."""

    id: str
    channel: Channel
    author_id: str
    body: Json
    attachments: list[str] = field(default_factory=list)
    embedded: list[str] = field(default_factory=list)
    """Files that an embed or a layout shows, which Discord does not list among the attachments."""
    visible_to: str | None = None
    interaction_id: str | None = None
    reactions: dict[str, list[str]] = field(default_factory=dict)
    pinned_at: str | None = None
    reply_to: str | None = None
    deleted: bool = False

    @property
    def loading(self) -> bool:
        """Whether it is still "thinking…"."""
        return bool(self.body["flags"] & LOADING_FLAG)

    @property
    def components(self) -> list[Json]:
        """The rows and layouts under it."""
        found: list[Json] = self.body["components"]
        return found


@dataclass(frozen=True)
class Origin:
    """The interaction that a message answers."""

    interaction_id: str
    metadata: Json
    legacy: Json | None
    kind: int
    visible_to: str | None


Change = Literal["create", "update", "delete"]


class Audience(Protocol):
    """Who hears of what happens: the gateway and the page."""

    def message(self, change: Change, message: Message) -> None:
        """Hear of a message that is new, changed or gone."""

    def typing(self, channel: Channel, user_id: str) -> None:
        """Hear that somebody types."""

    def reaction(self, message: Message, user_id: str, emoji: Json, added: bool) -> None:
        """Hear of a reaction that was added or taken away."""

    def channel_opened(self, channel: Channel) -> None:
        """Hear of a new direct conversation."""


class Messages:
    """The messages of all channels; the oldest of a channel give way when `cap` is reached."""

    def __init__(
        self, world: World, snowflakes: Snowflakes, attachments: Attachments, cap: int, nonce_cap: int = 1000
    ) -> None:
        self._world, self._snowflakes, self._attachments, self._cap = world, snowflakes, attachments, cap
        self._channels: dict[str, OrderedDict[str, Message]] = {}
        self._nonces: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._nonce_cap = nonce_cap
        self.audiences: list[Audience] = []

    def get(self, channel_id: str, message_id: str) -> Message:
        """Return a message. Raises Discord's 10008."""
        found = self._in(channel_id).get(message_id)
        if found is None:
            raise known(10008)
        return found

    def newest_first(self, channel_id: str) -> Iterator[Message]:
        """Go through a channel's messages, newest first."""
        yield from reversed(self._in(channel_id).values())

    def create(
        self, channel: Channel, author_id: str, draft: Draft, origin: Origin | None = None, *, flags: int = 0
    ) -> Message:
        """Add a message and tell everybody."""
        nonce = (channel.id, str(draft.nonce))
        if draft.nonce is not None and draft.enforce_nonce and nonce in self._nonces:
            return self.get(channel.id, self._nonces[nonce])
        replied = self._replied(channel, draft)
        message_id = self._snowflakes.next()
        ephemeral = origin is not None and origin.visible_to is not None
        body: Json = {
            "id": message_id,
            "channel_id": channel.id,
            "type": REPLY if replied else PLAIN,
            "content": draft.content or "",
            "author": self._world.users[author_id].payload(),
            "attachments": [],
            "embeds": [],
            "components": [],
            "mentions": [],
            "mention_roles": [],
            "mention_everyone": False,
            "pinned": False,
            "tts": draft.tts,
            "timestamp": timestamp(message_id),
            "edited_timestamp": None,
            "flags": (draft.flags & ~EPHEMERAL_FLAG) | flags | (EPHEMERAL_FLAG if ephemeral else 0),
        }
        message = Message(message_id, channel, author_id, body)
        if draft.nonce is not None:
            body["nonce"] = draft.nonce
            self._nonces[nonce] = message_id
            while len(self._nonces) > self._nonce_cap:
                self._nonces.popitem(last=False)
        if replied is not None:
            message.reply_to = replied.id
            body["message_reference"] = {
                "type": 0,
                "channel_id": channel.id,
                "message_id": replied.id,
                **({"guild_id": GUILD_ID} if channel.recipient is None else {}),
            }
        if origin is not None:
            message.visible_to, message.interaction_id = origin.visible_to, origin.interaction_id
            body["type"] = origin.kind
            body["webhook_id"] = body["application_id"] = self._world.application_id
            body["interaction_metadata"] = origin.metadata
            if origin.legacy is not None:
                body["interaction"] = origin.legacy
        self._fill(message, draft, replied)
        kept = self._in(channel.id)
        kept[message_id] = message
        channel.last_message_id = message_id
        while len(kept) > self._cap:
            _, oldest = kept.popitem(last=False)
            self._attachments.remove(oldest.attachments + oldest.embedded)
        self._tell("create", message)
        return message

    def edit(self, message: Message, draft: Draft, *, quietly: bool = False) -> Message:
        """Change a message and tell everybody. `quietly`: without the mark of an edit."""
        if draft.content is not None:
            message.body["content"] = draft.content
        # A bot may hide the embeds of links, or turn to components V2; nothing else can change.
        message.body["flags"] |= draft.flags & ~EPHEMERAL_FLAG
        self._fill(message, draft, None)
        if not quietly:
            message.body["edited_timestamp"] = now()
        self._tell("update", message)
        return message

    def settle_loading(self, message: Message, draft: Draft) -> Message:
        """Let an answer take the place of "thinking…"."""
        message.body["flags"] &= ~LOADING_FLAG
        return self.edit(message, draft, quietly=True)

    def delete(self, message: Message) -> None:
        """Remove a message and tell everybody."""
        self._channels[message.channel.id].pop(message.id, None)
        self._attachments.remove(message.attachments + message.embedded)
        message.deleted = True
        self._tell("delete", message)

    def pin(self, message: Message, pinned: bool) -> None:
        """Pin a message, or take the pin away. Raises 30003 when the channel has 50."""
        if pinned and message.pinned_at is None:
            if sum(1 for m in self.newest_first(message.channel.id) if m.pinned_at) >= MAX_PINS:
                raise known(30003)
            message.pinned_at = now()
        elif not pinned:
            message.pinned_at = None
        message.body["pinned"] = pinned
        self._tell("update", message)

    def react(self, message: Message, user_id: str, emoji: str, added: bool) -> None:
        """Add somebody's reaction, or take it away. Raises 10014."""
        if emoji.isascii() or len(emoji) > 32:
            raise known(10014)
        users = message.reactions.setdefault(emoji, [])
        if (user_id in users) == added:
            return
        if added:
            users.append(user_id)
        else:
            users.remove(user_id)
        if not users:
            del message.reactions[emoji]
        for audience in self.audiences:
            audience.reaction(message, user_id, {"id": None, "name": emoji}, added)
        for audience in self.audiences:
            audience.message("update", message)

    def show(self, message: Message) -> Json:
        """Return Discord's message object, with links that work from now on."""
        body = dict(message.body)
        body["attachments"] = [self._attachments.payload(a) for a in self._files(message.attachments)]
        if message.embedded:
            files = {a.id: a for a in self._files(message.embedded)}
            body["embeds"] = self._signed(body["embeds"], files)
            body["components"] = self._signed(body["components"], files)
        if message.reactions:
            body["reactions"] = [
                {
                    "emoji": {"id": None, "name": emoji},
                    "count": len(users),
                    "count_details": {"burst": 0, "normal": len(users)},
                    "burst_colors": [],
                    "me_burst": False,
                    "me": self._world.application_id in users,
                    "burst_me": False,
                    "burst_count": 0,
                }
                for emoji, users in message.reactions.items()
            ]
        if message.reply_to is not None:
            replied = self._channels[message.channel.id].get(message.reply_to)
            # As Discord does: the message replied to, without what that one replies to.
            body["referenced_message"] = None
            if replied is not None:
                shown = {k: v for k, v in replied.body.items() if k not in ("nonce", "message_reference")}
                shown["attachments"] = [
                    self._attachments.payload(a) for a in self._files(replied.attachments)
                ]
                body["referenced_message"] = shown
        return body

    def _in(self, channel_id: str) -> OrderedDict[str, Message]:
        return self._channels.setdefault(channel_id, OrderedDict())

    def _tell(self, change: Change, message: Message) -> None:
        for audience in self.audiences:
            audience.message(change, message)

    def _files(self, ids: list[str]) -> list[Attachment]:
        return [kept for each in ids if (kept := self._attachments.get(each)) is not None]

    def _replied(self, channel: Channel, draft: Draft) -> Message | None:
        if draft.reply_to is None:
            return None
        found = self._in(channel.id).get(draft.reply_to)
        if found is not None and found.visible_to is not None:
            found = None
        if found is None and draft.reply_must_exist:
            raise invalid("message_reference", "MESSAGE_REFERENCE_UNKNOWN_MESSAGE", "Unknown message")
        return found

    def _fill(self, message: Message, draft: Draft, replied: Message | None) -> None:
        before = [*message.attachments, *message.embedded]
        ephemeral = message.visible_to is not None
        added = [self._attachments.add(message.channel.id, u, ephemeral) for u in draft.uploads]
        names = {a.filename: a for a in self._files(before)}
        for upload, kept in zip(draft.uploads, added, strict=True):
            names[kept.filename] = names[upload.filename] = kept
        listed = [*message.attachments, *(a.id for a in added)]
        if draft.keep is not None:
            listed = [a for a in message.attachments if a in draft.keep] + [a.id for a in added]
        if draft.embeds is not None:
            message.body["embeds"] = draft.embeds
        if draft.components is not None:
            message.body["components"] = draft.components
        embedded: list[str] = []
        if draft.embeds is not None or draft.components is not None:
            message.body["embeds"] = self._stored(message.body["embeds"], names, embedded)
            message.body["components"] = self._stored(message.body["components"], names, embedded)
        else:
            embedded = message.embedded
        message.embedded = embedded
        message.attachments = [a for a in listed if a not in embedded]
        self._attachments.remove([a for a in before if a not in listed and a not in embedded])
        if draft.content is not None or replied is not None:
            self._mention(message, draft, replied)

    def _stored(self, value: Any, names: dict[str, Attachment], used: list[str]) -> Any:
        """Replace links to files of ours by their ids, and note these in `used`."""
        if isinstance(value, list):
            return [self._stored(each, names, used) for each in value]
        if not isinstance(value, dict):
            return value
        result = {}
        for key, each in value.items():
            url = each.get("url") if key in _MEDIA and isinstance(each, dict) else None
            if not isinstance(url, str):
                result[key] = self._stored(each, names, used)
                continue
            file_id = self._attachments.linked(url)
            if url.startswith(_KEPT):
                file_id = url.removeprefix(_KEPT)
            elif url.startswith("attachment://") and (kept := names.get(url.removeprefix("attachment://"))):
                file_id = kept.id
            if file_id is not None:
                used.append(file_id)
                result[key] = {"url": f"{_KEPT}{file_id}"}
            elif not url.startswith("attachment://"):
                result[key] = each
        return result

    def _signed(self, value: Any, files: dict[str, Attachment]) -> Any:
        if isinstance(value, list):
            return [self._signed(each, files) for each in value]
        if not isinstance(value, dict):
            return value
        url = value.get("url")
        if isinstance(url, str) and url.startswith(_KEPT):
            kept = files.get(url.removeprefix(_KEPT))
            if kept is None:
                return {"url": ""}
            link = self._attachments.link(kept)
            shown = {"id": kept.id, "url": link, "proxy_url": link, "content_type": kept.content_type}
            if kept.size:
                shown["width"], shown["height"] = kept.size  # type: ignore[assignment]
            return shown
        return {key: self._signed(each, files) for key, each in value.items()}

    def _mention(self, message: Message, draft: Draft, replied: Message | None) -> None:
        allowed, world, body = draft.allowed, self._world, message.body
        users: dict[str, None] = {}
        roles: dict[str, None] = {}
        for kind, found in _MENTION.findall(body["content"]):
            if kind == "&":
                if found in world.roles and (allowed.all_roles or found in allowed.roles):
                    roles[found] = None
            elif found in world.users and (allowed.all_users or found in allowed.users):
                users[found] = None
        if replied is not None and allowed.replied_user:
            users[replied.author_id] = None
        may = world.permissions(message.author_id, message.channel) & Permission.MENTION_EVERYONE
        body["mention_everyone"] = bool(may and allowed.everyone and _EVERYONE.search(body["content"]))
        body["mentions"] = [world.users[user].payload() for user in users]
        body["mention_roles"] = list(roles)
