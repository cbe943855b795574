"""The API by which the page, and the tests, act as human users; described in docs/sandbox.md."""

import hmac
import logging
from collections.abc import Awaitable, Callable
from itertools import islice
from typing import Any, Final

from aiohttp import web

from bot.sandbox import command_input, component_input
from bot.sandbox.attachments import Attachments
from bot.sandbox.command_check import LOCALES, MESSAGE_MENU, SLASH
from bot.sandbox.commands import Commands
from bot.sandbox.errors import ApiError, Json, PageError
from bot.sandbox.interaction import Kind, metadata
from bot.sandbox.interactions import Interactions
from bot.sandbox.messages import Message, Messages
from bot.sandbox.page_feed import Feed, channel_shown, shown_to_page
from bot.sandbox.resolved import Resolved
from bot.sandbox.snowflake import Snowflakes
from bot.sandbox.validate import MAX_CONTENT, draft
from bot.sandbox.wire import Body, answer, read_body
from bot.sandbox.world import GUILD_TEXT, Channel, Permission, World

PAGE_LOCALES: Final = ("en-US", "zh-TW")
log = logging.getLogger("hearth.sandbox")


class PageApi:
    """The routes under `/page`, but for the page's own files."""

    def __init__(
        self,
        world: World,
        messages: Messages,
        attachments: Attachments,
        commands: Commands,
        interactions: Interactions,
        feed: Feed,
        snowflakes: Snowflakes,
        *,
        token: str,
        attachment_limit: int,
        ack_seconds: float,
    ) -> None:
        self._world, self._messages, self._attachments = world, messages, attachments
        self._commands, self._interactions, self._feed = commands, interactions, feed
        self._snowflakes, self._token = snowflakes, token.encode()
        self._attachment_limit, self._ack_seconds = attachment_limit, ack_seconds

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        channel = "/page/channels/{channel_id}/messages"
        message = channel + "/{message_id}"
        reaction = message + "/reactions/{emoji}"
        return [
            web.get("/page/state", self._served(self._state)),
            web.get("/page/events", self._feed.serve),
            web.post("/page/dms", self._served(self._open_direct)),
            web.post("/page/interactions", self._served(self._interact)),
            web.get(channel, self._served(self._history)),
            web.post(channel, self._served(self._send)),
            web.patch(message, self._served(self._edit)),
            web.delete(message, self._served(self._delete)),
            web.put(reaction, self._served(self._react)),
            web.delete(reaction, self._served(self._unreact)),
        ]

    def _served(
        self, handler: Callable[[web.Request], Awaitable[Any]]
    ) -> Callable[[web.Request], Awaitable[Any]]:
        async def serve(request: web.Request) -> web.Response:
            given = request.headers.get("X-Sandbox-Token", "").encode()
            if not hmac.compare_digest(given, self._token):
                return answer(PageError("The sandbox's token is missing or wrong.").body(), 403)
            try:
                return answer(await handler(request))
            except PageError as error:
                return answer(error.body(), error.status)
            except ApiError as error:
                return answer(PageError(_words(error)).body(), error.status)

        return serve

    async def _state(self, request: web.Request) -> Json:
        world = self._world
        people = [
            {
                **user.payload(),
                "roles": world.held[user.id],
                "permissions": str(world.permissions(user.id)),
                "owner": user.id == world.owner_id,
            }
            for user in world.people
        ]
        guild = world.guild()
        channels = []
        for channel in world.channels.values():
            shown = channel_shown(channel)
            if channel.type == GUILD_TEXT:
                shown["hidden_from"] = [u.id for u in world.people if not world.sees(u.id, channel)]
            channels.append(shown)
        return {
            "application": {
                "id": world.application_id,
                "name": world.application_name,
                "bot": world.bot.payload(),
            },
            "users": people,
            "guild": {key: guild[key] for key in ("id", "name", "icon", "owner_id", "preferred_locale")},
            "channels": channels,
            "roles": guild["roles"],
            "commands": self._commands.all(),
            "bot_online": self._feed.bot_online,
            "locales": list(PAGE_LOCALES),
            "limits": {
                "attachment_bytes": self._attachment_limit,
                "attachments": 10,
                "content": MAX_CONTENT,
                "ack_seconds": self._ack_seconds,
            },
        }

    async def _history(self, request: web.Request) -> Json:
        user_id = self._person(request.query.get("as"))
        channel = self._channel(request.match_info["channel_id"], user_id)
        limit, before = request.query.get("limit", "50"), request.query.get("before", "")
        if not limit.isdigit() or not 1 <= int(limit) <= 100:
            raise PageError("limit is between 1 and 100.", "limit")
        found = (
            message
            for message in self._messages.newest_first(channel.id)
            if message.visible_to in (None, user_id)
            and (not before.isdigit() or int(message.id) < int(before))
        )
        newest = list(islice(found, int(limit)))
        return {"messages": [self._shown(message) for message in reversed(newest)]}

    async def _send(self, request: web.Request) -> Json:
        body = await self._read(request)
        user_id = self._person(body.object.get("as"))
        channel = self._channel(request.match_info["channel_id"], user_id, Permission.SEND_MESSAGES)
        message_body = {"content": body.object.get("content") or ""}
        if reply_to := body.object.get("reply_to"):
            message_body["message_reference"] = {"message_id": str(reply_to)}
        said = draft(message_body, body.files)
        said.refuse_empty()
        return self._shown(self._messages.create(channel, user_id, said))

    async def _edit(self, request: web.Request) -> Json:
        body = await self._read(request)
        user_id = self._person(body.object.get("as"))
        message = self._message(request, user_id)
        if message.author_id != user_id:
            raise PageError("Only one's own messages can be edited.", status=403)
        change = draft({"content": body.object.get("content") or ""}, {})
        if not message.attachments:
            change.refuse_empty()
        return self._shown(self._messages.edit(message, change))

    async def _delete(self, request: web.Request) -> None:
        user_id = self._person(request.query.get("as"))
        message = self._message(request, user_id)
        may = self._world.permissions(user_id, message.channel) & Permission.MANAGE_MESSAGES
        if message.author_id != user_id and message.visible_to != user_id and not may:
            raise PageError("Only one's own messages can be deleted.", status=403)
        self._messages.delete(message)

    async def _react(self, request: web.Request) -> None:
        self._set_reaction(request, added=True)

    async def _unreact(self, request: web.Request) -> None:
        self._set_reaction(request, added=False)

    def _set_reaction(self, request: web.Request, *, added: bool) -> None:
        user_id = self._person(request.query.get("as"))
        self._messages.react(self._message(request, user_id), user_id, request.match_info["emoji"], added)

    async def _open_direct(self, request: web.Request) -> Json:
        user_id = self._person((await self._read(request)).object.get("as"))
        channel, opened = self._world.direct(user_id, self._snowflakes.next())
        if opened:
            for audience in self._messages.audiences:
                audience.channel_opened(channel)
        return channel_shown(channel)

    async def _interact(self, request: web.Request) -> Json:
        body = await self._read(request)
        said = body.object
        user_id = self._person(said.get("as"))
        channel = self._channel(str(said.get("channel_id")), user_id)
        locale = said.get("locale", "en-US")
        if locale not in LOCALES:
            raise PageError("There is no such locale.", "locale")
        data = said.get("data")
        if not isinstance(data, dict):
            raise PageError("data is missing.", "data")
        resolved = Resolved(self._world, self._attachments, self._messages, channel, body.files)
        try:
            match said.get("type"):
                case Kind.COMMAND | Kind.AUTOCOMPLETE as kind:
                    checked = self._command(
                        data, user_id, channel, resolved, typing=kind == Kind.AUTOCOMPLETE
                    )
                    interaction = self._interactions.open(Kind(kind), user_id, channel, checked, locale)
                case Kind.COMPONENT:
                    message = self._message_of(channel, str(data.get("message_id")), user_id)
                    checked = component_input.press(message, data, user_id, resolved)
                    interaction = self._interactions.open(
                        Kind.COMPONENT, user_id, channel, checked, locale, source=message
                    )
                case Kind.MODAL_SUBMIT:
                    modal = self._interactions.open_modal(str(data.get("modal_id")), user_id)
                    checked = component_input.submit(modal, data, resolved)
                    self._interactions.modal_sent(modal)
                    interaction = self._interactions.open(
                        Kind.MODAL_SUBMIT,
                        user_id,
                        channel,
                        checked,
                        locale,
                        source=modal.interaction.source,
                        trigger=metadata(modal.interaction, self._world),
                    )
                case _:
                    raise PageError("type is 2, 3, 4 or 5.", "type")
        except PageError:
            resolved.discard()
            raise
        return {"interaction_id": interaction.id}

    def _command(
        self, data: Json, user_id: str, channel: Channel, resolved: Resolved, *, typing: bool
    ) -> Json:
        command = self._commands.find(str(data.get("id")))
        if command is None:
            raise PageError("That command is gone. Open it again.", "data.id", 404)
        kind = command_input.kind_of(command, data)
        direct = channel.recipient is not None
        needed = Permission.USE_APPLICATION_COMMANDS
        may = self._world.permissions(user_id, channel) & needed
        if not may or not self._commands.usable(command, user_id, direct=direct):
            raise PageError("You may not use this command here.", "data.id", 403)
        if kind == SLASH:
            return command_input.slash(command, data, user_id, resolved, typing=typing)
        target: Message | str = str(data.get("target_id"))
        if kind == MESSAGE_MENU:
            target = self._message_of(channel, str(target), user_id)
        return command_input.menu(command, data, target, resolved)

    async def _read(self, request: web.Request) -> Body:
        try:
            return await read_body(request, self._attachment_limit)
        except ApiError as error:
            if error.status == 413:
                mebibytes = self._attachment_limit / 2**20
                raise PageError(
                    f"Files may have {mebibytes:g} MiB at most, and 10 at a time.", "files", 413
                ) from None
            raise

    def _person(self, user_id: Any) -> str:
        user = self._world.users.get(str(user_id))
        if user is None or user.bot:
            raise PageError("“as” names none of the sandbox's people.", "as", 404)
        return user.id

    def _channel(
        self, channel_id: str, user_id: str, needed: Permission = Permission.VIEW_CHANNEL
    ) -> Channel:
        channel = self._world.channels.get(channel_id)
        if channel is None or not self._world.sees(user_id, channel):
            raise PageError("There is no such channel.", "channel_id", 404)
        if not self._world.permissions(user_id, channel) & needed:
            raise PageError("You may not do that in this channel.", "channel_id", 403)
        return channel

    def _message(self, request: web.Request, user_id: str) -> Message:
        channel = self._channel(request.match_info["channel_id"], user_id)
        return self._message_of(channel, request.match_info["message_id"], user_id)

    def _message_of(self, channel: Channel, message_id: str, user_id: str) -> Message:
        try:
            message = self._messages.get(channel.id, message_id)
        except ApiError:
            raise PageError("That message is gone.", "message_id", 404) from None
        if message.visible_to not in (None, user_id):
            raise PageError("That message is gone.", "message_id", 404)
        return message

    def _shown(self, message: Message) -> Json:
        return shown_to_page(self._messages.show(message), message)


def _words(error: ApiError) -> str:
    """Return what Discord says is wrong, in one sentence."""
    node: Any = error.errors
    path = []
    while isinstance(node, dict) and "_errors" not in node and node:
        key = next(iter(node))
        path.append(key)
        node = node[key]
    if isinstance(node, dict) and node.get("_errors"):
        return f"{'.'.join(path)}: {node['_errors'][0]['message']}"
    return error.message
