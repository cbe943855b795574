"""What reviews do by themselves: what has had its time goes, and followed places are asked for what is new."""

from datetime import timedelta
from typing import Final

from plugins.reviews.kept import Shelf
from shared.context import JobContext
from shared.plugin import Job


async def sweep(ctx: JobContext) -> None:
    """Remove tables that have had their day."""
    await Shelf.of(ctx).sweep()


JOBS: Final = (
    Job(name="sweep", run=sweep, summary="Remove reviews that were kept for a day", every=timedelta(hours=1)),
)
