"""A local exchange that answers as the real one does, faults included: for trying the plugin, and for its tests.

async with LocalExchange() as exchange:
    … HEARTH_STOCK_URL=exchange.url …
"""

import asyncio
import csv
import datetime
import io
import itertools
import re
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Final, Literal, Self

from aiohttp import web

from plugins.stock.course_csv import COLUMNS, ROC, roc_date, write_days
from plugins.stock.exchange_series import Series, made_up, moved
from plugins.stock.fetching import TAIPEI, is_settled, last_close
from plugins.stock.series import Day

HOST: Final = "127.0.0.1"
PATH: Final = "/rwd/zh/afterTrading/STOCK_DAY"
NOTHING: Final = "很抱歉，沒有符合條件的資料!"
FUTURE: Final = "查詢日期大於今日，請重新查詢!"
EARLY: Final = "查詢日期小於99年1月4日，請重新查詢!"
CLOSED: Final = (
    "<!DOCTYPE html><html><body><h1>今日休市</h1><p>國定假日，證券集中交易市場休市一日。</p></body></html>"
)
CROWDED: Final = "<!DOCTYPE html><html><body><p>目前線上人數過多，請您稍候再試</p></body></html>"
Fault = Literal[
    "500", "503", "429", "403", "cut", "slow", "redirect", "crowded", "closed", "huge", "garbage", "gzip"
]
USUAL: Final[tuple[Fault | None, ...]] = (
    None,
    None,
    "500",
    None,
    "cut",
    None,
    None,
    "503",
    None,
    "crowded",
    None,
)
"""What comes round and round where faults are asked for."""


