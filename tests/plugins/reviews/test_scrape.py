"""Reviews of places against a server of this machine that behaves like both sources, faults included."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from pydantic import ValidationError
from sqlalchemy import select, update

from plugins import reviews as plugin
from plugins.reviews.places import Places, Summary
from plugins.reviews.places_server import JUNK, KEY, MAPS, PLACES, PlacesServer, made_reviews
from plugins.reviews.scrape import AGAIN_MS, EMPTY_IN_A_ROW, Run, scrape
from plugins.reviews.settings import ReviewsSettings
from plugins.reviews.sources import read_maps, read_places
from plugins.reviews.tables import metadata, review
from shared.database import Database, now_ms
from shared.polite import Unreadable
from tests.kit.jobs import job_context

FIRST = f"{MAPS}?place=shop&page=0"
SECOND = f"{MAPS}?place=shop&page=1"


@pytest_asyncio.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    found = Database(f"sqlite+aiosqlite:///{tmp_path}/test.db")
    async with found.begin() as connection:
        await connection.run_sync(metadata.create_all)
    yield found
    await found.close()


@pytest_asyncio.fixture
async def server() -> AsyncIterator[PlacesServer]:
    async with PlacesServer({"shop": made_reviews(25, 1), "tea": made_reviews(3, 2)}) as served:
        yield served


@dataclass
class Scrape:
    server: PlacesServer
    database: Database

    def settings(self, shape: str = "maps", **more: Any) -> ReviewsSettings:
        values: dict[str, Any] = {
            "scrape_shape": shape,
            "scrape_url": self.server.maps_url if shape == "maps" else self.server.places_url,
            "scrape_key": KEY,
            "scrape_allow": ["127.0.0.0/8"],
            "places": {"Shop": "shop"},
        }
        # Less than settings allow: a run makes some ten requests.
        return ReviewsSettings(**(values | more)).model_copy(update={"scrape_seconds": 0.01})

    async def __call__(self, shape: str = "maps", *, later: int = 0, **more: Any) -> Run:
        run = await scrape(self.settings(shape, **more), self.database, lambda: now_ms() + later)
        assert run is not None
        return run

    async def summary(self) -> Summary:
        (found,) = await Places(self.database).summaries(["Shop"])
        return found


@pytest.fixture
def scraped(server: PlacesServer, database: Database) -> Scrape:
    return Scrape(server, database)


async def test_nothing_is_asked_until_settings_name_an_address_and_a_place(scraped: Scrape) -> None:
    assert ReviewsSettings().scrape_url is None
    assert await scrape(ReviewsSettings(), scraped.database) is None
    assert await scrape(scraped.settings(places={}), scraped.database) is None
    assert await scrape(scraped.settings(scrape_url=None), scraped.database) is None
    assert not scraped.server.asked


async def test_the_endpoint_is_read_page_by_page_until_ten_are_empty(scraped: Scrape) -> None:
    run = await scraped()
    assert (run.reviews, run.pages, run.whole) == (25, 3 + EMPTY_IN_A_ROW, ["Shop"])
    summary = await scraped.summary()
    assert (summary.reviews, summary.walk.ended, summary.walk.page) == (25, "", 0)
    made = scraped.server.reviews["shop"]
    intake, ids, _ = await Places(scraped.database).reviews("Shop")
    assert set(ids) == {each.id for each in made}
    assert summary.last == max(each.at for each in made).date()
    assert [day for day in intake.days if day] == sorted(each.at.date() for each in made)
    assert set(intake.texts) == {each.text for each in made}
    async with scraped.database.begin() as connection:
        rows = (await connection.execute(select(review))).mappings().all()
    assert not [row for row in rows if "somebody" in str(dict(row))]
    assert {row["language"] for row in rows} == {"zh-Hant"}


async def test_a_place_is_not_read_again_the_same_day_and_then_nothing_is_kept_twice(scraped: Scrape) -> None:
    await scraped()
    asked = scraped.server.asked.total()
    assert await scraped() == Run()
    assert scraped.server.asked.total() == asked
    again = await scraped(later=AGAIN_MS + 1000)
    assert again.whole == ["Shop"]
    assert (await scraped.summary()).reviews == 25


async def test_a_run_reads_no_more_pages_than_allowed_and_the_next_goes_on_there(scraped: Scrape) -> None:
    first = await scraped(scrape_pages=2)
    assert first.ended == {"Shop": "as many pages as one run may read"}
    assert (await scraped.summary()).walk.page == 2
    second = await scraped()
    assert second.whole == ["Shop"]
    assert scraped.server.asked[FIRST] == 1
    assert (await scraped.summary()).reviews == 25


async def test_the_official_api_is_asked_with_key_and_fields_in_headers_alone(scraped: Scrape) -> None:
    run = await scraped("places", places={"Shop": "shop", "Tea": "tea", "Gone": "gone"})
    assert sorted(run.whole) == ["Shop", "Tea"]
    assert "404" in run.ended["Gone"]
    assert run.reviews == 5 + 3
    assert all(headers["X-Goog-Api-Key"] == KEY for headers in scraped.server.sent)
    assert not [path for path in scraped.server.asked if KEY in path]
    assert KEY not in repr(scraped.settings())
    assert (await Places(scraped.database).summaries(["Shop"]))[1].rating is not None


async def test_a_wrong_key_ends_the_run_for_a_day(scraped: Scrape) -> None:
    run = await scraped("places", scrape_key="wrong", places={"Shop": "shop", "Tea": "tea"})
    assert len(run.ended) == 1
    assert "403" in next(iter(run.ended.values()))
    asked = scraped.server.asked.total()
    held = await scraped("places", places={"Shop": "shop", "Tea": "tea"})
    assert set(held.ended.values()) == {"no request is made yet"}
    assert scraped.server.asked.total() == asked
    assert (await scraped("places", later=86_500_000)).whole == ["Shop"]


async def test_the_key_does_not_follow_a_redirect_to_another_host(scraped: Scrape) -> None:
    async with PlacesServer({"shop": made_reviews(2)}) as other:
        there = web.Response(status=302, headers={"Location": f"{other.base}{PLACES}/shop"})
        scraped.server.answers[f"{PLACES}/shop"] = [there]
        run = await scraped("places")
        assert "403" in run.ended["Shop"]
        assert scraped.server.sent[0]["X-Goog-Api-Key"] == KEY
        assert "X-Goog-Api-Key" not in other.sent[0]


async def test_a_429_ends_the_run_until_its_retry_after_is_over(scraped: Scrape) -> None:
    scraped.server.answers[SECOND] = [web.Response(status=429, headers={"Retry-After": "60"})]
    run = await scraped()
    assert "429" in run.ended["Shop"]
    assert (await scraped.summary()).reviews == 10
    assert (await scraped()).ended == {"Shop": "no request is made yet"}
    assert (await scraped(later=61_000)).whole == ["Shop"]
    assert scraped.server.asked[FIRST] == 1


async def test_an_error_of_the_server_is_tried_again_and_a_lasting_one_ends_the_run(scraped: Scrape) -> None:
    scraped.server.answers[FIRST] = [web.Response(status=502), web.Response(status=500)]
    assert (await scraped()).whole == ["Shop"]
    scraped.server.answers[FIRST] = [web.Response(status=503) for _ in range(3)]
    run = await scraped(later=AGAIN_MS + 1000)
    assert "503" in run.ended["Shop"]
    assert (await scraped.summary()).reviews == 25


@pytest.mark.parametrize(
    "body",
    [
        "<html>consent</html>", JUNK, JUNK + "\n[null,null,[", JUNK + '\n[null,null,"text"]', "",
        JUNK + "\n[" * 100_000,
    ],
)  # fmt: skip
async def test_a_page_that_cannot_be_read_is_passed_over(scraped: Scrape, body: str) -> None:
    scraped.server.answers[SECOND] = [web.Response(text=body)]
    run = await scraped()
    assert run.whole == ["Shop"]
    assert (await scraped.summary()).reviews == 15


async def test_three_such_pages_end_the_run_and_the_next_begins_anew(scraped: Scrape) -> None:
    for page in range(3):
        scraped.server.answers[f"{MAPS}?place=shop&page={page}"] = [web.Response(text="<html>")]
    run = await scraped()
    assert "no page of reviews" in run.ended["Shop"]
    assert (await scraped.summary()).walk.page == 0
    assert "no page of reviews" in (await scraped.summary()).walk.ended
    assert (await scraped()).whole == ["Shop"]
    assert (await scraped.summary()).walk.ended == ""


async def test_an_endpoint_that_sends_the_same_page_for_ever_is_left(scraped: Scrape) -> None:
    url = f"{scraped.server.base}{MAPS}?place={{place}}&page=0"
    run = await scraped(scrape_url=url)
    assert (run.pages, run.whole) == (2, ["Shop"])


async def test_a_page_that_is_too_large_is_not_read(scraped: Scrape) -> None:
    huge = JUNK + "\n[null,null,[" + " " * (5 * 2**20) + "]]"
    scraped.server.answers[FIRST] = [web.Response(text=huge)]
    assert (await scraped()).whole == ["Shop"]
    assert (await scraped.summary()).reviews == 15


async def test_robots_txt_is_respected(scraped: Scrape) -> None:
    scraped.server.robots = "User-agent: *\nDisallow: /maps/\n"
    run = await scraped()
    assert "robots.txt" in run.ended["Shop"]
    assert list(scraped.server.asked) == ["/robots.txt"]


async def test_closed_networks_are_not_reached(scraped: Scrape) -> None:
    run = await scraped(scrape_allow=[])
    assert "public" in run.ended["Shop"]
    assert not scraped.server.asked


async def test_a_source_without_ids_and_times_is_read_too_and_days_do_not_drift(scraped: Scrape) -> None:
    scraped.server.without_time = True
    await scraped()
    first = await scraped.summary()
    assert first.reviews == 25
    assert first.first is not None
    async with scraped.database.begin() as connection:
        await connection.execute(update(review).values(day=19_000))
    await scraped(later=AGAIN_MS + 1000)
    again = await scraped.summary()
    assert (again.reviews, again.first, again.last) == (25, date(2022, 1, 8), date(2022, 1, 8))


async def test_reviews_that_were_not_seen_for_long_go(scraped: Scrape, tmp_path: Path) -> None:
    await scraped()
    settings = scraped.settings(keep_days=2)
    job = next(job for job in plugin.jobs() if job.name == "sweep")
    context, _ = job_context("reviews", scraped.database, tmp_path, settings=settings)
    await job.run(context)
    assert (await scraped.summary()).reviews == 25
    async with scraped.database.begin() as connection:
        old = review.c.seen_ms - 3 * 86_400_000
        await connection.execute(update(review).where(review.c.rating < 3).values(seen_ms=old))
    await job.run(context)
    async with scraped.database.begin() as connection:
        left = (await connection.execute(select(review.c.rating))).scalars().all()
    assert 0 < len(left) < 25
    assert min(left) >= 3


async def test_the_job_scrapes_as_settings_say(scraped: Scrape, tmp_path: Path) -> None:
    job = next(job for job in plugin.jobs() if job.name == "scrape")
    off, _ = job_context("reviews", scraped.database, tmp_path, settings=ReviewsSettings())
    await job.run(off)
    assert not scraped.server.asked
    on, _ = job_context("reviews", scraped.database, tmp_path, settings=scraped.settings())
    await asyncio.wait_for(job.run(on), 30)
    assert (await scraped.summary()).reviews == 25


def test_entries_of_all_kinds_are_read_or_left_out() -> None:
    blank: list[Any] = [None, None, None, "  ", 5]
    nothing = [None, 5, [], "text", blank, [None, None, None, ["x"], 5]]
    ago = [None, "1 週前", None, "好吃", 4]
    odd: list[Any] = [None, {}, None, "a\0b", True]
    long = [None] * 3 + ["long " * 2000, 9.5] + [None] * 5 + ["i" * 500] + [None] * 16 + [1e300]
    entries = [*nothing, ago, odd, long]
    page = read_maps((JUNK + json.dumps([None, None, entries])).encode(), date(2024, 5, 8))
    assert page.entries == 9
    assert [(each.text[:5], each.rating, each.day) for each in page.reviews] == [
        ("好吃", 4, date(2024, 5, 1)),
        ("a b", None, None),
        ("long ", None, None),
    ]
    assert all(len(each.id) <= 200 and len(each.text) <= 2000 for each in page.reviews)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"reviews": {}}', b'{"reviews": [5]}', b"\xff\xfe"])
def test_what_is_no_answer_of_the_api_is_told(body: bytes) -> None:
    with pytest.raises(Unreadable, match="no answer of the Places API"):
        read_places(body)


def test_a_place_without_reviews_has_none() -> None:
    assert read_places(b"{}").entries == 0
    assert read_places(b'{"reviews": [{"rating": 5}, {"text": null}]}').reviews == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"scrape_url": "https://maps.example/reviews"},
        {"scrape_url": "ftp://maps.example/{place}"},
        {"scrape_allow": ["everywhere"]},
        {"places": {"": "x"}},
        {"places": {"Tea": "1", "tea": "2"}},
        {"scrape_seconds": 0},
    ],
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ReviewsSettings(**wrong)
