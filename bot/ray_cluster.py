"""Joins a Ray cluster, or starts one on this machine, for as long as the process needs it."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import ray

from shared.errors import Refusal
from shared.redaction import BOT_ALONE

NAMESPACE: Final = "hearth"


@asynccontextmanager
async def joined(address: str) -> AsyncIterator[None]:
    """Join the cluster at `address` ("auto", "host:port", "ray://host:port"); an empty one starts one here.

    Raises `Refusal` where there is none. What the bot has started in the cluster ends with the bot, also where that is
    killed.
    """
    # Read by Ray when it starts: it tells nobody of its use.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        await asyncio.to_thread(_join, address)
    # Whatever its client raises: ConnectionError, ValueError for addresses, RuntimeError for versions.
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        raise Refusal(
            "No Ray cluster could be joined at {address}: {reason}",
            address=address or "127.0.0.1",
            reason=reason,
        ) from error
    try:
        yield
    finally:
        await asyncio.to_thread(ray.shutdown)


def _join(address: str) -> None:
    if not address:
        # Ray asks for it: whoever else is on this machine must not give this cluster work. It would write one to disk.
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    # What a cluster of ours starts inherits the environment, and needs none of the bot's secrets.
    kept = {name: os.environ.pop(name) for name in list(os.environ) if name.upper() in BOT_ALONE}
    try:
        ray.init(
            # "local": not whatever cluster happens to run on this machine.
            address=address or "local",
            namespace=NAMESPACE,
            log_to_driver=False,
            configure_logging=False,
            include_dashboard=None if address else False,
        )
    finally:
        os.environ.update(kept)
