"""A small web on loopback, of pages written here: good ones in several encodings, and all kinds of bad ones.

async with Web() as web:
    Fetcher(reach=web.reach) … fetch(web.url("/article"))
"""

import asyncio
import contextlib
import gzip
from collections import Counter
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Final, Self

from aiohttp import web

from shared.addresses import Reach

HOST: Final = "127.0.0.1"
CANARY_HOST: Final = "127.0.0.2"
"""Stands for a machine inside: it listens on the same port, and nobody may come to it."""

ENGLISH: Final = [
    "The harbour authority said on Monday that it would close the old ferry terminal at the end of October.",
    "Engineers had found cracks in eleven of the forty piles that carry the building, and repairs would cost more "
    "than a new one.",
    "Ferries will leave from the eastern quay until the new terminal opens, which is planned for the spring of "
    "the year after next.",
    "Shopkeepers in the arcade, some of whom have been there for thirty years, were told in a letter last week.",
    "“Nobody asked us,” said the owner of the bookshop, who expects to lose half of her customers.",
    "The authority answered that it would pay each tenant the rent of a year, and help to look for other rooms.",
]
CHINESE: Final = [
    "港務局星期一表示，舊渡輪碼頭將於十月底關閉。",
    "工程師發現支撐建築物的四十根基樁中有十一根出現裂縫，修復的費用比重建還高。",
    "新碼頭預計於後年春天啟用，在此之前渡輪改由東岸碼頭出發。",
    "商店街的店家上星期收到通知，其中有些人已經在那裡經營了三十年。",
    "「沒有人問過我們的意見。」書店老闆說，她估計將失去一半的客人。",
    "港務局回應，會補償每位承租人一年的租金，並協助尋找其他店面。",
]
SIMPLIFIED: Final = [
    "港务局星期一表示，旧渡轮码头将于十月底关闭。",
    "工程师发现支撑建筑物的四十根基桩中有十一根出现裂缝，修复的费用比重建还高。",
    "新码头预计于后年春天启用，在此之前渡轮改由东岸码头出发。",
    "商店街的店家上星期收到通知，其中有些人已经在那里经营了三十年。",
    "书店老板说，没有人问过他们的意见，她估计将失去一半的客人。",
    "港务局回应，会补偿每位承租人一年的租金，并协助寻找其他店面。",
]


def page(paragraphs: list[str], title: str, *, head: str = "", charset: str | None = None) -> str:
    """Write a page as newspapers do: navigation, the article, links to others, a footer."""
    meta = f'<meta charset="{charset}">' if charset else ""
    body = "".join(f"<p>{paragraph}</p>\n" for paragraph in paragraphs)
    menu = "".join(f'<li><a href="/section/{n}">Section {n}</a></li>' for n in range(8))
    return (
        f"<!DOCTYPE html><html><head>{meta}<title>{title} | Harbour Post</title>"
        f'<meta property="og:title" content="{title}"><meta property="og:site_name" content="Harbour Post">'
        f'<meta property="article:published_time" content="2026-10-05T08:30:00Z">'
        f'<meta name="author" content="Rosa Lindqvist">{head}</head><body><nav><ul>{menu}</ul></nav>'
        f"<main><article><h1>{title}</h1>{body}</article></main>"
        f"<aside><h2>Most read</h2><ul>{menu}</ul></aside><footer>Imprint. All rights reserved.</footer></body></html>"
    )


def pdf(paragraphs: list[str], *, title: str = "", pages: int = 1) -> bytes:
    """Write a PDF in which each paragraph (of Latin letters) is set in lines of some sixty characters."""
    lines = [line for paragraph in paragraphs for line in _wrapped(paragraph)]
    shown = "".join(f"({_escaped(line)}) Tj T*\n" for line in lines)
    content = f"BT /F1 11 Tf 14 TL 60 780 Td\n{shown}ET".encode("latin-1", "replace")
    kids = " ".join(f"{6 + n} 0 R" for n in range(pages))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {pages} >>".encode(),
        b"<< /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >> >> >>",
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(content), content),
        f"<< /Title ({_escaped(title)}) /Author (Rosa Lindqvist) /CreationDate (D:20261005083000Z) >>".encode(),
    ]
    leaf = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources 3 0 R >>"
    return _file([*objects, *[leaf] * pages])


def _file(objects: list[bytes]) -> bytes:
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R /Info 5 0 R >>\n" % (len(objects) + 1)
    return bytes(out + b"startxref\n%d\n%%%%EOF\n" % start)


def _wrapped(paragraph: str) -> list[str]:
    lines = [""]
    for word in paragraph.split():
        if len(lines[-1]) + len(word) > 60:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


