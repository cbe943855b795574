"""The HTTP routes about the bot itself, its commands, and the guild."""

from typing import Any, Final

from aiohttp import web

from bot.sandbox.commands import Commands
from bot.sandbox.errors import Json, known
from bot.sandbox.messages import Messages
from bot.sandbox.rest import Answer, Endpoint, Rest, flag, whole
from bot.sandbox.snowflake import Snowflakes
from bot.sandbox.world import GUILD_ID, GUILD_TEXT, World

_INTENT_FLAGS: Final = {1 << 8: 1 << 12, 1 << 1: 1 << 14, 1 << 15: 1 << 18}
"""Privileged intents, and the application's flag that says it may have them."""


def application_flags(allowed_intents: int) -> int:
    """Return the application's flags for the privileged intents that it may ask for."""
    return sum(flag for intent, flag in _INTENT_FLAGS.items() if allowed_intents & intent)


class ApplicationRoutes:
    """Routes under `/applications`, `/users`, `/guilds` and `/gateway`."""

    def __init__(
        self,
        rest: Rest,
        world: World,
        commands: Commands,
        messages: Messages,
        snowflakes: Snowflakes,
        *,
        allowed_intents: int,
    ) -> None:
        self._rest, self._world, self._commands = rest, world, commands
        self._messages, self._snowflakes = messages, snowflakes
        self._flags = application_flags(allowed_intents)
        self.gateway_url = ""
        """The address of the gateway; set once the server knows its port."""

    def endpoints(self) -> list[Endpoint]:
        """Return the routes."""
        found = [
            Endpoint("GET", "/gateway", self._gateway, by_token=True),
            Endpoint("GET", "/gateway/bot", self._gateway_bot),
            Endpoint("GET", "/users/@me", self._me),
            Endpoint("GET", "/users/@me/guilds", self._my_guilds),
            Endpoint("POST", "/users/@me/channels", self._open_direct),
            Endpoint("GET", "/users/{user_id}", self._user),
            Endpoint("GET", "/oauth2/applications/@me", self._application),
            Endpoint("GET", "/applications/@me", self._application),
            Endpoint("GET", "/applications/{application_id}/emojis", self._no_emojis),
            Endpoint("GET", "/applications/{application_id}/entitlements", self._nothing),
            Endpoint("GET", "/applications/{application_id}/skus", self._nothing),
            Endpoint("GET", "/soundboard-default-sounds", self._nothing),
            Endpoint("GET", "/guilds/{guild_id}", self._guild),
            Endpoint("GET", "/guilds/{guild_id}/channels", self._channels),
            Endpoint("GET", "/guilds/{guild_id}/roles", self._roles),
            Endpoint("GET", "/guilds/{guild_id}/roles/{role_id}", self._role),
            Endpoint("GET", "/guilds/{guild_id}/members", self._members),
            Endpoint("GET", "/guilds/{guild_id}/members/search", self._search_members),
            Endpoint("GET", "/guilds/{guild_id}/members/{user_id}", self._member),
            Endpoint("GET", "/guilds/{guild_id}/emojis", self._nothing_in_guild),
            Endpoint("GET", "/guilds/{guild_id}/stickers", self._nothing_in_guild),
            Endpoint("GET", "/guilds/{guild_id}/threads/active", self._no_threads),
        ]
        for scope in ("/applications/{application_id}", "/applications/{application_id}/guilds/{guild_id}"):
            found += [
                Endpoint("GET", f"{scope}/commands", self._list),
                Endpoint("PUT", f"{scope}/commands", self._replace),
                Endpoint("POST", f"{scope}/commands", self._upsert),
                Endpoint("GET", f"{scope}/commands/{{command_id}}", self._get),
                Endpoint("PATCH", f"{scope}/commands/{{command_id}}", self._edit),
                Endpoint("DELETE", f"{scope}/commands/{{command_id}}", self._delete),
            ]
        in_guild = "/applications/{application_id}/guilds/{guild_id}/commands"
        # First, or "permissions" is taken for a command's id.
        found.insert(0, Endpoint("GET", f"{in_guild}/permissions", self._permissions))
        found.append(Endpoint("GET", f"{in_guild}/{{command_id}}/permissions", self._command_permissions))
        return found

    async def _gateway(self, request: web.Request) -> Json:
        return {"url": self.gateway_url}

    async def _gateway_bot(self, request: web.Request) -> Json:
        return {
            "url": self.gateway_url,
            "shards": 1,
            "session_start_limit": {
                "total": 1000,
                "remaining": 999,
                "reset_after": 86_400_000,
                "max_concurrency": 1,
            },
        }

    async def _me(self, request: web.Request) -> Json:
        return {
            **self._world.bot.payload(),
            "mfa_enabled": False,
            "locale": "en-US",
            "verified": True,
            "email": None,
            "premium_type": 0,
        }

    async def _user(self, request: web.Request) -> Json:
        user = self._world.users.get(request.match_info["user_id"])
        if user is None:
            raise known(10013)
        return user.payload()

    async def _my_guilds(self, request: web.Request) -> list[Json]:
        guild = self._world.guild()
        return [
            {
                "id": GUILD_ID,
                "name": guild["name"],
                "icon": None,
                "banner": None,
                "owner": False,
                "permissions": str(self._world.permissions(self._world.application_id)),
                "features": [],
                "approximate_member_count": guild["approximate_member_count"],
                "approximate_presence_count": guild["approximate_presence_count"],
            }
        ]

    async def _open_direct(self, request: web.Request) -> Json:
        body = (await self._rest.read(request)).object
        recipient = str(body.get("recipient_id"))
        user = self._world.users.get(recipient)
        if user is None:
            raise known(10013)
        if user.bot:
            raise known(50007)
        channel, opened = self._world.direct(recipient, self._snowflakes.next())
        if opened:
            for audience in self._messages.audiences:
                audience.channel_opened(channel)
        return channel.payload()

    async def _application(self, request: web.Request) -> Json:
        world = self._world
        return {
            "id": world.application_id,
            "name": world.application_name,
            "icon": None,
            "description": "",
            "type": None,
            "bot": world.bot.payload(),
            "owner": world.users[world.owner_id].payload(),
            "team": None,
            "bot_public": True,
            "bot_require_code_grant": False,
            "verify_key": "0" * 64,
            "flags": self._flags,
            "flags_new": str(self._flags),
            "redirect_uris": [],
            "interactions_endpoint_url": None,
            "role_connections_verification_url": None,
            "explicit_content_filter": 0,
            "approximate_guild_count": 1,
            "approximate_user_install_count": 0,
            "approximate_user_authorization_count": 0,
            "eligible_oauth2_scopes": [],
            "integration_types_config": {"0": {}},
        }

    async def _nothing(self, request: web.Request) -> list[Any]:
        return []

    async def _nothing_in_guild(self, request: web.Request) -> list[Any]:
        self._need_guild(request)
        return []

    async def _no_emojis(self, request: web.Request) -> Json:
        return {"items": []}

    async def _no_threads(self, request: web.Request) -> Json:
        self._need_guild(request)
        return {"threads": [], "members": [], "has_more": False}

    async def _guild(self, request: web.Request) -> Json:
        self._need_guild(request)
        return self._world.guild()

    async def _channels(self, request: web.Request) -> list[Json]:
        self._need_guild(request)
        return [c.payload() for c in self._world.channels.values() if c.type == GUILD_TEXT]

    async def _roles(self, request: web.Request) -> list[Json]:
        self._need_guild(request)
        return [role.payload() for role in self._world.roles.values()]

    async def _role(self, request: web.Request) -> Json:
        self._need_guild(request)
        role = self._world.roles.get(request.match_info["role_id"])
        if role is None:
            raise known(10011)
        return role.payload()

    async def _members(self, request: web.Request) -> list[Json]:
        self._need_guild(request)
        after = whole(request, "after", 0, 0, 2**63)
        limit = whole(request, "limit", 1, 1, 1000)
        ids = sorted((user for user in self._world.held if int(user) > after), key=int)
        return [self._world.member(user) for user in ids[:limit]]

    async def _search_members(self, request: web.Request) -> list[Json]:
        self._need_guild(request)
        begin = request.query.get("query", "").lower()
        limit = whole(request, "limit", 1, 1, 1000)
        ids = [
            user for user in self._world.held if self._world.users[user].username.lower().startswith(begin)
        ]
        return [self._world.member(user) for user in ids[:limit]]

    async def _member(self, request: web.Request) -> Json:
        self._need_guild(request)
        return self._world.member(request.match_info["user_id"])

    def _need_guild(self, request: web.Request) -> None:
        if request.match_info["guild_id"] != GUILD_ID:
            raise known(10004)

    def _scope(self, request: web.Request) -> str | None:
        if request.match_info["application_id"] != self._world.application_id:
            raise known(20012)
        return request.match_info.get("guild_id")

    async def _list(self, request: web.Request) -> list[Json]:
        return self._commands.listed(
            self._scope(request), with_localizations=flag(request, "with_localizations")
        )

    async def _replace(self, request: web.Request) -> list[Json]:
        scope = self._scope(request)
        return self._commands.replace(scope, (await self._rest.read(request)).json)

    async def _upsert(self, request: web.Request) -> Answer:
        scope = self._scope(request)
        command, new = self._commands.upsert(scope, (await self._rest.read(request)).object)
        return Answer(command, 201 if new else 200)

    async def _get(self, request: web.Request) -> Json:
        return self._commands.get(self._scope(request), request.match_info["command_id"])

    async def _edit(self, request: web.Request) -> Json:
        scope, command_id = self._scope(request), request.match_info["command_id"]
        return self._commands.edit(scope, command_id, (await self._rest.read(request)).object)

    async def _delete(self, request: web.Request) -> None:
        self._commands.delete(self._scope(request), request.match_info["command_id"])

    async def _permissions(self, request: web.Request) -> list[Json]:
        self._need_guild(request)
        self._scope(request)
        return []

    async def _command_permissions(self, request: web.Request) -> Json:
        self._need_guild(request)
        self._scope(request)
        # Nobody has overridden any here; Discord then says so.
        raise known(10066)
