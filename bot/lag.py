"""Measures how late the event loop turns: the first sign that something blocks it."""

import asyncio
from typing import Final

import structlog

from bot.metrics import Metrics

EVERY: Final = 0.05
WORTH_A_LINE: Final = 0.5
log = structlog.get_logger("hearth.lag")


async def watch_lag(metrics: Metrics) -> None:
    """Measure for ever; a long lag is logged as well."""
    loop = asyncio.get_running_loop()
    while True:
        before = loop.time()
        await asyncio.sleep(EVERY)
        late = max(0.0, loop.time() - before - EVERY)
        metrics.lagged(late)
        if late > WORTH_A_LINE:
            log.warning("the event loop was blocked", seconds=round(late, 3))
