"""A sandbox, a plain bot on it, and two people, for the tests of the sandbox itself."""

from collections.abc import AsyncIterator

import pytest_asyncio

from bot.sandbox.server import Sandbox
from tests.bot.sandbox.plain_bot import PlainBot, connected
from tests.kit.person import Person


@pytest_asyncio.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A sandbox with nobody on it."""
    async with Sandbox() as started:
        yield started


@pytest_asyncio.fixture
async def bot(sandbox: Sandbox) -> AsyncIterator[PlainBot]:
    """A plain bot, ready."""
    async with connected(sandbox, PlainBot()) as ready:
        yield ready


@pytest_asyncio.fixture
async def person(sandbox: Sandbox, bot: PlainBot) -> AsyncIterator[Person]:
    """An ordinary member."""
    async with Person.of(sandbox, "member-1") as member:
        yield member


@pytest_asyncio.fixture
async def other(sandbox: Sandbox, bot: PlainBot) -> AsyncIterator[Person]:
    """Another ordinary member."""
    async with Person.of(sandbox, "member-2") as member:
        yield member


@pytest_asyncio.fixture
async def admin(sandbox: Sandbox, bot: PlainBot) -> AsyncIterator[Person]:
    """The owner of the guild."""
    async with Person.of(sandbox, "admin") as owner:
        yield owner
