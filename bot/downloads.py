"""Reads the files of an interaction from Discord, with bounds on bytes and time; nothing in them is looked at here."""

import asyncio
from typing import Final

import aiohttp
import discord

from bot.parse import Given, Remote
from shared.errors import BadInput
from shared.inputs import Upload
from shared.parameters import Raw

DOWNLOAD_SECONDS: Final = 30


async def read(interaction: discord.Interaction, value: Given, limit: int) -> Raw:
    """Return a value, with files in the place of their addresses. Raises `BadInput`.

    `limit` is the bytes of one file. Of several files one that cannot be read does not take the others with it.
    """
    match value:
        case Remote():
            return await _download(interaction, value, limit)
        case tuple():
            return tuple([await _download_or_refuse(interaction, each, limit) for each in value])
    return value


async def _download_or_refuse(
    interaction: discord.Interaction, remote: Remote, limit: int
) -> Upload | BadInput:
    try:
        return await _download(interaction, remote, limit)
    except BadInput as error:
        return error


async def _download(interaction: discord.Interaction, remote: Remote, limit: int) -> Upload:
    if remote.size > limit:
        raise BadInput("{file} is larger than {limit} MiB.", file=remote.name, limit=limit // 2**20)
    try:
        async with asyncio.timeout(DOWNLOAD_SECONDS):
            data = await interaction.client.http.get_from_cdn(remote.url)
    except (TimeoutError, discord.HTTPException, OSError, aiohttp.ClientError):
        raise BadInput("{file} could not be read from Discord. Send it again.", file=remote.name) from None
    return Upload(remote.name, data)
