"""Checks of the machine: Python, torch, the data folder's disk, memory, and the fonts of charts."""

import asyncio
import os
import shutil
import sys
from typing import Final

import psutil

from bot.doctor.finding import Finding
from shared.fonts import FACES, face
from shared.settings import Settings

OLDEST_PYTHON: Final = (3, 11)
LEAST_DISK: Final = 2 * 2**30
NO_DISK: Final = 200 * 2**20
LEAST_MEMORY: Final = 2**30
TORCH_SECONDS: Final = 120
_TORCH: Final = (
    "import torch; gpu = torch.cuda.is_available(); "
    "print(torch.__version__, torch.cuda.get_device_name(0) if gpu else 'CPU')"
)


async def python() -> list[Finding]:
    """Look whether this Python is new enough."""
    version = ".".join(map(str, sys.version_info[:3]))
    # A package of ours refuses older ones; a checkout on the path does not.
    if tuple(sys.version_info[:2]) < OLDEST_PYTHON:
        return [Finding("python", "problem", version, "Install Python 3.11 or newer.")]
    return [Finding("python", "ok", version)]


async def torch(settings: Settings) -> list[Finding]:
    """Import torch in a process of its own, and look for the device that is set."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _TORCH, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(TORCH_SECONDS):
            out, err = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return [Finding("torch", "problem", f"no answer within {TORCH_SECONDS} s", "Install it again.")]
    if process.returncode != 0:
        last = err.decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
        return [Finding("torch", "problem", last[0], "pip install torch==2.13.0")]
    seen = out.decode().strip()
    if settings.device.startswith("cuda") and seen.endswith(" CPU"):
        remedy = "Install a CUDA build of torch and NVIDIA's driver, or unset HEARTH_DEVICE."
        return [Finding("torch", "problem", f"{seen}, but HEARTH_DEVICE is {settings.device}", remedy)]
    return [Finding("torch", "ok", seen)]


async def data_folder(settings: Settings) -> list[Finding]:
    """Write to the data folder, and look how much room is left."""
    folder = settings.data_dir

    def probe() -> int:
        folder.mkdir(parents=True, exist_ok=True)
        trial = folder / f".doctor-{os.getpid()}"
        trial.write_bytes(b"x")
        trial.unlink()
        return shutil.disk_usage(folder).free

    try:
        free = await asyncio.to_thread(probe)
    except OSError as error:
        remedy = "Give the bot's user write access, or set HEARTH_DATA_DIR."
        return [Finding("data folder", "problem", f"{folder}: {error.strerror}", remedy)]
    seen = f"{folder}, {free / 2**30:.1f} GiB free"
    if free < NO_DISK:
        return [Finding("data folder", "problem", seen, "Free some disk space: the bot can hardly write.")]
    if free < LEAST_DISK:
        return [Finding("data folder", "warning", seen, "Free some disk space.")]
    return [Finding("data folder", "ok", seen)]


async def memory() -> list[Finding]:
    """Look how much memory is left."""
    free = psutil.virtual_memory().available
    seen = f"{free / 2**30:.1f} GiB available"
    if free < LEAST_MEMORY:
        return [Finding("memory", "warning", seen, "Free memory, or set HEARTH_MEMORY_BUDGET_MIB.")]
    return [Finding("memory", "ok", seen)]


async def fonts() -> list[Finding]:
    """Open every face that charts are drawn with."""
    missing = await asyncio.to_thread(_missing_faces)
    if missing:
        remedy = "pip install --force-reinstall manimgx-fonts manimgx-fonts-cjk"
        return [Finding("fonts", "problem", f"cannot be opened: {', '.join(missing)}", remedy)]
    return [Finding("fonts", "ok", f"{len(FACES)} faces")]


def _missing_faces() -> list[str]:
    missing = []
    for index, (_, name, _) in enumerate(FACES):
        try:
            face(index, 16, 400)
        # A package that is not there, or a file that is none.
        except (ImportError, OSError, ValueError):
            missing.append(name)
    return missing
