"""The HTTP routes about channels: messages, reactions, pins, typing."""

from dataclasses import replace
from itertools import islice
from typing import Any

from aiohttp import web

from bot.sandbox.errors import Json, known
from bot.sandbox.messages import Message, Messages
from bot.sandbox.rest import Endpoint, Rest, whole
from bot.sandbox.validate import LAYOUT_FLAG, draft
from bot.sandbox.visibility import shown_to_bot
from bot.sandbox.world import Channel, Permission, World


class ChannelRoutes:
    """Routes under `/channels`. `content`: the application may read what others write."""

    def __init__(self, rest: Rest, world: World, messages: Messages, *, content: bool) -> None:
        self._rest, self._world, self._messages, self._content = rest, world, messages, content

    def endpoints(self) -> list[Endpoint]:
        """Return the routes."""
        channel = "/channels/{channel_id}"
        message = channel + "/messages/{message_id}"
        emoji = message + "/reactions/{emoji_name}"
        found = [
            Endpoint("GET", channel, self._channel),
            Endpoint("POST", f"{channel}/typing", self._typing),
            # Before the route of one message, or "pins" is taken for its id.
            Endpoint("GET", f"{channel}/messages/pins", self._pins),
            Endpoint("POST", f"{channel}/messages/bulk-delete", self._bulk_delete),
            Endpoint("GET", f"{channel}/messages", self._history),
            Endpoint("POST", f"{channel}/messages", self._send),
            Endpoint("GET", message, self._get),
            Endpoint("PATCH", message, self._edit),
            Endpoint("DELETE", message, self._delete),
            Endpoint("PUT", f"{emoji}/@me", self._react),
            Endpoint("DELETE", f"{emoji}/@me", self._unreact),
            Endpoint("DELETE", f"{emoji}/{{user_id}}", self._unreact),
            Endpoint("GET", emoji, self._reactors),
            Endpoint("DELETE", emoji, self._clear_emoji),
            Endpoint("DELETE", f"{message}/reactions", self._clear_reactions),
            Endpoint("GET", f"{channel}/pins", self._old_pins),
        ]
        for pin in (f"{channel}/messages/pins/{{message_id}}", f"{channel}/pins/{{message_id}}"):
            found += [Endpoint("PUT", pin, self._pin), Endpoint("DELETE", pin, self._unpin)]
        return found

    def _where(self, request: web.Request, needed: Permission = Permission.VIEW_CHANNEL) -> Channel:
        channel = self._world.channel(request.match_info["channel_id"])
        held = self._world.permissions(self._world.application_id, channel)
        if not held & Permission.VIEW_CHANNEL:
            raise known(50001)
        if held & needed != needed:
            raise known(50013)
        return channel

    def _message(self, request: web.Request, needed: Permission = Permission.VIEW_CHANNEL) -> Message:
        channel = self._where(request, needed)
        message = self._messages.get(channel.id, request.match_info["message_id"])
        # Those that one person sees are reached through the interaction's token only.
        if message.visible_to is not None:
            raise known(10008)
        return message

    def _shown(self, message: Message) -> Json:
        body = self._messages.show(message)
        return shown_to_bot(body, message, self._world.application_id, content=self._content)

    async def _channel(self, request: web.Request) -> Json:
        return self._where(request).payload()

    async def _typing(self, request: web.Request) -> None:
        channel = self._where(request, Permission.SEND_MESSAGES)
        for audience in self._messages.audiences:
            audience.typing(channel, self._world.application_id)

    async def _history(self, request: web.Request) -> list[Json]:
        channel = self._where(request)
        if not self._world.permissions(self._world.application_id, channel) & Permission.READ_MESSAGE_HISTORY:
            return []
        limit = whole(request, "limit", 50, 1, 100)
        found = [m for m in self._messages.newest_first(channel.id) if m.visible_to is None]
        if (before := request.query.get("before", "")).isdigit():
            found = [m for m in found if int(m.id) < int(before)]
        elif (after := request.query.get("after", "")).isdigit():
            found = [m for m in found if int(m.id) > int(after)][-limit:]
        elif (around := request.query.get("around", "")).isdigit():
            older = [m for m in found if int(m.id) <= int(around)][: limit // 2 + 1]
            newer = [m for m in found if int(m.id) > int(around)][-(limit // 2) :]
            found = newer + older
        return [self._shown(message) for message in islice(found, limit)]

    async def _send(self, request: web.Request) -> Json:
        channel = self._where(request, Permission.SEND_MESSAGES)
        body = await self._rest.read(request)
        said = draft(body.object, body.files)
        held = self._world.permissions(self._world.application_id, channel)
        if said.uploads and not held & Permission.ATTACH_FILES:
            raise known(50013)
        if not held & Permission.EMBED_LINKS:
            said = replace(said, embeds=[])
        said.refuse_empty()
        return self._shown(self._messages.create(channel, self._world.application_id, said))

    async def _get(self, request: web.Request) -> Json:
        return self._shown(self._message(request, Permission.READ_MESSAGE_HISTORY))

    async def _edit(self, request: web.Request) -> Json:
        body = await self._rest.read(request)
        message = self._message(request)
        if message.author_id != self._world.application_id:
            raise known(50005)
        change = draft(body.object, body.files, layout=bool(message.body["flags"] & LAYOUT_FLAG))
        return self._shown(self._messages.edit(message, change))

    async def _delete(self, request: web.Request) -> None:
        message = self._message(request)
        if message.author_id != self._world.application_id:
            if message.channel.recipient is not None:
                raise known(50003)
            self._where(request, Permission.MANAGE_MESSAGES)
        self._messages.delete(message)

    async def _bulk_delete(self, request: web.Request) -> None:
        channel = self._where(request, Permission.MANAGE_MESSAGES)
        if channel.recipient is not None:
            raise known(50003)
        ids: Any = (await self._rest.read(request)).object.get("messages")
        if not isinstance(ids, list) or not 2 <= len(ids) <= 100:
            raise known(50016)
        wanted = {str(each) for each in ids}
        for message in [m for m in self._messages.newest_first(channel.id) if m.id in wanted]:
            self._messages.delete(message)

    async def _react(self, request: web.Request) -> None:
        message = self._message(request, Permission.READ_MESSAGE_HISTORY)
        emoji = request.match_info["emoji_name"]
        if emoji not in message.reactions:
            self._where(request, Permission.ADD_REACTIONS)
        self._messages.react(message, self._world.application_id, emoji, added=True)

    async def _unreact(self, request: web.Request) -> None:
        message = self._message(request)
        user_id = request.match_info.get("user_id", self._world.application_id)
        if user_id != self._world.application_id:
            self._where(request, Permission.MANAGE_MESSAGES)
        self._messages.react(message, user_id, request.match_info["emoji_name"], added=False)

    async def _reactors(self, request: web.Request) -> list[Json]:
        message = self._message(request)
        limit = whole(request, "limit", 25, 1, 100)
        after = whole(request, "after", 0, 0, 2**63)
        users = sorted(message.reactions.get(request.match_info["emoji_name"], []), key=int)
        users = [user for user in users if int(user) > after]
        return [self._world.users[user].payload() for user in users[:limit]]

    async def _clear_emoji(self, request: web.Request) -> None:
        self._clear(self._message(request, Permission.MANAGE_MESSAGES), request.match_info["emoji_name"])

    async def _clear_reactions(self, request: web.Request) -> None:
        message = self._message(request, Permission.MANAGE_MESSAGES)
        for emoji in list(message.reactions):
            self._clear(message, emoji)

    def _clear(self, message: Message, emoji: str) -> None:
        for user_id in list(message.reactions.get(emoji, [])):
            self._messages.react(message, user_id, emoji, added=False)

    def _pinned(self, request: web.Request) -> list[Message]:
        channel = self._where(request, Permission.READ_MESSAGE_HISTORY)
        found = [m for m in self._messages.newest_first(channel.id) if m.pinned_at is not None]
        return sorted(found, key=lambda m: m.pinned_at or "", reverse=True)

    async def _pins(self, request: web.Request) -> Json:
        limit = whole(request, "limit", 50, 1, 50)
        before = request.query.get("before", "9999")
        found = [m for m in self._pinned(request) if (m.pinned_at or "") < before]
        items = [{"pinned_at": m.pinned_at, "message": self._shown(m)} for m in found[:limit]]
        return {"items": items, "has_more": len(found) > limit}

    async def _old_pins(self, request: web.Request) -> list[Json]:
        return [self._shown(message) for message in self._pinned(request)]

    async def _pin(self, request: web.Request) -> None:
        self._messages.pin(self._message(request, Permission.PIN_MESSAGES), True)

    async def _unpin(self, request: web.Request) -> None:
        self._messages.pin(self._message(request, Permission.PIN_MESSAGES), False)
