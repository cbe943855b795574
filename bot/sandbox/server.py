"""The sandbox as a whole: one server on the loopback address that holds a small Discord and the chat page."""

import base64
import ipaddress
import logging
import os
import secrets
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

from aiohttp import web

from bot.sandbox.attachments import Attachments
from bot.sandbox.cdn import Cdn
from bot.sandbox.commands import Commands
from bot.sandbox.gateway import Gateway
from bot.sandbox.intents import PRIVILEGED, Intent
from bot.sandbox.interactions import Interactions
from bot.sandbox.messages import Messages
from bot.sandbox.page_api import PageApi
from bot.sandbox.page_feed import Feed
from bot.sandbox.page_files import PageFiles
from bot.sandbox.ratelimit import RateLimits
from bot.sandbox.rest import API, Exchange, Recorder, Rest, unknown_route
from bot.sandbox.rest_application import ApplicationRoutes
from bot.sandbox.rest_channels import ChannelRoutes
from bot.sandbox.rest_webhooks import WebhookRoutes
from bot.sandbox.snowflake import Snowflakes
from bot.sandbox.wire import MAX_BODY, answer
from bot.sandbox.world import BOT_PERMISSIONS, World
from shared.errors import Refusal

MIB: Final = 1024 * 1024
REAL_TOKENS: Final = ("DISCORD_TOKEN", "HEARTH_TOKEN")
DISCORD_NAMES: Final = frozenset({"discord.com", "gateway.discord.gg", "cdn.discordapp.com"})
log = logging.getLogger("hearth.sandbox")


class SandboxRefused(Refusal):
    """The sandbox must not start like this; the text says why."""


@dataclass(frozen=True)
class Caps:
    """How much is kept at most. Where a cap is reached, the oldest gives way, but for subscribers."""

    messages_a_channel: int = 1000
    attachment_bytes: int = 256 * MIB
    interactions: int = 5000
    sessions: int = 16
    subscribers: int = 32


