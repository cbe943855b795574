"""Every route of every server that Hearth has is on loopback, and asks for its token; a new one must, too."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from bot.health import Health
from bot.metrics import Metrics
from bot.sandbox.server import Sandbox
from shared.settings import Settings

REPOSITORY = Path(__file__).parents[1]
# What anybody on this machine may have: the page itself, which holds nothing, and what Discord gives everybody, too.
OPEN = {"GET /", "GET /page/static/{name}", "GET /api/v10/gateway", "* /{anything}"}
# A WebSocket, which says its token in its first message, and is closed with 4004 or 4003 without.
SOCKETS = {"GET /gateway", "GET /page/events"}
# Its signature is all the authority that is needed; without one it is not there.
SIGNED = {"GET /attachments/{channel}/{id}/{name}"}
LISTENS = {
    "TCPSite",
    "SockSite",
    "start_server",
    "create_server",
    "bind",
    "HTTPServer",
    "ThreadingHTTPServer",
    "run_app",
}
TOKENS = {
    "none": {},
    "wrong ones": {"X-Sandbox-Token": "wrong", "Authorization": "Bot wrong"},
    "the other's": {"X-Sandbox-Token": "{bot}", "Authorization": "Bot {page}"},
}


def routes(sandbox: Sandbox) -> Iterator[tuple[str, str]]:
    """Yield the method and the path of every route there is; aiohttp's own HEAD beside GET is left out."""
    # The application is the sandbox's own; no test but this one looks into it.
    for route in sandbox._app.router.routes():
        assert route.resource is not None
        if route.method != "HEAD":
            yield route.method, route.resource.canonical


async def statuses(sandbox: Sandbox, headers: dict[str, str]) -> dict[str, int]:
    """Return how each route answers that is to ask for a token."""
    answered = {}
    async with aiohttp.ClientSession(sandbox.page_base, headers=headers) as http:
        for method, path in set(routes(sandbox)):
            if (name := f"{method} {path}") not in OPEN | SOCKETS:
                async with http.request(method, re.sub(r"\{[^}]+\}", "1", path), json={}) as response:
                    answered[name] = response.status
    return answered


def unguarded(answered: dict[str, int]) -> set[str]:
    """Name the routes that do not refuse; an interaction's token is in the path, and there is none such."""
    return {
        name
        for name, status in answered.items()
        if status not in ((404,) if "{token}" in name or name in SIGNED else (401, 403))
    }


@pytest.mark.parametrize("given", TOKENS)
async def test_no_route_of_the_sandbox_answers_without_its_token(given: str) -> None:
    async with Sandbox() as sandbox:
        headers = {
            name: value.format(bot=sandbox.bot_token, page=sandbox.token)
            for name, value in TOKENS[given].items()
        }
        answered = await statuses(sandbox, headers)
        assert {f"{method} {path}" for method, path in routes(sandbox)} == {*answered, *OPEN, *SOCKETS}
        assert set(answered) >= SIGNED
        assert len(answered) > 25
        assert not unguarded(answered)


async def test_a_route_that_forgets_to_ask_is_found() -> None:
    async def careless(_request: web.Request) -> web.Response:
        return web.json_response({"everything": True})

    sandbox = Sandbox()
    # In front of the route that answers for all that is not there.
    sandbox._app.router._resources.insert(0, web.PlainResource("/page/careless"))
    sandbox._app.router._resources[0].add_route("GET", careless)
    sandbox._app.router.index_resource(sandbox._app.router._resources[0])
    async with sandbox:
        assert unguarded(await statuses(sandbox, {})) == {"GET /page/careless"}


async def test_no_socket_of_the_sandbox_tells_anything_without_its_token() -> None:
    async with Sandbox() as sandbox, aiohttp.ClientSession(sandbox.page_base) as http:
        async with http.ws_connect("/page/events") as socket:
            await socket.send_json({"token": sandbox.bot_token})
            assert (await socket.receive(timeout=5)).data == 4004
        async with http.ws_connect("/gateway") as socket:
            assert (await socket.receive_json(timeout=5))["op"] == 10
            await socket.send_json({"op": 2, "d": {"token": sandbox.token, "intents": 0, "properties": {}}})
            assert (await socket.receive(timeout=5)).data == 4004


async def test_health_and_metrics_are_on_loopback_and_nothing_else_is_served() -> None:
    settings = Settings(_env_file=None)  # type: ignore[call-arg]
    assert settings.http_host == "127.0.0.1"
    health = Health(settings.http_host, 0, {}, Metrics())
    served = {
        (route.method, route.resource.canonical)
        for route in health._runner.app.router.routes()
        if route.resource is not None
    }
    wanted = ("/health/live", "/health/ready", "/metrics")
    assert served == {(method, path) for method in ("GET", "HEAD") for path in wanted}
    async with health, aiohttp.ClientSession(f"http://127.0.0.1:{health.port}") as http:
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            async with http.request(method, "/metrics") as response:
                assert response.status == 405


def test_no_other_code_listens() -> None:
    listens = {
        path.relative_to(REPOSITORY).as_posix()
        for folder in ("bot", "plugins", "shared", "schedules")
        for path in (REPOSITORY / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and (getattr(node.func, "attr", None) or getattr(node.func, "id", None)) in LISTENS
    }
    known = {
        "bot/health.py",
        "bot/sandbox/server.py",
        # Tries whether the port of health is free.
        "bot/doctor/network.py",
        # Stand-ins for the exchange and for the places, which somebody starts by hand.
        "plugins/stock/exchange_server.py",
        "plugins/reviews/places_server.py",
    }
    assert listens == known
    for name in known - {"bot/doctor/network.py"}:
        assert "0.0.0.0" not in (REPOSITORY / name).read_text(encoding="utf-8")