class LocalExchange:
    """Serves the daily table of each code of four to six characters that is not in `unknown`, up to today.

    `days` are served for `code`, moved to end today; other stocks are made up. Who asks twice within `gap` seconds is
    told to wait. `coming` are the faults of the next answers; `until` (`today`) is the last day that is out, by default
    that of the last close. With `replay`, the days of months that may still change come out one by one, each after as
    many seconds.
    """

    def __init__(
        self,
        days: Sequence[Day] = (),
        *,
        code: str = "2330",
        port: int = 0,
        gap: float = 0.0,
        faults: bool = False,
        replay: float | None = None,
        unknown: frozenset[str] = frozenset({"0000"}),
        today: datetime.date | None = None,
    ) -> None:
        self._own, self._code, self._port, self._gap, self._replay = days, code, port, gap, replay
        self._unknown, self.until = unknown, today
        self._usual: Iterator[Fault | None] = itertools.cycle(USUAL if faults else (None,))
        self._series: dict[tuple[str, datetime.date], Series] = {}
        self._last, self._began = 0.0, time.monotonic()
        self.coming: deque[Fault | None] = deque()
        self.robots = ""
        """Its robots.txt; none where it is empty."""
        self.asked: Counter[tuple[str, str]] = Counter()
        """How often each month of each code was asked for, as ("2330", "2020-01")."""
        self.times: list[float] = []
        """When requests came, by the monotonic clock."""

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get(PATH, self._answer)
        app.router.add_get("/elsewhere", self._elsewhere)
        app.router.add_get("/robots.txt", self._robots)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        """The address of the table."""
        return f"http://{HOST}:{self._port}{PATH}"

    @property
    def today(self) -> datetime.date:
        """The last day whose trading is over."""
        return self.until or last_close(datetime.datetime.now(TAIPEI))

    def days(self, code: str) -> list[Day]:
        """Return the days of a code that have come out, oldest first."""
        return [day for day in self._all(code).days if self._is_out(code, day.date)]

    async def _elsewhere(self, _request: web.Request) -> web.Response:
        return web.Response(text="This must never be fetched.")

    async def _robots(self, _request: web.Request) -> web.Response:
        return web.Response(text=self.robots) if self.robots else web.Response(status=404)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        code, date = request.query.get("stockNo", ""), request.query.get("date", "")
        now = time.monotonic()
        hasty, self._last = now - self._last < self._gap, now
        self.times.append(now)
        self.asked[code, f"{date[:4]}-{date[4:6]}"] += 1
        if hasty:
            return web.Response(status=429, headers={"Retry-After": "2"}, text="Too Many Requests")
        html = request.query.get("response") == "html"
        fault = self.coming.popleft() if self.coming else next(self._usual)
        if fault is not None:
            return await self._faulty(request, fault, self._table(code, date, html))
        body, kind = self._table(code, date, html)
        return web.Response(body=body, content_type=kind, charset="utf-8")

    def _table(self, code: str, date: str, html: bool) -> tuple[bytes, str]:
        said, table = self._found(code, date)
        if html:
            return _page(said, table).encode(), "text/html"
        reply: dict[str, Any] = {"stat": said}
        if table is not None:
            title, rows = table
            reply = {
                "stat": "OK", "date": date, "title": title, "fields": list(COLUMNS), "data": rows,
                "notes": ["符號說明:+/-/X表示漲/跌/不比價"], "total": len(rows),
            }  # fmt: skip
        return web.json_response(reply).body, "application/json"  # type: ignore[return-value]

    def _found(self, code: str, date: str) -> tuple[str, tuple[str, list[list[str]]] | None]:
        """Return what the exchange says, and where that is "OK" the table's title and rows."""
        if not re.fullmatch(r"\d{8}", date):
            return NOTHING, None
        month = f"{date[:4]}-{date[4:6]}"
        if month > f"{self.today:%Y-%m}":
            return FUTURE, None
        if month < "2010-01":
            return EARLY, None
        if not re.fullmatch(r"[0-9A-Z]{4,6}", code) or code in self._unknown:
            return NOTHING, None
        rows = self._rows(code, month)
        title = f"{int(date[:4]) - ROC}年{date[4:6]}月 {code} 範例 各日成交資訊"
        return ("OK", (title, rows)) if rows else (NOTHING, None)

    def _rows(self, code: str, month: str) -> list[list[str]]:
        series = self._all(code)
        days = [day for day in series.days if f"{day.date:%Y-%m}" == month and self._is_out(code, day.date)]
        rows = list(csv.reader(io.StringIO(write_days(days).decode("utf-8-sig"), newline="")))[1:]
        quiet = [date for date in series.quiet if f"{date:%Y-%m}" == month and self._is_out(code, date)]
        rows += [[roc_date(date), "0", "0", *["--"] * 4, " 0.00", "0"] for date in quiet]
        return sorted(rows)

    def _all(self, code: str) -> Series:
        key = (code, self.today)
        if key not in self._series:
            own = bool(self._own) and code == self._code
            self._series[key] = moved(self._own, self.today) if own else made_up(code, self.today)
        return self._series[key]

    def _is_out(self, code: str, date: datetime.date) -> bool:
        if self._replay is None or is_settled(f"{date:%Y-%m}", self.today):
            return True
        waiting = [
            day.date for day in self._all(code).days if not is_settled(f"{day.date:%Y-%m}", self.today)
        ]
        return date in waiting[: int((time.monotonic() - self._began) / self._replay)]

    async def _faulty(
        self, request: web.Request, fault: Fault, table: tuple[bytes, str]
    ) -> web.StreamResponse:
        body, kind = table
        match fault:
            case "500" | "503":
                return web.Response(status=int(fault), text="Service Unavailable")
            case "429" | "403":
                return web.Response(status=int(fault), headers={"Retry-After": "90"}, text="no")
            case "redirect":
                return web.Response(status=307, headers={"Location": "/elsewhere"})
            case "crowded":
                return web.Response(text=CROWDED, content_type="text/html")
            case "closed":
                return web.Response(text=CLOSED, content_type="text/html")
            case "garbage":
                return web.Response(body=bytes(range(256)), content_type=kind)
            case "huge":
                return web.Response(body=b'{"stat":"' + b"x" * (2 << 20) + b'"}', content_type=kind)
            case "gzip":
                answer = web.Response(body=body, content_type=kind)
                answer.enable_compression(web.ContentCoding.gzip)
                return answer
            case "slow":
                await asyncio.sleep(1.0)
                return web.Response(body=body, content_type=kind)
            case "cut":
                cut = web.StreamResponse(
                    headers={"Content-Length": str(len(body)), "Content-Type": f"{kind}; charset=utf-8"}
                )
                await cut.prepare(request)
                await cut.write(body[: len(body) // 2])
                assert request.transport is not None
                request.transport.close()
                return cut


def _page(said: str, table: tuple[str, list[list[str]]] | None) -> str:
    if table is None:
        return f"<!DOCTYPE html><html><body><div>{said}</div></body></html>"
    title, rows = table
    head = "".join(f"<th>{name}</th>" for name in COLUMNS)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>\n" for row in rows)
    return (
        f'<!DOCTYPE html><html><head><meta charset="utf-8"></head><body><table><thead>'
        f'<tr><th colspan="{len(COLUMNS)}"><div>{title}</div></th></tr><tr>{head}</tr></thead>'
        f"<tbody>\n{body}</tbody></table></body></html>"
    )
