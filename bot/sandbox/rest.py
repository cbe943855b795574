"""What all routes of the HTTP API share: the bot's token, rate limits, Discord's errors, and the record of traffic."""

import hmac
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from bot.sandbox.errors import ApiError, invalid, unauthorized
from bot.sandbox.ratelimit import RateLimits
from bot.sandbox.wire import Body, answer, read_body

API: Final = "/api/v10"
_BODY: Final = web.RequestKey("body", Any)
_MAJOR: Final = ("channel_id", "guild_id", "token")
log = logging.getLogger("hearth.sandbox")


@dataclass(frozen=True)
class Exchange:
    """One request and its answer, for whoever checks the traffic. `sent` and `answered` are JSON values or None."""

    method: str
    route: str
    """The path with its parameters' names, such as `/channels/{channel_id}/messages`."""
    status: int
    sent: Any
    answered: Any


Recorder = Callable[[Exchange], None]


@dataclass(frozen=True)
class Answer:
    """A JSON answer with a status of its own."""

    value: Any
    status: int = 200


Handler = Callable[[web.Request], Awaitable[Any]]


@dataclass(frozen=True)
class Endpoint:
    """A route: its handler returns a JSON value, an `Answer`, or None for "no content"."""

    method: str
    path: str
    handler: Handler
    by_token: bool = False
    """Whether the path holds an interaction's token, which then is all the authority needed."""


class Rest:
    """Serves endpoints as Discord does."""

    def __init__(
        self, bot_token: str, limits: RateLimits, file_limit: int, recorder: Recorder | None = None
    ) -> None:
        self._authority = f"Bot {bot_token}".encode()
        self._limits, self._file_limit, self._recorder = limits, file_limit, recorder

    async def read(self, request: web.Request) -> Body:
        """Read a request's body, within the limits."""
        body = await read_body(request, self._file_limit)
        request[_BODY] = body.json
        return body

    def routes(self, endpoints: list[Endpoint]) -> list[web.RouteDef]:
        """Return the routes of these endpoints."""
        return [web.route(e.method, API + e.path, self._served(e)) for e in endpoints]

    def _served(self, endpoint: Endpoint) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        key = f"{endpoint.method} {endpoint.path}"

        async def serve(request: web.Request) -> web.StreamResponse:
            where = request.match_info
            resource = next((where[name] for name in _MAJOR if name in where), "")
            verdict = self._limits.take(key, resource, counts_globally=not endpoint.by_token)
            if verdict.retry_after is not None:
                response = _limited(verdict.retry_after, verdict.is_global)
            else:
                response = await self._answered(endpoint, request)
            response.headers.update(verdict.headers)
            return response

        return serve

    async def _answered(self, endpoint: Endpoint, request: web.Request) -> web.Response:
        try:
            result, status = await self._result(endpoint, request)
            response = answer(result, status)
            if self._recorder is not None:
                exchange = Exchange(
                    endpoint.method, endpoint.path, response.status, request.get(_BODY), result
                )
                self._recorder(exchange)
        except (web.HTTPException, ConnectionResetError):
            raise
        # discord.py retries 500 for 25 s, and any 5xx on the interactions' routes: a fault would look like a hang.
        except Exception:
            log.exception("the sandbox failed at %s %s", request.method, endpoint.path)
            message = "The sandbox has a fault; its log says more."
            return answer({"message": message, "code": 0}, 400 if endpoint.by_token else 501)
        return response

    async def _result(self, endpoint: Endpoint, request: web.Request) -> tuple[Any, int]:
        try:
            if not endpoint.by_token:
                given = request.headers.get("Authorization", "").encode()
                if not hmac.compare_digest(given, self._authority):
                    raise unauthorized()
            result = await endpoint.handler(request)
        except ApiError as error:
            return error.body(), error.status
        if isinstance(result, Answer):
            return result.value, result.status
        return result, 200


def _limited(retry_after: float, is_global: bool) -> web.Response:
    body = {
        "message": "You are being rate limited.",
        "retry_after": round(retry_after, 3),
        "global": is_global,
    }
    response = answer(body, 429)
    # Clients take a 429 without Via for a ban by the proxy, and give up.
    response.headers["Via"] = "1.1 sandbox"
    response.headers["Retry-After"] = str(max(1, round(retry_after)))
    return response


async def unknown_route(request: web.Request) -> web.Response:
    """Answer a route that the sandbox does not have, and say so in the log."""
    log.warning("the sandbox has no %s %s", request.method, request.path)
    return answer({"message": "404: Not Found", "code": 0}, 404)


def flag(request: web.Request, name: str) -> bool:
    """Tell whether a query parameter is set to true."""
    return request.query.get(name, "").lower() in ("1", "true")


def whole(request: web.Request, name: str, default: int, low: int, high: int) -> int:
    """Return a whole number of the query. Raises Discord's 50035 where it is out of bounds."""
    raw = request.query.get(name)
    if raw is None:
        return default
    if not raw.isdigit() or not low <= int(raw) <= high:
        raise invalid(name, "NUMBER_TYPE_MAX", f"int value should be between {low} and {high}.")
    return int(raw)
