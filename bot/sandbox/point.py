"""Points discord.py at another server. It has no option for that, so three class attributes are set, and restored."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import discord.asset
import discord.gateway
import discord.http
import yarl


@contextmanager
def pointed_at(api_base: str, gateway_url: str) -> Iterator[None]:
    """Let discord.py's clients talk to `api_base` and `gateway_url` inside the block; process-wide.

    `api_base` ends in `/api/v10`; assets (avatars, icons) come from its host.
    """
    route, socket, asset = discord.http.Route, discord.gateway.DiscordWebSocket, discord.asset.Asset
    saved = route.BASE, socket.DEFAULT_GATEWAY, asset.BASE
    parts = urlsplit(api_base)
    route.BASE, socket.DEFAULT_GATEWAY, asset.BASE = (
        api_base,
        yarl.URL(gateway_url),
        f"{parts.scheme}://{parts.netloc}",
    )
    try:
        yield
    finally:
        route.BASE, socket.DEFAULT_GATEWAY, asset.BASE = saved
