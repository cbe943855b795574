"""Checks everything that the bot needs, and says what to do about what is missing; `hearth doctor`."""

import asyncio
import os
import re
import shutil
import socket
import sys
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import discord
import psutil
from alembic.script import ScriptDirectory
from sqlalchemy import text

from bot.assembly import models_of
from shared.database import Database
from shared.errors import HearthError
from shared.migrate import CORE_MIGRATIONS, current_revision, newest_revision
from shared.model import AnyModel
from shared.plugins import Plugins
from shared.settings import Settings
from shared.store import Store
from shared.weights import resolve

OLDEST_PYTHON: Final = (3, 11)
LEAST_DISK: Final = 2 * 2**30
LEAST_MEMORY: Final = 2**30
TORCH_SECONDS: Final = 120
DATABASE_SECONDS: Final = 10
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{18,}\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{20,}")
_TORCH: Final = (
    "import torch; gpu = torch.cuda.is_available(); "
    "print(torch.__version__, torch.cuda.get_device_name(0) if gpu else 'CPU')"
)
Level = Literal["ok", "warning", "problem"]


@dataclass(frozen=True)
class Finding:
    """What one check saw, and what to do where it is not well."""

    name: str
    level: Level
    seen: str
    remedy: str = ""


CHECKS: Final = ("python", "torch", "data folder", "memory", "database", "plugins", "http port", "token")


async def examine(
    settings: Settings, *, online: bool = False, only: Collection[str] = CHECKS
) -> list[Finding]:
    """Run the checks `only`; one that itself fails is a problem, and stops none of the others."""
    checks: dict[str, Callable[[], Awaitable[list[Finding]]]] = {
        "python": lambda: _python(),
        "torch": lambda: _torch(settings),
        "data folder": lambda: _data(settings),
        "memory": lambda: _memory(),
        "database": lambda: _database(settings),
        "plugins": lambda: _plugins(settings),
        "http port": lambda: _port(settings),
        "token": lambda: _token(settings, online),
    }
    findings = []
    for name, check in checks.items():
        if name not in only:
            continue
        try:
            findings += await check()
        # Whatever breaks in a check is what the operator must see.
        except Exception as error:
            findings.append(Finding(name, "problem", f"{type(error).__name__}: {error}", "See the message."))
    return findings


