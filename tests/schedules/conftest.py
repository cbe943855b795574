"""A bot whose clock the test turns, on a database of its own."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from shared.database import Database
from shared.migrate import migrate
from tests.kit.turned import Turned


@pytest.fixture(scope="session")
def empty_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database without rows, made once: making one takes longer than most tests."""
    path = tmp_path_factory.mktemp("empty") / "hearth.db"

    async def make() -> None:
        database = Database(f"sqlite+aiosqlite:///{path}")
        await migrate(database)
        await database.close()

    asyncio.run(make())
    return path


@pytest_asyncio.fixture
async def bot(empty_tables: Path, tmp_path: Path) -> AsyncIterator[Turned]:
    """Return a bot on a database of its own."""
    database = Database(f"sqlite+aiosqlite:///{shutil.copy(empty_tables, tmp_path / 'hearth.db')}")
    yield Turned(database)
    await database.close()