class Sandbox:
    """A Discord of one's own: `async with Sandbox() as sandbox: …`.

    Raises `SandboxRefused` where a real token is in the environment or `host` is not loopback; `OSError` where the
    port is taken. With `tls` it answers under Discord's own host names, for clients whose resolver leads them here.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        application_name: str = "Hearth",
        guild_locale: str = "en-US",
        ack_seconds: float = 3.0,
        token_seconds: float = 900.0,
        realistic_limits: bool = False,
        attachment_limit: int = 10 * MIB,
        heartbeat_seconds: float = 41.25,
        link_seconds: float = 86_400.0,
        allowed_intents: int = PRIVILEGED,
        bot_permissions: int = BOT_PERMISSIONS,
        caps: Caps | None = None,
        recorder: Recorder | None = None,
        tls: ssl.SSLContext | None = None,
        page_folder: Path | None = None,
    ) -> None:
        for name in REAL_TOKENS:
            if os.environ.get(name):
                raise SandboxRefused(
                    "The sandbox does not start beside a real token. Unset {name} first.", name=name
                )
        if not _is_loopback(host):
            raise SandboxRefused(
                "The sandbox listens on the loopback address only, not on {host}.", host=host
            )
        # By name it could be two addresses, each with a port of its own.
        self.host = "127.0.0.1" if host == "localhost" else host
        self._port, self._tls = port, tls
        caps = caps or Caps()
        snowflakes = Snowflakes()
        application_id = snowflakes.next()
        first = base64.b64encode(application_id.encode()).decode().rstrip("=")
        self.bot_token = f"{first}.{secrets.token_urlsafe(4)}.{secrets.token_urlsafe(27)}"
        """What the bot logs in with; new each time."""
        self.token = secrets.token_urlsafe(24)
        """What the page's API is called with; new each time."""
        self.world = World(application_id, application_name, guild_locale, bot_permissions)
        self._attachments = Attachments(snowflakes, caps.attachment_bytes, link_seconds)
        self._messages = Messages(self.world, snowflakes, self._attachments, caps.messages_a_channel)
        self.feed = Feed(self._messages, self.token, caps.subscribers)
        self.commands = Commands(
            self.world, snowflakes, lambda: self.feed.publish("commands", {"commands": self.commands.all()})
        )
        self.gateway = Gateway(
            self.world,
            self._messages,
            self.bot_token,
            allowed_intents=allowed_intents,
            attachment_limit=attachment_limit,
            heartbeat_seconds=heartbeat_seconds,
            session_cap=caps.sessions,
        )
        self._interactions = Interactions(
            self.world,
            self._messages,
            snowflakes,
            ack_seconds=ack_seconds,
            token_seconds=token_seconds,
            cap=caps.interactions,
        )
        self._messages.audiences += [self.gateway, self.feed]
        self._interactions.wires += [self.gateway, self.feed]
        self.gateway.on_status = self.feed.status

        rest = Rest(self.bot_token, RateLimits(realistic_limits), attachment_limit, recorder)
        self._application = ApplicationRoutes(
            rest, self.world, self.commands, self._messages, snowflakes, allowed_intents=allowed_intents
        )
        content = bool(allowed_intents & Intent.MESSAGE_CONTENT)
        endpoints = [
            *self._application.endpoints(),
            *ChannelRoutes(rest, self.world, self._messages, content=content).endpoints(),
            *WebhookRoutes(rest, self._interactions, self._messages).endpoints(),
        ]
        page = PageApi(
            self.world,
            self._messages,
            self._attachments,
            self.commands,
            self._interactions,
            self.feed,
            snowflakes,
            token=self.token,
            attachment_limit=attachment_limit,
            ack_seconds=ack_seconds,
        )
        self._files = PageFiles(page_folder or Path(__file__).parent / "page")
        self._app = web.Application(client_max_size=MAX_BODY, middlewares=[self._guard])
        self._app.on_response_prepare.append(_announce)
        self._app.add_routes(
            [
                *rest.routes(endpoints),
                *page.routes(),
                *self._files.routes(),
                *Cdn(self._attachments).routes(),
                web.get("/gateway", self.gateway.serve),
                web.get("/", self._root),
                web.route("*", "/{anything:.*}", unknown_route),
            ]
        )
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        self._runner = web.AppRunner(self._app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
        await self._runner.setup()
        try:
            site = web.TCPSite(self._runner, self.host, self._port, ssl_context=self._tls)
            await site.start()
        except OSError:
            await self._runner.cleanup()
            raise
        self._port = self._runner.addresses[0][1]
        self._attachments.cdn_base = "https://cdn.discordapp.com" if self._tls else self._origin
        self._application.gateway_url = self.gateway.url = self.gateway_url
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None, "entered before"
        self._interactions.close()
        self.gateway.drop(1001)
        await self.feed.close()
        await self._runner.cleanup()

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return self._port

    @property
    def api_base(self) -> str:
        """The address of the HTTP API, for `pointed_at`."""
        return f"https://discord.com{API}" if self._tls else f"{self._origin}{API}"

    @property
    def gateway_url(self) -> str:
        """The address of the gateway, for `pointed_at`."""
        if self._tls:
            return "wss://gateway.discord.gg/"
        return f"ws://{self._name}:{self._port}/gateway"

    @property
    def page_url(self) -> str:
        """The address to open in a browser; it holds the token."""
        return f"{self._origin}/#token={self.token}"

    @property
    def page_base(self) -> str:
        """The address that the page's API is under."""
        return self._origin

    async def wait_for_bot(self) -> None:
        """Wait until a bot is connected and identified."""
        await self.gateway.online.wait()

    def drop_gateway(self) -> None:
        """Close the bots' gateway connections with 4000; they can resume."""
        self.gateway.drop()

    def ask_to_reconnect(self) -> None:
        """Ask the bots to connect again (op 7)."""
        self.gateway.reconnect()

    def invalidate_session(self, *, resumable: bool = False) -> None:
        """Tell the bots that their sessions are invalid (op 9)."""
        self.gateway.invalidate(resumable=resumable)

    @property
    def _name(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def _origin(self) -> str:
        return f"{'https' if self._tls else 'http'}://{self._name}:{self._port}"

    async def _root(self, request: web.Request) -> web.StreamResponse:
        # Discord's gateway is at the root of its host.
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self.gateway.serve(request)
        # Links to files are under one name; the page must be too, or its policy would not show them.
        if not self._tls and request.host != urlsplit(self._origin).netloc:
            raise web.HTTPFound(f"{self._origin}/")
        return await self._files.index(request)

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Refuse requests that a foreign site makes in a browser: by its name for us, or by its origin."""
        if not self._is_ours(f"//{request.host}"):
            return answer({"message": "This host name is not the sandbox's.", "field": None}, 403)
        origin = request.headers.get("Origin")
        if origin is not None and not self._is_ours(origin):
            return answer({"message": "Another site may not use the sandbox.", "field": None}, 403)
        try:
            return await handler(request)
        except web.HTTPRedirection:
            raise
        except web.HTTPException as error:
            return answer({"message": f"{error.status}: {error.reason}", "code": 0}, error.status)
        except ConnectionResetError:
            raise
        except Exception:
            log.exception("the sandbox failed at %s %s", request.method, request.path)
            return answer({"message": "The sandbox has a fault; its log says more.", "field": None}, 501)

    def _is_ours(self, url: str) -> bool:
        try:
            parts = urlsplit(url)
            name, port = parts.hostname, parts.port
        except ValueError:
            return False
        if self._tls and name in DISCORD_NAMES:
            return True
        return name in ("localhost", self.host) and port == self._port


async def _announce(request: web.BaseRequest, response: web.StreamResponse) -> None:
    response.headers["X-Hearth-Sandbox"] = "1"
    response.headers["Server"] = "hearth-sandbox"
    response.headers["Referrer-Policy"] = "no-referrer"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


__all__ = ["Caps", "Exchange", "Sandbox", "SandboxRefused"]
