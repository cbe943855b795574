"""Gathers the users, roles, channels, messages and files that an interaction's values name, as Discord sends them."""

from collections.abc import Mapping
from typing import Final

from bot.sandbox.attachments import Attachments, Upload
from bot.sandbox.errors import Json, PageError
from bot.sandbox.messages import Message, Messages
from bot.sandbox.world import Channel, World

USER, CHANNEL, ROLE, MENTIONABLE = "user", "channel", "role", "mentionable"
_CHANNEL_KEYS: Final = (
    "id",
    "type",
    "name",
    "topic",
    "position",
    "parent_id",
    "nsfw",
    "flags",
    "last_message_id",
)


class Resolved:
    """The `resolved` part of one interaction's data."""

    def __init__(
        self,
        world: World,
        attachments: Attachments,
        messages: Messages,
        channel: Channel,
        uploads: Mapping[int, Upload],
    ) -> None:
        self._world, self._attachments, self._messages = world, attachments, messages
        self._channel, self._uploads = channel, uploads
        self._found: dict[str, Json] = {}
        self._files: dict[int, str] = {}

    def payload(self) -> Json:
        """Return what was gathered, under Discord's names."""
        return dict(self._found)

    def discard(self) -> None:
        """Forget the files again: the interaction was refused."""
        self._attachments.remove(list(self._files.values()))

    def user(self, user_id: str, field: str) -> None:
        """Add a user, and the member that it is in the guild."""
        if user_id not in self._world.users:
            raise PageError("There is no such user.", field)
        self._add("users", user_id, self._world.users[user_id].payload())
        if self._channel.recipient is None:
            member = self._world.member(user_id, with_user=False)
            member["permissions"] = str(self._world.permissions(user_id, self._channel))
            self._add("members", user_id, member)

    def role(self, role_id: str, field: str) -> None:
        """Add a role."""
        if role_id not in self._world.roles or self._channel.recipient is not None:
            raise PageError("There is no such role.", field)
        self._add("roles", role_id, self._world.roles[role_id].payload())

    def channel(self, channel_id: str, user_id: str, types: list[int], field: str) -> None:
        """Add a channel that `user_id` sees, of one of `types` (of any, when empty)."""
        channel = self._world.channels.get(channel_id)
        if channel is None or channel.recipient is not None or not self._world.sees(user_id, channel):
            raise PageError("There is no such channel.", field)
        if types and channel.type not in types:
            raise PageError("A channel of this kind cannot be chosen here.", field)
        body = channel.payload()
        shown = {key: body[key] for key in _CHANNEL_KEYS}
        shown["permissions"] = str(self._world.permissions(user_id, channel))
        self._add("channels", channel_id, shown)

    def mentionable(self, some_id: str, field: str) -> None:
        """Add a user or a role."""
        if some_id in self._world.roles:
            self.role(some_id, field)
        else:
            self.user(some_id, field)

    def file(self, number: object, field: str) -> str:
        """Keep the file `files[number]` and add it; return its id."""
        if isinstance(number, bool) or not isinstance(number, int) or number not in self._uploads:
            raise PageError("The file is missing.", field)
        if number not in self._files:
            kept = self._attachments.add(self._channel.id, self._uploads[number], ephemeral=True)
            self._files[number] = kept.id
            self._add("attachments", kept.id, self._attachments.payload(kept))
        return self._files[number]

    def message(self, message: Message) -> None:
        """Add the message that a menu was opened on."""
        self._add("messages", message.id, self._messages.show(message))

    def _add(self, kind: str, key: str, value: Json) -> None:
        self._found.setdefault(kind, {})[key] = value
