"""The crawler against a server of this machine that behaves like an endpoint: pages, referers, limits and trouble."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from PIL import Image

from plugins import animeface
from plugins.animeface.crawler import Run, crawl
from plugins.animeface.crawler_settings import CrawlerSettings
from plugins.animeface.crop import AnimeCrop, CropRequest
from shared.database import Database
from shared.errors import BadInput
from shared.model import Device, Failure
from shared.polite import UNWANTED_PAUSE, retry_after
from tests.kit import pictures
from tests.kit.jobs import job_context
from tests.kit.worker import warm

REFERER = "https://gallery.example/"


def drawing(shade: int) -> bytes:
    return pictures.written(Image.new("RGB", (40, 30), (shade, 90, 120)))


@dataclass
class Gallery:
    """An endpoint of two pages, and what it was asked."""

    files: dict[str, bytes]
    pages: list[list[str]]
    robots: str = "User-agent: *\nAllow: /\n"
    answers: dict[str, list[web.Response]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    base: str = ""

    async def handle(self, request: web.Request) -> web.Response:
        self.asked[request.path_qs] += 1
        if waiting := self.answers.get(request.path_qs):
            return waiting.pop(0)
        if request.path == "/robots.txt":
            return web.Response(text=self.robots)
        if request.path == "/list":
            return self._page(int(request.query.get("cursor", "0")))
        if request.headers.get("Referer") != REFERER:
            return web.Response(status=403)
        name = request.path.removeprefix("/picture/")
        if name not in self.files:
            return web.Response(status=404)
        return web.Response(body=self.files[name])

    def _page(self, number: int) -> web.Response:
        items = [
            {
                "id": name,
                "image": f"{self.base}/picture/{name}",
                "page": f"{self.base}/about/{name}",
                "author": f"author of {name}",
                "licence": "CC BY 4.0",
                "tags": ["portrait"],
                "time": "2024-05-01T12:00:00Z",
            }
            for name in self.pages[number]
        ]
        more = number + 1 < len(self.pages)
        return web.json_response({"items": items, "next": str(number + 1) if more else None})


@pytest_asyncio.fixture
async def gallery() -> AsyncIterator[Gallery]:
    files = {
        "a": drawing(10),
        "b": drawing(20),
        "broken": pictures.truncated_jpeg(),
        "page": pictures.html_named_png(),
        "bomb": pictures.bomb_png(),
        "again": drawing(10),
        "c": drawing(30),
    }
    served = Gallery(files, [["a", "broken", "page", "b"], ["again", "bomb", "gone", "c"]])
    app = web.Application()
    app.router.add_get("/{path:.*}", served.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    served.base = f"http://{host}:{port}"
    yield served
    await runner.cleanup()


@pytest.fixture(scope="module")
def cascade() -> AnimeCrop:
    return AnimeCrop.load(None, Device())


@dataclass
class Crawl:
    gallery: Gallery
    folder: Path
    cascade: AnimeCrop

    async def __call__(self, **more: Any) -> Run | None:
        return await crawl(self.settings(**more), self.count)

    def settings(self, **more: Any) -> CrawlerSettings:
        values: dict[str, Any] = {
            "crawl_url": f"{self.gallery.base}/list",
            "crawl_folder": self.folder,
            "crawl_referer": REFERER,
            "crawl_allow": ["127.0.0.0/8"],
        }
        # Less than settings allow: each run makes some ten requests.
        return CrawlerSettings(**(values | more)).model_copy(update={"crawl_seconds": 0.02})

    async def count(self, data: bytes) -> int:
        (found,) = await asyncio.to_thread(self.cascade.predict, [CropRequest(data=data, shown=False)])
        if isinstance(found, Failure):
            raise BadInput(found.reason)
        return found.found

    def lines(self, name: str) -> list[dict[str, Any]]:
        path = self.folder / name
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def crawled(gallery: Gallery, tmp_path: Path, cascade: AnimeCrop) -> Crawl:
    return Crawl(gallery, tmp_path / "kept", cascade)


async def test_nothing_is_asked_until_an_address_and_a_folder_are_named(crawled: Crawl) -> None:
    assert await crawled(crawl_url=None) is None
    assert await crawled(crawl_folder=None) is None
    assert not crawled.gallery.asked
    assert CrawlerSettings().crawl_url is None


async def test_pictures_are_kept_with_where_they_are_from_and_the_rest_is_noted(crawled: Crawl) -> None:
    run = await crawled()
    assert run == Run(kept=3, skipped=5)
    kept = crawled.lines("pictures.jsonl")
    assert [line["id"] for line in kept] == ["a", "b", "c"]
    assert all(
        (crawled.folder / line["file"]).read_bytes() == crawled.gallery.files[line["id"]] for line in kept
    )
    assert kept[0]["author"] == "author of a"
    assert kept[0]["page"] == f"{crawled.gallery.base}/about/a"
    assert (kept[0]["licence"], kept[0]["tags"], kept[0]["time"]) == (
        "CC BY 4.0",
        ["portrait"],
        "2024-05-01T12:00:00Z",
    )
    why = {line["id"]: line["why"] for line in crawled.lines("skipped.jsonl")}
    assert set(why) == {"broken", "page", "bomb", "again", "gone"}
    assert "same picture" in why["again"]
    assert "404" in why["gone"]
    assert not list(crawled.folder.glob("*.part"))


async def test_what_is_known_is_not_fetched_again(crawled: Crawl) -> None:
    await crawled()
    before = Counter(crawled.gallery.asked)
    run = await crawled()
    assert run == Run(known=4)
    fetched = {path for path in crawled.gallery.asked - before if path.startswith("/picture/")}
    assert not fetched


async def test_a_run_keeps_no_more_than_allowed_and_the_next_goes_on_from_its_page(crawled: Crawl) -> None:
    first = await crawled(crawl_pictures=2)
    assert first is not None
    assert first.kept == 2
    assert "as many" in first.ended
    second = await crawled()
    assert second is not None
    assert second.kept == 1
    assert crawled.gallery.asked["/list"] == 1
    assert crawled.gallery.asked["/list?cursor=1"] == 2


async def test_a_403_ends_the_run_for_a_day(crawled: Crawl) -> None:
    run = await crawled(crawl_referer=None)
    assert run is not None
    assert "403" in run.ended
    asked = crawled.gallery.asked.total()
    later = await crawled()
    assert later is not None
    assert "no request" in later.ended
    assert crawled.gallery.asked.total() == asked
    assert json.loads((crawled.folder / "state.json").read_text())["not_before"] > time.time() + 80_000


async def test_a_429_ends_the_run_until_its_retry_after_is_over(crawled: Crawl) -> None:
    crawled.gallery.answers["/picture/b"] = [web.Response(status=429, headers={"Retry-After": "1"})]
    run = await crawled()
    assert run is not None
    assert (run.kept, "429" in run.ended) == (1, True)
    held = await crawled()
    assert held is not None
    assert "no request" in held.ended
    await asyncio.sleep(1.1)
    assert await crawled() == Run(kept=2, skipped=3, known=3)


async def test_an_error_of_the_server_is_tried_again(crawled: Crawl) -> None:
    crawled.gallery.answers["/list"] = [web.Response(status=502)]
    crawled.gallery.answers["/picture/a"] = [web.Response(status=500)]
    run = await crawled()
    assert run is not None
    assert run.kept == 3
    assert crawled.gallery.asked["/picture/a"] == 2


async def test_robots_txt_is_respected(crawled: Crawl) -> None:
    crawled.gallery.robots = "User-agent: *\nDisallow: /list\n"
    run = await crawled()
    assert run is not None
    assert "robots.txt" in run.ended
    assert not crawled.gallery.asked["/list"]


async def test_closed_networks_are_not_reached(crawled: Crawl) -> None:
    run = await crawled(crawl_allow=[])
    assert run is not None
    assert "public" in run.ended
    assert not crawled.gallery.asked


async def test_a_list_that_is_something_else_ends_the_run(crawled: Crawl) -> None:
    crawled.gallery.answers["/list"] = [web.Response(text="<html>")]
    run = await crawled()
    assert run is not None
    assert "cannot be read" in run.ended


async def test_what_a_run_left_in_the_middle_of_a_page_is_not_taken_for_known(crawled: Crawl) -> None:
    await crawled()
    crawled.gallery.pages[0][:0] = ["new"]
    crawled.gallery.pages[1][:0] = ["newer"]
    crawled.gallery.files |= {"new": drawing(40), "newer": drawing(50)}
    # The first page is done, the second is refused; that the first is done is forgotten, as when a run is killed.
    crawled.gallery.answers["/list?cursor=1"] = [web.Response(status=403, headers={"Retry-After": "0"})]
    await crawled()
    state = crawled.folder / "state.json"
    state.write_text(json.dumps(json.loads(state.read_text()) | {"cursor": None}))
    again = await crawled()
    assert again is not None
    assert again.kept == 1
    assert {line["id"] for line in crawled.lines("pictures.jsonl")} == {"a", "b", "c", "new", "newer"}


async def test_only_new_pages_of_a_known_list_are_read(crawled: Crawl) -> None:
    await crawled()
    await crawled()
    assert crawled.gallery.asked["/list"] == 2
    assert crawled.gallery.asked["/list?cursor=1"] == 1


async def test_a_picture_that_could_not_be_had_is_asked_for_again_by_a_later_run(crawled: Crawl) -> None:
    crawled.gallery.robots = "User-agent: *\nDisallow: /picture/c\n"
    await crawled()
    assert [line["id"] for line in crawled.lines("pictures.jsonl")] == ["a", "b"]
    crawled.gallery.robots = "User-agent: *\nAllow: /\n"
    run = await crawled()
    assert run is not None
    assert run.kept == 1
    assert [line["id"] for line in crawled.lines("pictures.jsonl")] == ["a", "b", "c"]


async def test_a_cursor_that_is_too_old_leads_back_to_the_beginning(crawled: Crawl) -> None:
    crawled.gallery.answers["/list?cursor=1"] = [web.Response(status=410)]
    run = await crawled()
    assert run is not None
    assert (run.kept, "410" in run.ended) == (2, True)
    assert await crawled() == Run(kept=1, skipped=3, known=4)


async def test_a_list_that_leads_in_circles_is_left(crawled: Crawl) -> None:
    circle = json.dumps({"items": [], "next": "1"})
    crawled.gallery.answers["/list?cursor=1"] = [web.Response(text=circle)] * 3
    run = await crawled()
    assert run is not None
    assert "same page" in run.ended
    assert crawled.gallery.asked["/list?cursor=1"] == 1


async def test_the_job_crawls_as_settings_say_with_the_model_of_the_worker(
    crawled: Crawl, tmp_path: Path
) -> None:
    (job,) = animeface.jobs()
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/test.db")
    async with warm(AnimeCrop) as predictor:
        off, _ = job_context("animeface", database, tmp_path, settings=CrawlerSettings(), predictor=predictor)
        await job.run(off)
        assert not crawled.gallery.asked
        on, _ = job_context("animeface", database, tmp_path, settings=crawled.settings(), predictor=predictor)
        await job.run(on)
    await database.close()
    assert [line["faces"] for line in crawled.lines("pictures.jsonl")] == [0, 0, 0]


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("120", 120.0), ("soon", UNWANTED_PAUSE), (None, UNWANTED_PAUSE), ("9" * 12, 604_800.0)],
)
def test_a_retry_after_is_read_as_seconds(said: str | None, seconds: float) -> None:
    assert retry_after(said, UNWANTED_PAUSE) == seconds


def test_a_retry_after_may_be_a_date() -> None:
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT", UNWANTED_PAUSE) == 0.0
