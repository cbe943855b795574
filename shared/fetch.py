"""Fetches pages from addresses that people sent, without ever reaching what is not public; see SECURITY.md.

Redirects are followed by hand: each address on the way is vetted, its robots.txt asked, its name looked up anew, and
the connection made to an address that was looked at, with no second lookup in between.
"""

import asyncio
import socket
import ssl
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, metadata
from types import TracebackType
from typing import Any, Final, Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from shared.addresses import Reach, refused, vet
from shared.bodies import ENCODINGS, BrokenBody, TooLarge, read_body
from shared.errors import BadInput, Busy, HearthError, Refusal
from shared.robots import LARGEST, Robots

PRODUCT: Final = "HearthBot"
MAX_REDIRECTS: Final = 5
MIB: Final = 2**20
PAGE_LIMIT: Final = 5 * MIB
PDF_LIMIT: Final = 10 * MIB
AT_ONCE: Final = 8
AT_ONCE_FROM_A_HOST: Final = 2
WAITING: Final = 64
GAP_SECONDS: Final = 0.5
"""Between two pages of one host, where its robots.txt does not ask for more."""
REMEMBERED_HOSTS: Final = 512

Lookup = Callable[[str, int], Awaitable[list[str]]]
"""Returns the IP addresses of a name. Raises `OSError` where it has none."""


@dataclass(frozen=True)
class Fetched:
    """A page as it came: where it was in the end, its bytes, its media type (may be empty) and charset, as stated."""

    url: str
    data: bytes
    media_type: str
    charset: str | None


@dataclass
class _Host:
    """What is under way with one host, and when it may be asked again."""

    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE_FROM_A_HOST))
    free_at: float = 0.0
    users: int = 0


def user_agent() -> str:
    """Return what we call ourselves to servers: name, version, and where to read about us, if the project says."""
    try:
        about = metadata("hearth-bot")
    except PackageNotFoundError:
        return PRODUCT
    homes = [each.partition(",")[2].strip() for each in about.get_all("Project-URL") or []]
    return f"{PRODUCT}/{about['Version']}" + (f" (+{homes[0]})" if homes else "")


class Fetcher:
    """Fetches pages, politely. `async with Fetcher() as fetcher`; `lookup` replaces the system's name lookup."""

    def __init__(
        self, *, reach: Reach | None = None, seconds: float = 15.0, lookup: Lookup | None = None
    ) -> None:
        self._reach, self._seconds = reach or Reach(), seconds
        # Of its own: slow lookups must not take the threads of others.
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="lookup")
        self._lookup = lookup or self._system_lookup
        self._places, self._waiting = asyncio.Semaphore(AT_ONCE), 0
        self._hosts: OrderedDict[str, _Host] = OrderedDict()
        self._robots = Robots(self._robots_txt, PRODUCT)
        self._agent = user_agent()

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(
            resolver=_Guard(self._reach, self._lookup),
            use_dns_cache=False,
            force_close=True,
            limit=0,
            socket_factory=self._socket,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None),
            headers={
                "User-Agent": self._agent,
                "Accept": "text/html, application/xhtml+xml, application/pdf;q=0.9, text/plain;q=0.8",
                "Accept-Encoding": ENCODINGS,
            },
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def fetch(self, address: str) -> Fetched:
        """Return the page at an address. Raises `BadInput` and `Refusal`, which say what is the matter with it."""
        url = vet(address, self._reach)
        if self._waiting >= WAITING:
            raise Busy(
                "Busy: {waiting} requests are waiting already. Try again in a moment.", waiting=self._waiting
            )
        self._waiting += 1
        try:
            await self._places.acquire()
        finally:
            self._waiting -= 1
        try:
            async with asyncio.timeout(self._seconds):
                return await self._follow(url)
        except TimeoutError:
            raise Refusal(
                "{host} did not send the page within {seconds:g} s. Try again later, or paste the text itself.",
                host=url.host, seconds=self._seconds,
            ) from None  # fmt: skip
        finally:
            self._places.release()

    async def _follow(self, url: URL) -> Fetched:
        been: set[str | None] = set()
        for _ in range(MAX_REDIRECTS + 1):
            gap = max(await self._robots.check(url), GAP_SECONDS)
            async with self._get(url, 0.0 if url.host in been else gap) as response:
                been.add(url.host)
                if (there := self._redirect(url, response)) is None:
                    _judge(url, response.status)
                    return await self._page(url, response)
            url = there
        raise BadInput("{host} redirects too often.", host=url.host)

    async def _robots_txt(self, url: URL) -> tuple[int, bytes]:
        for _ in range(MAX_REDIRECTS + 1):
            async with self._get(url) as response:
                if (there := self._redirect(url, response)) is None:
                    if response.status != 200:
                        return response.status, b""
                    return 200, await _body(url, response, LARGEST, cut=True)
            url = there
        return 404, b""

    def _redirect(self, url: URL, response: aiohttp.ClientResponse) -> URL | None:
        """Return where a response sends us, vetted. From https to http is allowed: nothing secret is sent."""
        where = response.headers.get("Location")
        if response.status not in (301, 302, 303, 307, 308) or where is None:
            return None
        try:
            there = str(url.join(URL(where.strip())))
        except ValueError:
            there = where
        return vet(there, self._reach)

    @asynccontextmanager
    async def _get(self, url: URL, gap: float = 0.0) -> AsyncIterator[aiohttp.ClientResponse]:
        async with self._turn(url.host or "", gap):
            try:
                async with self._session.get(url, allow_redirects=False) as response:
                    yield response
            except aiohttp.ClientError as error:
                raise _trouble(url, error) from error

    @asynccontextmanager
    async def _turn(self, name: str, gap: float) -> AsyncIterator[None]:
        """Wait until a host may be asked: few at once, and so many seconds after the last that waited."""
        loop = asyncio.get_running_loop()
        host = self._hosts.setdefault(name, _Host())
        self._hosts.move_to_end(name)
        host.users += 1
        try:
            async with host.places:
                if gap:
                    start = max(loop.time(), host.free_at)
                    host.free_at = start + gap
                    await asyncio.sleep(start - loop.time())
                yield
        finally:
            host.users -= 1
            while len(self._hosts) > REMEMBERED_HOSTS:
                idle = next((each for each, kept in self._hosts.items() if not kept.users), None)
                if idle is None:
                    break
                del self._hosts[idle]

    async def _page(self, url: URL, response: aiohttp.ClientResponse) -> Fetched:
        media_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        limit = PDF_LIMIT if media_type in _MAYBE_PDF else PAGE_LIMIT
        if media_type not in _READ:
            raise BadInput(
                "{host} sent no article but a file of the kind {kind}: web pages, plain text and PDF can be read.",
                host=url.host, kind=media_type[:60],
            )  # fmt: skip
        data = await _body(url, response, limit)
        if len(data) > PAGE_LIMIT and b"%PDF-" not in data[:1024]:
            raise _too_large(url, PAGE_LIMIT)
        try:
            charset = response.charset
        except LookupError:
            charset = None
        return Fetched(str(url), data, media_type, charset)

    def _socket(self, info: Any) -> socket.socket:
        """Make the socket of a connection; the last look at where it goes."""
        family, kind, protocol, _, where = info
        if family not in (socket.AF_INET, socket.AF_INET6) or not self._reach.permits(where[0], where[1]):
            raise refused(str(where[0]))
        return socket.socket(family, kind, protocol)

    async def _system_lookup(self, name: str, port: int) -> list[str]:
        def look_up() -> list[str]:
            found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
            return [str(each[4][0]) for each in found]

        return await asyncio.get_running_loop().run_in_executor(self._threads, look_up)


