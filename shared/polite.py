"""Asks an endpoint politely: few and slow requests, robots.txt respected, and an end as soon as a server wants none.

It stands on the fetcher of articles, so that no address on the way leads to what is not public.
"""

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

import aiohttp
from yarl import URL

from shared.addresses import Reach, vet
from shared.bodies import BrokenBody, TooLarge, read_body
from shared.errors import BadInput, Refusal
from shared.fetch import MAX_REDIRECTS, Fetcher

TRIES: Final = 3
"""How often a request is made that a server has trouble with (an answer of 500 and above)."""
LONGEST_PAUSE: Final = 7 * 86_400.0
UNWANTED_PAUSE: Final = 86_400.0
"""Seconds without a request after a 403 or 429 that does not say how many."""
TROUBLE_PAUSE: Final = 3_600.0
"""Seconds without a request after a server had trouble of its own time and again."""
LONGEST_WAIT: Final = 60.0
"""Seconds that are waited within a run before a request is made again."""


class Stop(Exception):
    """A server wants no more requests, for `seconds`."""

    def __init__(self, why: str, seconds: float) -> None:
        super().__init__(why)
        self.seconds = seconds


class Unreadable(Exception):
    """What an address led to cannot be used; the next may be. `lasting`: nor will it be another time."""

    def __init__(self, why: str, *, lasting: bool = True) -> None:
        super().__init__(why)
        self.lasting = lasting


class Client(Fetcher):
    """`async with Client(...) as client`; `gap` are the seconds between two requests to one host."""

    def __init__(self, *, reach: Reach | None = None, gap: float, seconds: float = 30.0) -> None:
        super().__init__(reach=reach, seconds=seconds)
        self._gap = gap

    async def get(
        self, address: str, limit: int, headers: Mapping[str, str], secret: Mapping[str, str] | None = None
    ) -> bytes:
        """Return what is at an address, of `limit` bytes at most. Raises `Stop` and `Unreadable`.

        `secret` are headers such as a key: they are sent to the address itself, not to where it redirects.
        """
        for attempt in range(1, TRIES + 1):
            try:
                return await self._once(address, limit, headers, secret or {})
            except _Trouble as trouble:
                if attempt == TRIES:
                    raise Stop(str(trouble), TROUBLE_PAUSE) from None
                if trouble.seconds > LONGEST_WAIT:
                    raise Stop(str(trouble), trouble.seconds) from None
                await asyncio.sleep(max(trouble.seconds, self._gap * 2**attempt))
            except (BadInput, BrokenBody, TooLarge) as error:
                raise Unreadable(str(error) or type(error).__name__) from error
            except (Refusal, TimeoutError, aiohttp.ClientError) as error:
                raise Unreadable(str(error) or type(error).__name__, lasting=False) from error
        raise AssertionError

    async def _once(
        self, address: str, limit: int, headers: Mapping[str, str], secret: Mapping[str, str]
    ) -> bytes:
        url = first = vet(address, self._reach)
        for _ in range(MAX_REDIRECTS + 1):
            async with asyncio.timeout(self._seconds):
                gap = max(await self._robots.check(url), self._gap)
            sent = {**headers, **secret} if url.origin() == first.origin() else headers
            # Waiting for one's turn is no slowness of the server.
            async with (
                self._turn(url.host or "", gap),
                asyncio.timeout(self._seconds),
                self._session.get(url, headers=sent, allow_redirects=False) as response,
            ):
                if (there := self._redirect(url, response)) is None:
                    _judge(url, response)
                    encoding = response.headers.get("Content-Encoding", "")
                    return await read_body(response.content.iter_any(), encoding, limit)
            url = there
        raise BadInput("{host} redirects too often.", host=url.host)


class _Trouble(Exception):
    """A server has trouble of its own; perhaps it is over in `seconds`."""

    def __init__(self, why: str, seconds: float) -> None:
        super().__init__(why)
        self.seconds = seconds


def retry_after(said: str | None, default: float) -> float:
    """Return the seconds that a `Retry-After` asks for: a number, or a date (RFC 9110, 10.2.3); a week at most."""
    seconds = default
    if said is not None:
        said = said.strip()
        if said.isascii() and said.isdigit() and len(said) <= 12:
            seconds = float(said)
        else:
            try:
                date = parsedate_to_datetime(said)
            except ValueError:
                date = None
            if date is not None:
                seconds = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - time.time()
    return min(max(seconds, 0.0), LONGEST_PAUSE)


def _judge(url: URL, response: aiohttp.ClientResponse) -> None:
    said = response.headers.get("Retry-After")
    match response.status:
        case 200:
            return
        case 403:
            raise Stop(f"{url.host} forbids it (403)", retry_after(said, UNWANTED_PAUSE))
        case 429:
            raise Stop(f"{url.host} is asked too often (429)", retry_after(said, UNWANTED_PAUSE))
        case status if status >= 500:
            raise _Trouble(f"{url.host} has trouble of its own ({status})", retry_after(said, 0.0))
        case status:
            raise Unreadable(f"{url.host} answers {status}")
