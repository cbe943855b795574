"""The course's crawler of illustrations, as a job: off until settings name an official endpoint and a folder.

What it asks, and how the endpoint must answer, is in docs/animeface.md.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import msgspec
import structlog
from yarl import URL

from plugins.animeface.crawler_settings import CrawlerSettings
from plugins.animeface.crawler_shelf import Item, Shelf
from plugins.animeface.crop import AnimeCrop, CropRequest
from shared.addresses import Reach
from shared.context import JobContext
from shared.errors import Refusal
from shared.inputs import Upload
from shared.parameters import Limits, read_image
from shared.plugin import Job
from shared.polite import Client, Stop, Unreadable

MIB: Final = 2**20
LIST_LIMIT: Final = 2 * MIB
PICTURE: Final = Limits(bytes=12 * MIB, pixels=40_000_000)
KINDS: Final = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp", "GIF": "gif"}
MOST_PAGES: Final = 1_000
"""Pages of the list that one run reads at most."""
BROKEN_IN_A_ROW: Final = 10
"""Pictures that cannot be had, one after the other, after which a run ends: then it is not the pictures."""

Count = Callable[[bytes], Awaitable[int]]
"""Decodes a picture where models run, and returns how many faces it shows. Raises `Refusal` for a broken one."""
log = structlog.get_logger("hearth.animeface")


class Page(msgspec.Struct, frozen=True):
    """A page of the endpoint's list; `next` is the cursor of the page after it, None on the last."""

    items: list[Item]
    next: str | None = None


@dataclass
class Run:
    """What came of a run; `ended` says why it ended where that was not the end of the list."""

    kept: int = 0
    skipped: int = 0
    known: int = 0
    ended: str = ""


async def crawl(settings: CrawlerSettings, count: Count) -> Run | None:
    """Fetch pictures that are not there yet, from where the last run ended; None where the crawler is off."""
    if settings.crawl_url is None or settings.crawl_folder is None:
        return None
    shelf = await asyncio.to_thread(Shelf, settings.crawl_folder, settings.crawl_url)
    if (left := shelf.state.not_before - time.time()) > 0:
        return Run(ended=f"no request is made for {left:.0f} s more")
    run, reach = Run(), Reach.of(settings.crawl_allow)
    async with Client(reach=reach, gap=settings.crawl_seconds) as client:
        try:
            await _pages(client, shelf, settings, count, run)
        except Stop as stop:
            run.ended = str(stop)
            await asyncio.to_thread(shelf.note, not_before=time.time() + stop.seconds)
        except Unreadable as error:
            run.ended = str(error)
            # A cursor may be too old: then the list is read from its beginning again.
            if error.lasting and shelf.state.cursor is not None:
                await asyncio.to_thread(shelf.note, cursor=None)
    return run


async def _pages(client: Client, shelf: Shelf, settings: CrawlerSettings, count: Count, run: Run) -> None:
    assert settings.crawl_url is not None, "the crawler is off without"
    # What follows a page without anything new is known then.
    whole = shelf.state.whole
    for _ in range(MOST_PAGES):
        cursor = shelf.state.cursor
        page = await _page(client, settings.crawl_url, cursor)
        new = [item for item in page.items if item.id not in shelf.ids]
        run.known += len(page.items) - len(new)
        if new and shelf.state.whole:
            await asyncio.to_thread(shelf.note, whole=False)
        await _items(client, shelf, settings, new, count, run)
        if run.ended:
            return
        if page.next is not None and page.next == cursor:
            raise Unreadable("the list names the same page as the next one")
        if page.next is None or (whole and page.items and not new):
            await asyncio.to_thread(shelf.note, cursor=None, whole=not shelf.state.missed, missed=False)
            return
        await asyncio.to_thread(shelf.note, cursor=page.next)
    run.ended = "as many pages as one run may read"


async def _items(
    client: Client, shelf: Shelf, settings: CrawlerSettings, items: list[Item], count: Count, run: Run
) -> None:
    broken = 0
    headers = {"Accept": "image/*"} | ({"Referer": settings.crawl_referer} if settings.crawl_referer else {})
    for item in items:
        if run.kept >= settings.crawl_pictures:
            run.ended = "as many pictures as one run may keep"
            return
        # A page may name a picture twice.
        if item.id in shelf.ids:
            run.known += 1
            continue
        try:
            data = await client.get(item.image, PICTURE.bytes, headers)
            broken = 0
            kind = KINDS.get(read_image(Upload(item.id[:80], data), PICTURE).format)
            if kind is None:
                raise Unreadable("a picture of another kind")
            kept = await asyncio.to_thread(shelf.keep, item, data, kind, await count(data))
        except Unreadable as error:
            kept, broken = False, broken + 1
            # A server that did not answer may answer in the next run.
            if error.lasting:
                await asyncio.to_thread(shelf.skip, item, str(error))
            elif not shelf.state.missed:
                await asyncio.to_thread(shelf.note, missed=True)
        except Refusal as error:
            kept = False
            await asyncio.to_thread(shelf.skip, item, str(error))
        run.kept += kept
        run.skipped += not kept
        if broken >= BROKEN_IN_A_ROW:
            run.ended = "too many pictures in a row could not be had"
            return


async def _page(client: Client, url: str, cursor: str | None) -> Page:
    try:
        address = URL(url) if cursor is None else URL(url).update_query(cursor=cursor)
        data = await client.get(str(address), LIST_LIMIT, {"Accept": "application/json"})
        return await asyncio.to_thread(msgspec.json.decode, data, type=Page)
    except (msgspec.DecodeError, ValueError) as error:
        raise Unreadable(f"the list cannot be read: {error}") from None


async def run(ctx: JobContext) -> None:
    """Crawl as the settings say; where they name nothing, do nothing."""

    async def count(data: bytes) -> int:
        found = await ctx.predictor.predict(
            AnimeCrop, CropRequest(data=data, shown=False), timeout=120, bulk=True
        )
        return found.found

    if (done := await crawl(ctx.settings, count)) is not None:
        log.info("crawled", kept=done.kept, skipped=done.skipped, known=done.known, ended=done.ended)


JOBS: Final = (
    Job(
        name="crawl", run=run, summary="Fetch illustrations from where settings say", every=timedelta(hours=6)
    ),
)
