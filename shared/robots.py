"""Respects robots.txt (RFC 9309): fetched once in a while for each site, kept in a bounded cache."""

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from protego import Protego
from yarl import URL

from shared.errors import Refusal

LARGEST: Final = 500 * 1024
"""Bytes of a robots.txt that are read; the rest is ignored, as the RFC has it."""
KEPT_SECONDS: Final = 3600.0
KEPT_TROUBLE_SECONDS: Final = 60.0
KEPT_SITES: Final = 256
LONGEST_DELAY: Final = 5.0
_AGENT_LINE: Final = re.compile(r"\s*user[- ]?agent\s*:?\s*([^#\s]*)", re.IGNORECASE)

Get = Callable[[URL], Awaitable[tuple[int, bytes]]]
"""Fetches a robots.txt, guarded like any page: its status and its first `LARGEST` bytes."""


@dataclass(frozen=True)
class _Rules:
    """What a site said: its rules, or (None) that nobody may read until it answers again."""

    rules: Protego | None
    until: float


class Robots:
    """Knows what sites let a program named `agent` read."""

    def __init__(self, get: Get, agent: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._get, self._agent, self._clock = get, agent, clock
        self._kept: OrderedDict[str, _Rules] = OrderedDict()
        self._locks: dict[str, asyncio.Lock] = {}

    async def check(self, url: URL) -> float:
        """Return the seconds that the site wants between two requests. Raises `Refusal` where it lets nobody read."""
        rules = (await self._rules(str(url.origin()))).rules
        if rules is None:
            raise Refusal(
                "{host} does not say now whether programs may read it. Try again later, or paste the text itself.",
                host=url.host,
            )
        # Beside the loop, as the parsing is: half a megabyte of rules takes a third of a second.
        if not await asyncio.to_thread(rules.can_fetch, str(url), self._agent):
            raise Refusal(
                "{host} asks programs not to read that page (robots.txt). Paste the text itself.",
                host=url.host,
            )
        return min(max(rules.crawl_delay(self._agent) or 0.0, 0.0), LONGEST_DELAY)

    async def _rules(self, origin: str) -> _Rules:
        lock = self._locks.setdefault(origin, asyncio.Lock())
        try:
            # Who comes while it is fetched waits for it.
            async with lock:
                kept = self._kept.get(origin)
                if kept is None or kept.until < self._clock():
                    kept = self._kept[origin] = await self._fetched(origin)
                self._kept.move_to_end(origin)
                while len(self._kept) > KEPT_SITES:
                    self._kept.popitem(last=False)
                return kept
        finally:
            if not lock.locked():
                self._locks.pop(origin, None)

    async def _fetched(self, origin: str) -> _Rules:
        status, data = await self._get(URL(origin) / "robots.txt")
        if status >= 500:
            return _Rules(None, self._clock() + KEPT_TROUBLE_SECONDS)
        text = data.decode("utf-8-sig", "replace") if 200 <= status < 300 else ""
        rules = await asyncio.to_thread(Protego.parse, _without_others(text, self._agent))
        return _Rules(rules, self._clock() + KEPT_SECONDS)


def _without_others(text: str, agent: str) -> str:
    """Let all other programs bear one name: thousands of them, each with thousands of rules, would be millions."""
    lines = []
    for line in text.splitlines():
        named = _AGENT_LINE.match(line)
        if named and named[1] != "*":
            ours = named[1].lower().startswith(agent.lower())
            line = f"User-agent: {agent if ours else 'another'}"
        lines.append(line)
    return "\n".join(lines)
