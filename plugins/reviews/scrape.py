"""Asks the source that settings name for reviews of the places that they name, page by page; off by default."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import structlog

from plugins.reviews.places import Places, Walk
from plugins.reviews.settings import ReviewsSettings
from plugins.reviews.sources import Page, address, headers, read_maps, read_places
from shared.addresses import Reach
from shared.context import JobContext
from shared.database import Database, now_ms
from shared.polite import Client, Stop, Unreadable

PAGE_LIMIT: Final = 4 * 2**20
EMPTY_IN_A_ROW: Final = 10
"""Pages without a review, one after the other, after which a place has no more (the course's rule)."""
BROKEN_IN_A_ROW: Final = 3
"""Pages that cannot be read after which a run leaves a place."""
AGAIN_MS: Final = 24 * 3_600_000
"""Between two walks through the same place."""
log = structlog.get_logger("hearth.reviews")


@dataclass
class Run:
    """What came of a run; `ended` says for each place why it is not at its end."""

    pages: int = 0
    reviews: int = 0
    whole: list[str] = field(default_factory=list)
    ended: dict[str, str] = field(default_factory=dict)


async def scrape(
    settings: ReviewsSettings, database: Database, now: Callable[[], int] = now_ms
) -> Run | None:
    """Read on where the last run ended, place by place; None where scraping is off."""
    if settings.scrape_url is None or not settings.places:
        return None
    places, run = Places(database), Run()
    walks = {name: await places.walk(name) for name in settings.places}
    if any(walk.not_before_ms > now() for walk in walks.values()):
        run.ended = dict.fromkeys(walks, "no request is made yet")
        return run
    reach = Reach.of(settings.scrape_allow)
    async with Client(reach=reach, gap=settings.scrape_seconds) as client:
        # Who was left in the middle comes first, then who waits for longest.
        for name in sorted(walks, key=lambda name: (not walks[name].page, walks[name].whole_ms or 0)):
            walk = walks[name]
            if not walk.page and walk.whole_ms is not None and walk.whole_ms > now() - AGAIN_MS:
                continue
            try:
                ended = await _walk_through(client, settings, places, name, walk, run)
            except Stop as stop:
                run.ended[name] = str(stop)
                until = now() + round(stop.seconds * 1000)
                await places.note(name, not_before_ms=until, ended=str(stop)[:500])
                break
            if ended:
                run.ended[name] = ended
                await places.note(name, ended=ended[:500])
            else:
                run.whole.append(name)
                await places.note(name, page=0, empty=0, whole_ms=now(), ended="")
    return run


async def _walk_through(
    client: Client, settings: ReviewsSettings, places: Places, name: str, walk: Walk, run: Run
) -> str:
    """Read a place's pages to the end; return "", or why it was left before that."""
    page, empty, broken = walk.page, walk.empty, 0
    before: frozenset[str] = frozenset()
    while run.pages < settings.scrape_pages:
        run.pages += 1
        try:
            found = await _page(client, settings, settings.places[name], page)
        except Unreadable as error:
            broken += 1
            if not error.lasting or broken == BROKEN_IN_A_ROW or settings.scrape_shape == "places":
                # A page that never can be read must not hold up the others for ever.
                if error.lasting:
                    await places.note(name, page=0, empty=0)
                return str(error)
        else:
            broken, empty = 0, 0 if found.entries else empty + 1
            ids = frozenset(each.id for each in found.reviews)
            if ids and ids == before:
                return ""
            before = ids
            await places.keep(name, found.reviews)
            run.reviews += len(found.reviews)
            if settings.scrape_shape == "places" or empty >= EMPTY_IN_A_ROW:
                return ""
        page += 1
        await places.note(name, page=page, empty=empty)
    return "as many pages as one run may read"


async def _page(client: Client, settings: ReviewsSettings, place: str, page: int) -> Page:
    plain, secret = headers(settings)
    data = await client.get(address(settings, place, page), PAGE_LIMIT, plain, secret)
    if settings.scrape_shape == "places":
        return await asyncio.to_thread(read_places, data)
    return await asyncio.to_thread(read_maps, data, datetime.now(UTC).date())


async def run(ctx: JobContext) -> None:
    """Scrape as the settings say; where they name nothing, do nothing."""
    if (done := await scrape(ctx.settings, ctx.database)) is not None:
        log.info("scraped", pages=done.pages, reviews=done.reviews, whole=done.whole, ended=done.ended)
