"""One table is sorted at a time, for sorting takes all cores that there are; the next waits for its turn."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from shared.context import Context
from shared.durable import hold
from shared.errors import Busy

TURN_SECONDS: Final = 120
"""How long a table waits for the one before it."""
FOLDER: Final = "turn"


@asynccontextmanager
async def turn(ctx: Context) -> AsyncIterator[None]:
    """Wait for one's turn, also behind other processes. Raises `Busy` where it does not come."""
    folder = ctx.folder / FOLDER
    folder.mkdir(exist_ok=True)
    for _ in range(TURN_SECONDS):
        if (held := hold(folder)) is not None:
            break
        ctx.progress(0.0, ctx.text("waiting for other reviews to be sorted"))
        await asyncio.sleep(1)
    else:
        raise Busy("Other reviews are being sorted: try again in some minutes.")
    try:
        yield
    finally:
        os.close(held)
