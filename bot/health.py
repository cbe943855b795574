"""Health and metrics over HTTP, for whoever runs the bot; on loopback unless set otherwise."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Final, Self

import structlog
from aiohttp import web

from bot.metrics import Metrics
from shared.redaction import Redactor

CHECK_SECONDS: Final = 3.0
Check = Callable[[], Awaitable[str | None]]
log = structlog.get_logger("hearth.health")


class Health:
    """Serves `/health/live`, `/health/ready` and `/metrics` while it is entered.

    A check returns None when all is well, else one line that says what is missing. `port` 0 takes a free one.
    """

    def __init__(self, host: str, port: int, checks: Mapping[str, Check], metrics: Metrics) -> None:
        self._host, self._wanted, self._checks, self._metrics = host, port, checks, metrics
        app = web.Application()
        app.router.add_get("/health/live", self._live)
        app.router.add_get("/health/ready", self._ready)
        app.router.add_get("/metrics", self._serve_metrics)
        self._runner = web.AppRunner(app, access_log=None)
        self.port = port

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._wanted).start()
        self.port = self._runner.addresses[0][1]
        log.info("health and metrics", host=self._host, port=self.port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    async def _live(self, _request: web.Request) -> web.Response:
        # That this is answered is the whole proof: the event loop turns.
        return web.json_response({"live": True})

    async def _ready(self, _request: web.Request) -> web.Response:
        missing = await self._look()
        ready = not any(missing.values())
        body = json.dumps({"ready": ready, "checks": {name: what or "ok" for name, what in missing.items()}})
        return web.Response(text=body, status=200 if ready else 503, content_type="application/json")

    async def _look(self) -> dict[str, str | None]:
        found = await asyncio.gather(*(self._check(check) for check in self._checks.values()))
        missing = dict(zip(self._checks, found, strict=True))
        for name, what in missing.items():
            self._metrics.checked(name, what is None)
        return missing

    async def _check(self, check: Check) -> str | None:
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                return await check()
        except TimeoutError:
            return f"no answer within {CHECK_SECONDS:g} s"
        # A check that fails is itself the finding.
        except Exception as error:
            return Redactor.here().text(f"{type(error).__name__}: {error}")

    async def _serve_metrics(self, _request: web.Request) -> web.Response:
        await self._look()
        return web.Response(
            body=self._metrics.render(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        )