_MAYBE_PDF: Final = frozenset(
    {"application/pdf", "application/x-pdf", "application/octet-stream", "binary/octet-stream", ""}
)
_READ: Final = _MAYBE_PDF | {"text/html", "application/xhtml+xml", "text/plain", "text/markdown"}


class _Guard(AbstractResolver):
    """Looks names up for the connector, and hands on only what may be connected to: all of a name's, or none."""

    def __init__(self, reach: Reach, lookup: Lookup) -> None:
        self._reach, self._lookup = reach, lookup

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return a name's addresses. Raises `BadInput` where it has none, or a single one that is not public."""
        try:
            found = list(dict.fromkeys(await self._lookup(host, port)))
        except (OSError, UnicodeError):
            found = []
        if not found:
            raise BadInput("{host} cannot be found. Is the address right?", host=host)
        if not all(self._reach.permits(each, port) for each in found):
            raise refused(host)
        return [
            ResolveResult(
                hostname=host,
                host=each,
                port=port,
                family=socket.AF_INET6 if ":" in each else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for each in found[:8]
        ]

    async def close(self) -> None:
        """Do nothing."""


async def _body(url: URL, response: aiohttp.ClientResponse, limit: int, *, cut: bool = False) -> bytes:
    if not cut and (response.content_length or 0) > limit:
        raise _too_large(url, limit)
    encoding = response.headers.get("Content-Encoding", "")
    try:
        return await read_body(response.content.iter_any(), encoding, limit, cut=cut)
    except TooLarge:
        raise _too_large(url, limit) from None
    except BrokenBody:
        raise Refusal("What {host} sent cannot be read. Paste the text itself.", host=url.host) from None


def _too_large(url: URL, limit: int) -> BadInput:
    return BadInput(
        "The page at {host} is larger than {limit} MiB. Paste the part that matters.",
        host=url.host, limit=limit // MIB,
    )  # fmt: skip


def _judge(url: URL, status: int) -> None:
    """Raise what a status means to who asked, unless it is 200."""
    host = url.host
    match status:
        case 200 | 203:
            return
        case 401 | 402 | 403 | 407 | 451:
            raise Refusal(
                "{host} does not show that page to everybody: it may need a subscription or a login. "
                "Paste the text itself.",
                host=host,
            )
        case 404 | 410:
            raise BadInput("{host} has no such page. Is the address right?", host=host)
        case 429:
            raise Refusal("{host} is asked too often at the moment. Try again later.", host=host)
        case _ if status >= 500:
            raise Refusal(
                "{host} has trouble of its own (error {status}). Try again later.", host=host, status=status
            )
    raise Refusal("{host} did not send that page (answer {status}).", host=host, status=status)


def _trouble(url: URL, error: aiohttp.ClientError) -> HearthError:
    """Say what kept us from a page."""
    match error:
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
            return Refusal(
                "{host} cannot prove that it is {host}: its certificate is not valid.", host=url.host
            )
        case _ if isinstance(error.__cause__, ssl.SSLError):
            return Refusal(
                "{host} cannot prove that it is {host}: its certificate is not valid.", host=url.host
            )
        case aiohttp.InvalidURL():
            return refused(str(url)[:100])
        case aiohttp.ClientConnectorError():
            return Refusal("{host} cannot be reached. Try again later.", host=url.host)
    return Refusal("{host} broke off before the page had come. Try again later.", host=url.host)
