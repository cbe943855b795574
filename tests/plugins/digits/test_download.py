"""MNIST's files come from a server once, and only those that they should be."""

import gzip
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import numpy as np
import pytest
import pytest_asyncio
from aiohttp import web

from plugins.digits.download import FILES, Remote, download
from shared.errors import BadInput

CONTENT = np.random.default_rng(3).integers(0, 256, 5000).astype(np.uint8).tobytes()
REMOTE = Remote("small-idx1-ubyte", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))


class Server:
    """Sends one body, and counts how often it was asked."""

    def __init__(self) -> None:
        self.body, self.status, self.asked, self.address = gzip.compress(CONTENT), 200, 0, ""

    async def answer(self, request: web.Request) -> web.Response:
        """Send the body as a file."""
        assert request.path == "/mnist/small-idx1-ubyte.gz"
        self.asked += 1
        return web.Response(body=self.body, status=self.status, content_type="application/x-gzip")


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Server]:
    serving = Server()
    application = web.Application()
    application.router.add_get("/{path:.*}", serving.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0]
    serving.address = f"http://{host}:{port}/mnist/"
    yield serving
    await runner.cleanup()


async def fetch(server: Server, folder: Path) -> bool:
    async with aiohttp.ClientSession() as session:
        return await download(session, folder, REMOTE, server.address)


async def test_a_file_is_fetched_once(server: Server, tmp_path: Path) -> None:
    assert await fetch(server, tmp_path / "mnist")
    assert gzip.decompress((tmp_path / "mnist" / "small-idx1-ubyte.gz").read_bytes()) == CONTENT
    assert not await fetch(server, tmp_path / "mnist")
    assert server.asked == 1


async def test_a_damaged_file_is_fetched_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / "small-idx1-ubyte.gz").write_bytes(b"half a file")
    assert await fetch(server, tmp_path)
    assert gzip.decompress((tmp_path / "small-idx1-ubyte.gz").read_bytes()) == CONTENT


@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(CONTENT[:-1] + b"x"),
        gzip.compress(CONTENT + b"x"),
        gzip.compress(CONTENT)[:-20],
        b"<html>Sign in</html>",
        gzip.compress(bytes(50_000_000)),
        bytes(1_000_000),
    ],
    ids=["another", "longer", "cut", "a page", "a bomb", "too much"],
)
async def test_anything_else_is_refused_and_not_kept(server: Server, tmp_path: Path, body: bytes) -> None:
    server.body = body
    with pytest.raises(BadInput):
        await fetch(server, tmp_path)
    assert list(tmp_path.iterdir()) == []


async def test_a_server_that_says_no_is_named(server: Server, tmp_path: Path) -> None:
    server.status = 403
    with pytest.raises(BadInput, match="403"):
        await fetch(server, tmp_path)


def test_the_four_files_are_those_of_mnist() -> None:
    assert [remote.size for remote in FILES] == [16 + 60_000 * 784, 8 + 60_000, 16 + 10_000 * 784, 8 + 10_000]
