"""Checks of what must stay secret: the bot's token, the key of what is encrypted, and who may read their files."""

import asyncio
import re
import stat
from pathlib import Path
from typing import Final

import discord

from bot.doctor.database import has_started
from bot.doctor.finding import Finding
from shared.settings import Settings
from shared.vault import FILE, Vault

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{18,}\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{20,}")
DOTENV: Final = Path(".env")
MOUNTED: Final = Path("/run/secrets")
"""Where containers have their secrets; whoever is in there is the bot."""


async def secret_key(settings: Settings) -> list[Finding]:
    """Look whether the key is there and whole, and whether its owner alone can read it."""
    path = settings.data_dir / FILE
    if settings.secret_key is None and not path.exists():
        if await has_started(settings):
            remedy = "Put it back, or set HEARTH_SECRET_KEY: what was sealed by it is lost without it."
            return [Finding("secret key", "warning", f"{path} is gone; the next start makes another", remedy)]
        return [Finding("secret key", "ok", "none yet; the first start makes it")]
    try:
        await asyncio.to_thread(Vault.of, settings)
    except (OSError, ValueError) as error:
        seen = error.strerror if isinstance(error, OSError) else str(error)
        return [Finding("secret key", "problem", str(seen), "Restore it from where you keep it.")]
    if settings.secret_key is not None:
        return [Finding("secret key", "ok", "set by HEARTH_SECRET_KEY")]
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return [Finding("secret key", "problem", f"others may read {path}", f"chmod 600 {path}")]
    return [Finding("secret key", "ok", f"{path}, for its owner alone")]


async def files_of_secrets(settings: Settings) -> list[Finding]:
    """Name the files with a token in them that others may read or change."""
    findings = []
    named = [path for path in (settings.token_file, DOTENV) if path is not None and path.is_file()]
    for path in named:
        mode = path.stat().st_mode
        if MOUNTED in path.absolute().parents or not mode & (stat.S_IRWXO | stat.S_IWGRP):
            continue
        seen = f"others on this machine may read or change {path}"
        findings.append(Finding("secret files", "warning", seen, f"chmod 600 {path}"))
    return findings or [Finding("secret files", "ok", f"{len(named)} seen")]


async def token(settings: Settings, online: bool) -> list[Finding]:
    """Look whether the token is there and of its form; `online` asks Discord about it and the intents."""
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
