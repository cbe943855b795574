"""Fixtures that come with Hearth, in its own tests and in those of plugin authors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from shared.settings import Settings

if TYPE_CHECKING:
    from tests.kit.caller import Caller


@pytest.fixture
def hearth_settings(tmp_path: Path) -> Settings:
    """Settings with a data folder of the test's own, and no HTTP port."""
    return Settings(_env_file=None, data_dir=tmp_path / "data", http_port=None)  # type: ignore[call-arg]


@pytest_asyncio.fixture
async def caller(hearth_settings: Settings) -> AsyncIterator[Caller]:
    """Call commands of every installed plugin; see `tests.kit.caller.Caller`."""
    # Imported late: pytest loads this module in every run where Hearth is installed.
    from bot.assembly import assembled
    from tests.kit.caller import Caller

    async with assembled(hearth_settings, warm=False) as core:
        yield Caller(core)
