"""Ways to reach a model from asyncio: ours, and two others. Each is entered while it is measured."""

import asyncio
import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import msgspec
import psutil

from benchmarks.callers import Ask
from bot.local_engine import LocalEngine
from shared.engine import Weights
from shared.model import AnyModel, Device
from shared.predictor import Predictor

TIMEOUT: Final = 60.0
START_SECONDS: Final = 60.0


@dataclass(frozen=True)
class Way:
    """One way to a model: how to ask, and where it is known, the seconds that its worker spent on batches so far."""

    name: str
    ask: Ask
    busy: Callable[[], Awaitable[float]] | None = None


def loaded(model: AnyModel) -> Any:
    """Return the model, loaded in this process with its default weights."""
    return model.load(model.default, Device())


@asynccontextmanager
async def hearth(model: AnyModel) -> AsyncIterator[Way]:
    """The batcher and the local engine, as the bot uses them."""
    folder = None if model.default is None else str(model.default)
    engine = LocalEngine([model], lambda _: Weights(folder, "default", "default"), warm=(model.name,))
    predictor = Predictor(engine, [model])
    await predictor.start()

    async def busy() -> float:
        (status,) = (await engine.status()).models
        return status.batches * status.mean_ms / 1000

    try:
        yield Way("Hearth", lambda request: predictor.predict(model, request, timeout=TIMEOUT), busy)
    finally:
        await predictor.close()


@asynccontextmanager
async def thread(model: AnyModel) -> AsyncIterator[Way]:
    """The naive way: each request by itself, in the event loop's threads."""
    held = loaded(model)

    async def ask(request: Any) -> Any:
        return (await asyncio.to_thread(held.predict, [request]))[0]

    yield Way("`asyncio.to_thread`", ask)


@asynccontextmanager
async def litserve(model: AnyModel) -> AsyncIterator[Way]:
    """LitServe in a process of its own, batching, over HTTP on loopback with connections kept alive."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    path = f"{model.__module__}:{model.__qualname__}"
    server = subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-m", "benchmarks.litserve_server", path, str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            await _answers(session, f"{address}/health", server)

            async def ask(request: Any) -> Any:
                body = msgspec.json.encode(request)
                headers = {"Content-Type": "application/json"}
                async with session.post(f"{address}/predict", data=body, headers=headers) as response:
                    response.raise_for_status()
                    return msgspec.json.decode(await response.read(), type=model.result)

            yield Way("LitServe", ask)
    finally:
        # LitServe leaves its workers behind when it ends.
        family = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
        for process in reversed(family):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        server.wait()


async def _answers(session: aiohttp.ClientSession, address: str, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        try:
            async with session.get(address) as response:
                if response.status == 200:
                    return
        except aiohttp.ClientError:
            pass
        await asyncio.sleep(0.2)
    raise RuntimeError("LitServe did not start")
