"""What goes wrong in the soak, and how long it takes until people are answered again."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.soak_house import BOT, LABOUR, WORKER, House
from benchmarks.soak_requests import cluster

FAULTS: Final[Mapping[str, float]] = {
    "worker": 24, "labour": 16, "database": 22, "gateway": 16, "reconnect": 6, "session": 4, "bot": 6, "sandbox": 6,
}  # fmt: skip
"""How often each comes in a hundred."""
HARMLESS: Final = frozenset({"labour", "database", "gateway", "reconnect", "session"})
"""Those after which bot and worker are the same processes as before."""
UNREACHED: Final = frozenset({"gateway", "reconnect", "session", "bot", "sandbox"})
"""Those during which Discord itself may have to say that the bot does not respond."""
MEANING: Final = {
    "worker": "worker killed",
    "labour": "labour process (clustering) killed",
    "database": "connections to the database ended (SQLite: its lock held for 1 to 8 s)",
    "gateway": "gateway connection dropped (4000)",
    "reconnect": "gateway asks to connect again (op 7)",
    "session": "gateway session invalid (op 9)",
    "bot": "bot killed",
    "sandbox": "sandbox killed, the bot ends with it",
}
PROBE_SECONDS: Final = 5.0
LABOUR_SECONDS: Final = 20.0


@dataclass
class Fault:
    """One fault. `recovered` is the time at which somebody who asked after it had an answer."""

    kind: str
    at: float
    recovered: float | None = None


class Faults:
    """Does what goes wrong."""

    def __init__(self, house: House, seed: int) -> None:
        self._house, self._chance = house, random.Random(seed)
        self.done: list[Fault] = []
        self._clusterings: set[asyncio.Task[Any]] = set()

    async def at_random(self, shares: Mapping[str, float], between: float, until: float) -> None:
        """Have faults happen until then, `between` seconds apart on average."""
        async with asyncio.TaskGroup() as probes:
            while (pause := self._chance.expovariate(1 / between)) + time.monotonic() < until:
                await asyncio.sleep(pause)
                kind = self._chance.choices(list(shares), list(shares.values()))[0]
                await self.happen(kind, probes)

    async def happen(self, kind: str, probes: asyncio.TaskGroup) -> None:
        """Have one fault happen, and note when it is over."""
        doings: dict[str, Callable[[], Awaitable[bool]]] = {
            "worker": lambda: self._kill(WORKER),
            "bot": lambda: self._kill(BOT),
            "labour": self._kill_labour,
            "database": lambda: self._house.disturb_database(self._chance),
            "gateway": lambda: self._house.order("drop"),
            "reconnect": lambda: self._house.order("reconnect"),
            "session": lambda: self._house.order("invalidate"),
            "sandbox": self._kill_sandbox,
        }
        fault = Fault(kind, time.monotonic())
        # Noted before: what it does must not be put down to nothing.
        self.done.append(fault)
        if await doings[kind]():
            probes.create_task(self._probe(fault))
        else:
            self.done.remove(fault)

    def shadow(self, begin: float, end: float, after: float) -> str:
        """Return the kinds of fault, each once, in whose shadow a time lies; empty where there was none."""
        found = []
        for fault in self.done:
            over = (fault.recovered or end) + after
            if fault.at <= end and begin <= over and fault.kind not in found:
                found.append(fault.kind)
        return " ".join(found)

    async def close(self) -> None:
        """Ask for no clustering any more."""
        for task in self._clusterings:
            task.cancel()
        await asyncio.gather(*self._clusterings, return_exceptions=True)

    async def _kill(self, module: str) -> bool:
        return self._house.kill(module)

    async def _kill_sandbox(self) -> bool:
        return self._house.kill_sandbox()

    async def _kill_labour(self) -> bool:
        """Ask for a clustering, and kill the process that does it."""
        if not self._house.people:
            return False
        task = asyncio.create_task(self._clustering())
        self._clusterings.add(task)
        task.add_done_callback(self._clusterings.discard)
        end = time.monotonic() + LABOUR_SECONDS
        while time.monotonic() < end and not task.done():
            if self._house.kill(LABOUR):
                return True
            await asyncio.sleep(0.1)
        return False

    async def _clustering(self) -> None:
        # What becomes of it is asked for in the mix, not here; the sandbox may end meanwhile.
        with suppress(Exception):
            await cluster(self._house.people[1], self._chance)

    async def _probe(self, fault: Fault) -> None:
        while True:
            with suppress(Exception):
                asked = time.monotonic()
                answer = await self._house.people[1].slash("spam score", text="Hello", within=PROBE_SECONDS)
                if asked > fault.at and answer.message.embeds:
                    fault.recovered = time.monotonic()
                    return
            await asyncio.sleep(0.25)
