"""Fixtures that come with Hearth, in its own tests and in those of plugin authors; documented in docs/testing.md."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shared.settings import Settings

try:
    from pytest_asyncio import fixture as async_fixture
# Hearth may be installed where others run tests of their own without it; pytest then says what is missing, if asked.
except ImportError:
    async_fixture = pytest.fixture  # type: ignore[assignment]

if TYPE_CHECKING:
    from tests.kit.caller import Caller
    from tests.kit.house import House
    from tests.kit.person import Person


@pytest.fixture
def hearth_settings(tmp_path: Path) -> Settings:
    """Settings with a data folder of the test's own, and no HTTP port."""
    return Settings(_env_file=None, data_dir=tmp_path / "data", http_port=None)  # type: ignore[call-arg]


# What follows imports late: pytest loads this module in every run where Hearth is installed.


@async_fixture
async def caller(hearth_settings: Settings) -> AsyncIterator[Caller]:
    """Call commands of every installed plugin; see `tests.kit.caller.Caller`."""
    from bot.assembly import assembled
    from tests.kit.caller import Caller

    async with assembled(hearth_settings, warm=False) as core:
        yield Caller(core)


@async_fixture
async def house(hearth_settings: Settings) -> AsyncIterator[House]:
    """Run the whole bot on a sandbox; see `tests.kit.house.House`."""
    from tests.kit.house import house as running

    async with running(hearth_settings) as found:
        yield found


@async_fixture
async def person(house: House) -> Person:
    """Chat in that sandbox as one of its members; see `tests.kit.person.Person`."""
    return await house.person()
