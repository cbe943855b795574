"""Measures what the bot stands on: room for its data, the age of its newest backup, the gateway, plugins set aside."""

import asyncio
import math
import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

import discord

from bot.core import Core
from bot.metrics import Metrics
from schedules.backup import NAME
from shared.settings import Settings

EVERY: Final = 15.0


@dataclass(frozen=True)
class Room:
    """What the data folder's disk holds, in bytes, and the age of the newest backup, in seconds.

    What is not known is NaN, as is the age where no folder for backups is set; without any backup it is infinite.
    """

    free: float = math.nan
    size: float = math.nan
    backup_age: float = math.nan

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Look; reads the disk."""
        free = size = age = math.nan
        with suppress(OSError):
            usage = shutil.disk_usage(settings.data_dir)
            free, size = usage.free, usage.total
        if settings.backup_folder is not None:
            found = newest_backup(settings.backup_folder)
            age = math.inf if found is None else (datetime.now(UTC) - found[1]).total_seconds()
        return cls(free, size, age)


def newest_backup(folder: Path) -> tuple[Path, datetime] | None:
    """Return the newest backup that the bot has made there by itself, and when that was begun."""
    found: list[tuple[datetime, Path]] = []
    with suppress(OSError):
        for path in folder.iterdir():
            if (match := NAME.fullmatch(path.name)) is not None:
                with suppress(ValueError):
                    found.append((datetime.strptime(match[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC), path))
    if not found:
        return None
    at, path = max(found)
    return path, at


async def watch_surroundings(core: Core, client: discord.Client, metrics: Metrics) -> None:
    """Measure for ever."""
    while True:
        room = await asyncio.to_thread(Room.of, core.settings)
        metrics.surroundings(
            free=room.free,
            size=room.size,
            backup_age=room.backup_age,
            quarantined=len(core.plugins.quarantined),
            latency=client.latency,
        )
        await asyncio.sleep(EVERY)
