"""What reviews do by themselves: what has had its time goes, and followed places are asked for what is new."""

import asyncio
from datetime import timedelta
from typing import Final

from plugins.reviews import cache_age, scrape
from plugins.reviews.kept import CACHE, DAY_MS, Shelf
from plugins.reviews.places import Places
from shared.context import JobContext
from shared.database import now_ms
from shared.plugin import Job


async def sweep(ctx: JobContext) -> None:
    """Remove tables that have had their day, vectors unused for two, and reviews of places not seen for long."""
    await Shelf.of(ctx).sweep()
    await asyncio.to_thread(cache_age.sweep, ctx.folder / CACHE)
    await Places(ctx.database).forget(now_ms() - ctx.settings.keep_days * DAY_MS)


JOBS: Final = (
    Job(name="sweep", run=sweep, summary="Remove reviews that have had their time", every=timedelta(hours=1)),
    Job(
        name="scrape",
        run=scrape.run,
        summary="Fetch reviews of the places that settings name",
        every=timedelta(hours=6),
        timeout=timedelta(hours=1),
    ),
)
