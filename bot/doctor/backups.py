"""Checks of the backups that the bot makes by itself: whether there are any, how old, and whether the last is whole."""

import asyncio
import shutil
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Final

from bot.doctor.finding import Finding
from bot.surroundings import newest_backup
from shared.schedule import Schedule
from shared.settings import Settings

PATIENCE: Final = timedelta(hours=6)
"""How long one may take; the job has as much."""


async def backups(settings: Settings) -> list[Finding]:
    """Look at the folder of backups, and at the newest one in it."""
    if settings.backup_folder is None:
        remedy = (
            "Set HEARTH_BACKUP_FOLDER, better on another disk; or let `hearth backup` run by other means."
        )
        return [Finding("backups", "warning", "none are made by themselves", remedy)]
    return [await asyncio.to_thread(_look, settings)]


def _look(settings: Settings) -> Finding:
    folder = settings.backup_folder
    assert folder is not None, "the caller has seen to it"
    if (found := newest_backup(folder)) is None:
        remedy = f"Look at `hearth jobs list`; or make one now: hearth backup {folder / 'first.zip'}"
        return Finding("backups", "warning", f"none in {folder} yet", remedy)
    path, at = found
    size, now = path.stat().st_size, datetime.now(UTC)
    seen = f"{path.name} in {folder}, {size / 2**20:.1f} MiB, {(now - at) / timedelta(hours=1):.1f} h old"
    if not zipfile.is_zipfile(path):
        return Finding("backups", "problem", f"{seen}, is no whole file", f"hearth restore {path} --check")
    following = Schedule(cron=settings.backup_cron).next(at, at)
    if following is not None and following + PATIENCE < now:
        remedy = "The history of the job core/backup says why: hearth jobs list, hearth jobs history NUMBER"
        return Finding("backups", "warning", f"{seen}, and the next is overdue", remedy)
    if (free := shutil.disk_usage(folder).free) < 2 * size:
        return Finding(
            "backups", "warning", f"{seen}, {free / 2**20:.0f} MiB free", "Make room for the next."
        )
    if folder.stat().st_dev == settings.data_dir.stat().st_dev:
        seen += "; on the same disk as the data"
    return Finding("backups", "ok", seen)