async def _python() -> list[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    # A package of ours refuses older ones; a checkout on the path does not.
    if tuple(sys.version_info[:2]) < OLDEST_PYTHON:
        return [Finding("python", "problem", version, "Install Python 3.11 or newer.")]
    return [Finding("python", "ok", version)]


async def _torch(settings: Settings) -> list[Finding]:
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


async def _data(settings: Settings) -> list[Finding]:
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
    if free < LEAST_DISK:
        return [Finding("data folder", "warning", seen, "Free some disk space.")]
    return [Finding("data folder", "ok", seen)]


async def _memory() -> list[Finding]:
    free = psutil.virtual_memory().available
    seen = f"{free / 2**30:.1f} GiB available"
    if free < LEAST_MEMORY:
        return [Finding("memory", "warning", seen, "Free memory, or set HEARTH_MEMORY_BUDGET_MIB.")]
    return [Finding("memory", "ok", seen)]


async def _database(settings: Settings) -> list[Finding]:
    database = Database(settings.database)
    where = database.url.render_as_string(hide_password=True)
    remedy = "Check HEARTH_DATABASE_URL and that it is running."
    try:
        async with asyncio.timeout(DATABASE_SECONDS), database.begin() as connection:
            at = await connection.run_sync(current_revision)
            # A start may have to make tables, so that is what is tried.
            trial = f"hearth_doctor_{os.getpid()}"
            await connection.execute(text(f"CREATE TABLE {trial} (id INTEGER)"))
            await connection.execute(text(f"DROP TABLE {trial}"))
    except TimeoutError:
        return [Finding("database", "problem", f"{where}: no answer in {DATABASE_SECONDS} s", remedy)]
    # Every driver has its own errors for "not there" and "not allowed".
    except Exception as error:
        line = str(error).splitlines()[0][:200]
        return [Finding("database", "problem", f"{where}: {line}", remedy)]
    finally:
        await database.close()
    return [schema(where, at, CORE_MIGRATIONS)]


def schema(where: str, at: str | None, folder: Path) -> Finding:
    """Compare the revision that a database is at with those that `folder` knows."""
    newest = newest_revision(folder)
    if at is None:
        return Finding("database", "ok", f"{where}, empty; the first start makes its tables")
    if at == newest:
        return Finding("database", "ok", f"{where}, revision {at}")
    scripts = ScriptDirectory(str(folder), version_locations=[str(folder / "versions")])
    if at in {script.revision for script in scripts.walk_revisions()}:
        seen = f"{where} is at revision {at}; the next start brings it to {newest}"
        return Finding("database", "warning", seen, "Make a backup, then start the bot.")
    seen = f"{where} is at revision {at}, which this version does not know"
    return Finding("database", "problem", seen, "Install the newer Hearth that made it, or restore a backup.")


async def _plugins(settings: Settings) -> list[Finding]:
    plugins = Plugins.discover(settings.plugin_folders, settings.disabled_plugins)
    findings = [Finding("plugin " + p.name, "ok", p.origin) for p in plugins]
    for each in plugins.quarantined.values():
        remedy = "Mend it, or add it to HEARTH_DISABLED_PLUGINS."
        findings.append(Finding("plugin " + each.name, "problem", f"set aside: {each.reason}", remedy))
    models = models_of(plugins)
    for model in models.values():
        findings.append(await asyncio.to_thread(_model, model, settings))
    for name in settings.hub.keys() - models.keys():
        findings.append(
            Finding("model " + name, "warning", "HEARTH_HUB names it, no plugin has it", "Mend HEARTH_HUB.")
        )
    return findings


def _model(model: AnyModel, settings: Settings) -> Finding:
    name, hub, store = "model " + model.name, settings.hub.get(model.name), Store(settings.models_dir)
    try:
        trail = store.pointer(model.name).trail
        weights = resolve(model, store, hub)
    except HearthError as error:
        remedy = f"Restore it from a backup, or train it: hearth models train {model.name} --data FILE"
        return Finding(name, "problem", str(error), remedy)
    seen = "has no weights" if weights.origin == "none" else f"{weights.version} ({weights.origin})"
    if trail and weights.version != trail[-1]:
        remedy = (
            f"Look at it: hearth models list. Then: hearth models rollback {model.name}, or train it anew."
        )
        return Finding(name, "warning", f"{seen}, since the champion {trail[-1]} is damaged", remedy)
    if hub is not None and weights.origin in ("default", "none"):
        remedy = "Check the network and HEARTH_HUB; the log says what was wrong."
        return Finding(name, "warning", f"{seen}, since {hub} cannot be had", remedy)
    return Finding(name, "ok", seen)


async def _port(settings: Settings) -> list[Finding]:
    host, port = settings.http_host, settings.http_port
    if port is None:
        return [Finding("http port", "warning", "health and metrics are off", "Set HEARTH_HTTP_PORT.")]
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        seen = f"{host}:{port}: {error.strerror}"
        return [
            Finding("http port", "warning", seen, "Set HEARTH_HTTP_PORT, unless the bot is what runs there.")
        ]
    return [Finding("http port", "ok", f"{host}:{port} is free")]


async def _token(settings: Settings, online: bool) -> list[Finding]:
    try:
        token = settings.read_token()
    except OSError as error:
        return [
            Finding(
                "token", "problem", f"{settings.token_file}: {error.strerror}", "Check HEARTH_TOKEN_FILE."
            )
        ]
    if token is None:
        remedy = "Set HEARTH_TOKEN (see the README, On Discord). `hearth sandbox` needs none."
        return [Finding("token", "warning", "none is set", remedy)]
    if not _TOKEN.fullmatch(token):
        return [
            Finding("token", "problem", "does not look like a bot token", "Copy it again from the page Bot.")
        ]
    if not online:
        return [Finding("token", "ok", "is set; --online asks Discord about it")]
    return await _ask_discord(settings, token)


async def _ask_discord(settings: Settings, token: str) -> list[Finding]:
    client = discord.Client(intents=discord.Intents.none())
    try:
        async with client, asyncio.timeout(20):
            await client.login(token)
            flags = (await client.application_info()).flags
    except discord.LoginFailure:
        return [Finding("token", "problem", "Discord refuses it", "Copy it again from the page Bot.")]
    except (TimeoutError, discord.HTTPException, OSError) as error:
        return [
            Finding(
                "token", "problem", f"Discord cannot be asked: {type(error).__name__}", "Check the network."
            )
        ]
    findings = [Finding("token", "ok", "Discord accepts it")]
    granted = flags.gateway_message_content or flags.gateway_message_content_limited
    if settings.message_content and not granted:
        remedy = "Switch on Message Content Intent on the page Bot, or unset HEARTH_MESSAGE_CONTENT."
        findings.append(
            Finding("intents", "problem", "message content is asked for, and not granted", remedy)
        )
    elif granted and not settings.message_content:
        findings.append(
            Finding("intents", "ok", "message content is granted; HEARTH_MESSAGE_CONTENT=true would use it")
        )
    else:
        findings.append(Finding("intents", "ok", "as set"))
    return findings
