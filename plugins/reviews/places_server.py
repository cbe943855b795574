"""A server of this machine that behaves like both sources of reviews, faults included: to try scraping, and for tests.

What it serves is made up here from a few words; nobody wrote it.
"""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Annotated, Any, Final, Self

import typer
from aiohttp import web

from shared.tool import Tool, ToolContext

HOST: Final = "127.0.0.1"
KEY: Final = "local-key"
PAGE: Final = 10
MAPS: Final = "/maps/reviews"
PLACES: Final = "/v1/places"
JUNK: Final = ")]}'"
_SUBJECTS: Final = (
    ("湯頭", "餃子", "牛肉麵", "滷味", "小菜"), ("店員", "老闆", "服務生", "櫃台人員", "外場"),
    ("停車場", "車位", "機車格", "路邊停車", "地下停車場"), ("座位", "冷氣", "廁所", "包廂", "環境"),
)  # fmt: skip
_JUDGEMENTS: Final = (
    ("味道很濃，份量也夠", "吃起來太鹹，湯都涼了", "口味清爽，會想再點", "又油又膩，難以下嚥"),
    ("態度親切，會主動加水", "口氣很差，愛理不理", "動作俐落，介紹得很仔細", "叫了好幾次都不來"),
    ("假日一位難求", "又窄又暗，很難倒車", "收費偏貴，一小時六十元", "離門口很近，很方便"),
    ("乾淨寬敞，適合帶小孩", "太吵了，講話都聽不見", "有點擁擠，桌子黏黏的", "燈光溫暖，坐得舒服"),
)  # fmt: skip
_ENDS: Final = ("朋友也這麼說。", "平日中午去的。", "下次再看看。", "第二次來了。", "給大家參考。")


@dataclass(frozen=True)
class Made:
    """A review that was made up."""

    id: str
    text: str
    rating: int
    at: datetime


def made_reviews(count: int, seed: int = 0, *, until: datetime | None = None) -> list[Made]:
    """Make up reviews of the last year, newest first: of the fourth subject ever more towards the end."""
    # Not for secrets.
    chance = random.Random(seed)  # noqa: S311
    end = until or datetime.now(UTC)
    found = []
    for number in range(count):
        age = 360 * number / max(1, count)
        weights = (3, 3, 3, 6 if age < 180 else 1)
        (subject,) = chance.choices(range(len(_SUBJECTS)), weights)
        said = f"{chance.choice(_SUBJECTS[subject])}{chance.choice(_JUDGEMENTS[subject])}，{chance.choice(_ENDS)}"
        at = end - timedelta(days=age, minutes=chance.randrange(600))
        found.append(Made(f"review-{seed}-{number}", f"{said}（{number}）", chance.randint(1, 5), at))
    return found


@dataclass
class PlacesServer:
    """Serves reviews of places. `async with PlacesServer(...) as server`; `answers` come first, one a request."""

    reviews: Mapping[str, Sequence[Made]]
    port: int = 0
    robots: str = "User-agent: *\nAllow: /\n"
    without_time: bool = False
    answers: dict[str, list[web.StreamResponse]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    sent: list[dict[str, str]] = field(default_factory=list)
    base: str = ""

    @property
    def maps_url(self) -> str:
        """The address of the course's endpoint, as a setting."""
        return f"{self.base}{MAPS}?place={{place}}&page={{page}}"

    @property
    def places_url(self) -> str:
        """The address of the Places API, as a setting."""
        return f"{self.base}{PLACES}/{{place}}"

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, self.port).start()
        host, port = self._runner.addresses[0][:2]
        self.base = f"http://{host}:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.asked[request.path_qs] += 1
        if request.path == "/robots.txt":
            return web.Response(text=self.robots)
        self.sent.append(dict(request.headers))
        if waiting := self.answers.get(request.path_qs):
            return waiting.pop(0)
        if request.path == MAPS:
            return self._maps(request)
        if request.path.startswith(f"{PLACES}/"):
            return self._place(request)
        return web.Response(status=404)

    def _maps(self, request: web.Request) -> web.Response:
        try:
            start = int(request.query.get("page", "0")) * PAGE
        except ValueError:
            return web.Response(status=400)
        of_place = self.reviews.get(request.query.get("place", ""), ())
        entries = [self._entry(each) for each in of_place[start : start + PAGE]]
        page = [None, None, entries or None]
        return web.Response(text=JUNK + "\n" + json.dumps(page, ensure_ascii=False))

    def _entry(self, review: Made) -> list[Any]:
        entry: list[Any] = [None] * 33
        entry[0] = [None, "somebody"]
        days = max(0, (datetime.now(UTC) - review.at).days)
        entry[1] = f"{days} 天前" if days < 30 else f"{days // 30} 個月前"
        entry[3], entry[4] = review.text, review.rating
        if not self.without_time:
            entry[10], entry[27], entry[32] = review.id, round(review.at.timestamp() * 1000), "zh-Hant"
        return entry

    def _place(self, request: web.Request) -> web.Response:
        def refused(status: int, name: str, message: str) -> web.Response:
            return web.json_response(
                {"error": {"code": status, "message": message, "status": name}}, status=status
            )

        if request.headers.get("X-Goog-Api-Key") != KEY:
            return refused(403, "PERMISSION_DENIED", "The request is missing a valid API key.")
        if not request.headers.get("X-Goog-FieldMask"):
            return refused(400, "INVALID_ARGUMENT", "FieldMask is a required parameter.")
        place = request.path.removeprefix(f"{PLACES}/")
        if place not in self.reviews:
            return refused(404, "NOT_FOUND", "The place does not exist.")
        # The API sends five at most.
        reviews = [
            {
                "name": f"places/{place}/reviews/{each.id}",
                "rating": each.rating,
                "text": {"text": each.text, "languageCode": "zh-TW"},
                "originalText": {"text": each.text, "languageCode": "zh-TW"},
                "publishTime": each.at.isoformat().replace("+00:00", "Z"),
                "authorAttribution": {"displayName": "somebody"},
            }
            for each in self.reviews[place][:5]
        ]
        return web.json_response({"reviews": reviews})


async def places_server(
    ctx: ToolContext,
    port: Annotated[int, typer.Option(help="Where it listens, on this machine alone.")] = 8090,
    count: Annotated[int, typer.Option(help="Reviews of each place.", min=1, max=10_000)] = 300,
) -> None:
    """Serve made-up reviews of two places, as both sources do, until Ctrl-C."""
    made = {"noodle-shop": made_reviews(count, 1), "tea-house": made_reviews(count, 2)}
    async with PlacesServer(made, port) as server:
        ctx.say('HEARTH_REVIEWS_PLACES=\'{"noodles": "noodle-shop", "tea": "tea-house"}\'')
        ctx.say("HEARTH_REVIEWS_SCRAPE_ALLOW='[\"127.0.0.0/8\"]'")
        ctx.say("HEARTH_REVIEWS_SCRAPE_SECONDS=0.1")
        ctx.say("# as the course's endpoint:")
        ctx.say(f"HEARTH_REVIEWS_SCRAPE_SHAPE=maps HEARTH_REVIEWS_SCRAPE_URL='{server.maps_url}'")
        ctx.say("# or as the official Places API, which sends five reviews a place:")
        ctx.say(f"HEARTH_REVIEWS_SCRAPE_KEY={KEY} HEARTH_REVIEWS_SCRAPE_URL='{server.places_url}'")
        await asyncio.Event().wait()


TOOLS: Final = (Tool("reviews", "places-server", places_server),)
