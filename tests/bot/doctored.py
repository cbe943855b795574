"""A doctor for tests: examines a bot whose data folder is the test's, in this process or through the command line."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.doctor import CHECKS, Finding, examine
from shared.database import Database
from shared.settings import Settings

REPOSITORY = Path(__file__).parents[2]
TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4." + "GaBcDe." + "x" * 38
NAMES = ("HEARTH_", "DISCORD_", "OTEL_")


@dataclass(frozen=True)
class Report:
    """What the doctor found, by the name of the check."""

    findings: list[Finding]

    def __getitem__(self, name: str) -> Finding:
        return next(f for f in self.findings if f.name == name)

    @property
    def problems(self) -> list[str]:
        """The checks with a problem."""
        return [f.name for f in self.findings if f.level == "problem"]


def forget_settings(patch: pytest.MonkeyPatch) -> None:
    """Take what this machine sets out of the environment."""
    for name in [name for name in os.environ if name.startswith(NAMES)]:
        patch.delenv(name)


async def report(folder: Path, *, torch: bool = False, **values: Any) -> Report:
    """Examine a bot whose data folder is `folder`; torch, which takes seconds to import, where it is asked for."""
    settings = Settings(_env_file=None, **{"data_dir": folder / "data", "http_port": 0, **values})
    return Report(await examine(settings, only=[c for c in CHECKS if torch or c != "torch"]))


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Database]:
    """Open the database of the bot whose data folder is `folder`."""
    database = Database(f"sqlite+aiosqlite:///{folder}/data/hearth.db")
    try:
        yield database
    finally:
        await database.close()


def doctor(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command as an operator does, in a folder of its own."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(NAMES)}
    return subprocess.run(
        [sys.executable, "-m", "bot.cli", "doctor", *arguments],
        cwd=folder,
        env={**inherited, "PYTHONPATH": str(REPOSITORY), "HEARTH_HTTP_PORT": "0", **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