class Web:
    """The web. `hits` counts requests by path; `canary` what came to the machine inside; `robots` is what is asked."""

    def __init__(self) -> None:
        self.hits: Counter[str] = Counter()
        self.agents: set[str] = set()
        self.cookies: list[str] = []
        self.canary: list[str] = []
        self.robots: str | int = "User-agent: *\nDisallow: /private/\n"
        self.most_at_once = 0
        self._now = 0
        self._runners: list[web.AppRunner] = []
        self.port = 0

    @property
    def reach(self) -> Reach:
        """Allow this web's address, and nothing else inside."""
        return Reach.of([f"{HOST}/32"])

    def url(self, path: str, host: str = HOST) -> str:
        """Return the address of a page."""
        return f"http://{host}:{self.port}{path}"

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._count])
        app.router.add_get("/robots.txt", self._robots_txt)
        app.router.add_get("/{path:.*}", self._any)
        self.port = await self._serve(app, HOST, 0)
        inside = web.Application()
        inside.router.add_get("/{path:.*}", self._inside)
        await self._serve(inside, CANARY_HOST, self.port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for runner in self._runners:
            await runner.cleanup()

    async def _serve(self, app: web.Application, host: str, port: int) -> int:
        # Slow pages are given up at once when the web goes away.
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        self._runners.append(runner)
        await runner.setup()
        site = web.TCPSite(runner, host, port)
        await site.start()
        return int(runner.addresses[0][1])

    @web.middleware
    async def _count(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        self.hits[request.path] += 1
        self.agents.add(request.headers.get("User-Agent", ""))
        self.cookies += request.headers.getall("Cookie", [])
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        try:
            return await handler(request)
        finally:
            self._now -= 1

    async def _inside(self, request: web.Request) -> web.Response:
        self.canary.append(request.path)
        return web.Response(text="the secret inside")

    async def _robots_txt(self, request: web.Request) -> web.Response:
        if isinstance(self.robots, int):
            return web.Response(status=self.robots)
        return web.Response(text=self.robots)

    async def _any(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        match path.strip("/").split("/"):
            case ["status", code]:
                return web.Response(
                    status=int(code), text=page(ENGLISH, "Ferry terminal"), content_type="text/html"
                )
            case ["chain", left] if int(left) > 0:
                raise web.HTTPFound(f"/chain/{int(left) - 1}")
            case ["to"]:
                return web.Response(status=302, headers={"Location": request.query["where"]})
            case ["kind"]:
                return web.Response(
                    body=b"\x00\x01\x02" * 100, headers={"Content-Type": request.query["type"]}
                )
            case ["drip"]:
                return await self._drip(request)
            case ["endless"]:
                return await self._endless(request)
            case ["bomb"]:
                return self._bomb(request.query.get("encoding", "gzip"))
            case ["broken"]:
                return web.Response(body=b"no gzip at all" * 20, headers=_html({"Content-Encoding": "gzip"}))
            case ["slow"]:
                await asyncio.sleep(0.2)
        if path in BAD:
            return web.Response(body=BAD[path].encode(), headers=_html())
        return _good(path)

    def _bomb(self, encoding: str) -> web.Response:
        # 60 MiB of one letter: about 60 KiB as they are sent.
        body = gzip.compress(b"<html><body><p>" + b"a" * 60 * 2**20)
        return web.Response(body=body, headers=_html({"Content-Encoding": encoding}))

    async def _drip(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers=_html())
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            for letter in page(ENGLISH, "Slow"):
                await response.write(letter.encode())
                await asyncio.sleep(0.05)
        return response

    async def _endless(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers=_html())
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            while True:
                await response.write(b"<p>and so on</p>" * 4096)
        return response


def _html(more: dict[str, str] | None = None) -> dict[str, str]:
    return {"Content-Type": "text/html", **(more or {})}


def _good(path: str) -> web.Response:
    match path:
        case "/article" | "/chain/0" | "/slow" | "/private/article":
            return web.Response(text=page(ENGLISH, "Ferry terminal to close"), content_type="text/html")
        case "/cookie":
            response = web.Response(text=page(ENGLISH, "Ferry terminal to close"), content_type="text/html")
            response.set_cookie("visitor", "1")
            return response
        case "/gzip":
            body = gzip.compress(page(ENGLISH, "Ferry terminal to close").encode())
            return web.Response(body=body, headers=_html({"Content-Encoding": "gzip"}))
        case "/big5":
            # Said in the header only.
            text = page(CHINESE, "舊渡輪碼頭將關閉").encode("big5")
            return web.Response(body=text, headers={"Content-Type": "text/html; charset=big5"})
        case "/gbk":
            # Said in the page only.
            text = page(SIMPLIFIED, "旧渡轮码头将关闭", charset="gb2312").encode("gbk")
            return web.Response(body=text, headers=_html())
        case "/unsaid":
            return web.Response(body=page(CHINESE, "舊渡輪碼頭將關閉").encode("big5"), headers=_html())
        case "/lie":
            text = page(CHINESE, "舊渡輪碼頭將關閉").encode("big5")
            return web.Response(body=text, headers={"Content-Type": "text/html; charset=utf-8"})
        case "/notes.txt":
            return web.Response(text="\n".join(ENGLISH), content_type="text/plain")
        case "/report.pdf":
            return web.Response(
                body=pdf(ENGLISH, title="Report on the piles"), content_type="application/pdf"
            )
        case "/download":
            return web.Response(body=pdf(ENGLISH), content_type="application/octet-stream")
    return web.Response(status=404, text="no such page")


_NOT_FREE = (
    '<script type="application/ld+json">{"@type": "NewsArticle", "isAccessibleForFree": "False"}</script>'
)
BAD: Final = {
    "/paywall": page(ENGLISH[:2], "Ferry terminal to close", head=_NOT_FREE),
    "/login": "<html><body><h1>Sign in</h1><form><label>Name <input></label><label>Password <input></label>"
    "<button>Sign in</button></form><p>Forgot your password?</p></body></html>",
    "/index": "<html><body><h1>News</h1><ul>"
    + "".join(f'<li><a href="/{n}">Council votes on plan number {n}</a></li>' for n in range(60))
    + "</ul></body></html>",
    "/scripts": "<html><body><div id=root></div><script>render()</script>"
    "<noscript>Please enable JavaScript. It is needed to read this.</noscript></body></html>",
}
"""Pages that are no article, or only the beginning of one."""
