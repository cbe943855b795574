"""The soak: people ask for everything at a steady rate while processes and connections are killed; nobody is lost.

`python -m benchmarks soak` runs it for 30 minutes (HEARTH_BENCH_MINUTES says otherwise) on PostgreSQL where that is
installed, else on SQLite. In the last third nothing is killed that would end the bot or its worker, so that their
memory can be seen to stay.
"""

import asyncio
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import aiohttp

from benchmarks.soak_faults import FAULTS, HARMLESS, UNREACHED, Faults
from benchmarks.soak_house import BEGUN, House
from benchmarks.soak_memory import Watch
from benchmarks.soak_report import OUTCOMES, Plan, Request, Soak, report
from benchmarks.soak_requests import Kind, kinds, prepare
from tests.kit.answer import Answer, Message, Refused, Unanswered
from tests.kit.person import Person
from tests.kit.postgres import binaries, postgres

MINUTES: Final = 30.0
RATE: Final = 20.0
GIVEN_UP: Final = 150.0
"""Seconds after which a request is lost: the bot's own deadline is 60, and 60 more are for a recovery."""
SHADOW: Final = 30.0
"""Seconds after a fault within which what happens is put down to it."""
RESTARTED: Final = ("was restarted while it worked on this", "The bot is restarting")


class _People:
    """Asks on behalf of everybody, and sees what becomes of it."""

    def __init__(self, house: House, plan: Plan, soak: Soak, faults: Faults, begin: float) -> None:
        self._house, self._plan, self._soak, self._faults, self._begin = house, plan, soak, faults, begin
        self._chance = random.Random(plan.seed)
        every = kinds(self._chance)
        self._kinds = [each for each in every if plan.mix is None or each.name in plan.mix]
        self._shares = [each.share for each in self._kinds]
        self._claimed: set[str] = set()

    async def ask(self, group: asyncio.TaskGroup, until: float) -> None:
        """Begin requests at the plan's rate, whether earlier ones were answered or not."""
        due = time.monotonic()
        while due < until:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            due += 1 / self._plan.rate
            kind = self._chance.choices(self._kinds, self._shares)[0]
            if len(self._house.people) < 3 or not self._house.there.is_set():
                self._soak.unsent += 1
                continue
            person = self._house.people[0 if kind.by_admin else self._chance.randrange(3)]
            group.create_task(self._one(kind, person))

    async def _one(self, kind: Kind, person: Person) -> None:
        asked = time.monotonic()
        outcome, said = await self._outcome(kind, person, asked)
        if outcome is None:
            self._soak.unsent += 1
            return
        after = self._faults.shadow(asked, time.monotonic(), SHADOW)
        self._soak.requests.append(
            Request(kind.name, asked - self._begin, time.monotonic() - asked, outcome, after, said[:300])
        )

    async def _outcome(self, kind: Kind, person: Person, asked: float) -> tuple[str | None, str]:
        begun: list[Answer] = []
        BEGUN.set(begun)
        work = asyncio.create_task(kind.ask(person))
        cut = asyncio.create_task(person.cut_off.wait())
        try:
            await asyncio.wait([work, cut], timeout=GIVEN_UP, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                return await self._judged(kind, person, work, begun, asked)
            if cut.done():
                return await self._cut_off(person, begun)
            return "lost", f"nothing within {GIVEN_UP:g} s: {begun}"
        finally:
            for task in (work, cut):
                task.cancel()
            await asyncio.gather(work, cut, return_exceptions=True)

    async def _judged(
        self, kind: Kind, person: Person, work: asyncio.Task[Answer], begun: list[Answer], asked: float
    ) -> tuple[str | None, str]:
        match work.exception():
            case None:
                return _told(kind, work.result())
            case Unanswered() if begun and begun[-1].failed == "timeout":
                unreached = UNREACHED & set(self._faults.shadow(asked, time.monotonic(), SHADOW).split())
                said = "not acknowledged within 3 s"
                return ("no response", said) if unreached else ("lost", f"{said}, though nothing was amiss")
            case Unanswered() as error:
                return "lost", str(error)
            # Discord's client, or the connection to the sandbox.
            case Refused() | aiohttp.ClientError() | OSError() | RuntimeError() | AssertionError() as error:
                if begun and not person.cut_off.is_set() and not begun[-1].is_settled():
                    return "lost", repr(error)
                return await self._cut_off(person, begun)
            case error:
                raise error

    async def _cut_off(self, person: Person, begun: list[Answer]) -> tuple[str | None, str]:
        """Say what became of a request whose sandbox was killed: the bot may still tell it in the channel."""
        if not begun:
            return None, ""
        last = begun[-1]
        if last.is_settled():
            return "answered", ""
        if last.callback_type is None:
            return "gone", ""
        called = f"<@{person.id}> "

        def wanted(message: Message) -> bool:
            return message.content.startswith(called) and message.id not in self._claimed

        try:
            async with asyncio.timeout(GIVEN_UP):
                back = await self._house.back(person)
                message = await back.sees(wanted, within=GIVEN_UP)
        except (TimeoutError, Unanswered):
            return "lost", f"the sandbox was killed after {last!r}"
        self._claimed.add(message.id)
        return "restarted", message.content


def _told(kind: Kind, answer: Answer) -> tuple[str, str]:
    if not answer.messages:
        return "answered", ""
    message, said = answer.message, answer.text
    if any(words in said for words in RESTARTED):
        return "restarted", said
    if "id: `" in said or said.startswith("Busy"):
        return "error", said
    plain = message.ephemeral and not message.embeds and not message.attachments
    return ("refused" if kind.refusable or (plain and kind.name != "button") else "answered"), said


async def soak(plan: Plan, database: str | None = None, settings: Mapping[str, str] | None = None) -> Soak:
    """Run the plan on the database of this address (SQLite if none is given)."""
    with tempfile.TemporaryDirectory(prefix="hearth-soak-") as name:
        house = House(Path(name) / "data", database, settings or {})
        faults = Faults(house, plan.seed + 1)
        try:
            await house.start()
            if plan.mix is None or "stock forecast" in plan.mix:
                await prepare(house.people[0])
            return await _soak(plan, house, faults)
        finally:
            await faults.close()
            await house.close()
            if (keep := os.environ.get("HEARTH_SOAK_LOG")) and house.log.exists():
                Path(keep).write_bytes(house.log.read_bytes())


async def _soak(plan: Plan, house: House, faults: Faults) -> Soak:
    watch = Watch(house)
    found = Soak(
        plan, plan.seconds, watch=watch, database="SQLite" if house.database is None else "PostgreSQL"
    )
    begin = time.monotonic()
    looking, telling = asyncio.create_task(watch.run()), asyncio.create_task(_tell(found, begin))
    people = _People(house, plan, found, faults, begin)
    shares = {kind: share for kind, share in FAULTS.items() if kind in plan.faults}
    mild = {kind: share for kind, share in shares.items() if kind in HARMLESS}
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(people.ask(group, begin + plan.seconds))
            if plan.timetable:
                group.create_task(_on_time(plan, faults, begin))
            else:
                await faults.at_random(shares, plan.between, begin + plan.seconds * 2 / 3)
                if mild:
                    await faults.at_random(mild, plan.between, begin + plan.seconds - 20)
    finally:
        for task in (looking, telling):
            task.cancel()
        await asyncio.gather(looking, telling, return_exceptions=True)
    found.seconds = time.monotonic() - begin
    found.faults = [
        replace(
            each, at=each.at - begin, recovered=None if each.recovered is None else each.recovered - begin
        )
        for each in faults.done
    ]
    return found


async def _tell(found: Soak, begin: float) -> None:
    """Say each minute how it stands."""
    while True:
        await asyncio.sleep(60)
        counts = Counter(each.outcome for each in found.requests)
        said = " ".join(f"{outcome}={counts[outcome]}" for outcome in OUTCOMES)
        print(f"{(time.monotonic() - begin) / 60:.0f} min: {said}", file=sys.stderr, flush=True)


async def _on_time(plan: Plan, faults: Faults, begin: float) -> None:
    async with asyncio.TaskGroup() as probes:
        for at, kind in plan.timetable:
            await asyncio.sleep(max(0.0, begin + at - time.monotonic()))
            await faults.happen(kind, probes)


def section() -> str:
    """Run it for HEARTH_BENCH_MINUTES at HEARTH_BENCH_RATE a second, and return the section's Markdown."""
    minutes = float(os.environ.get("HEARTH_BENCH_MINUTES", MINUTES))
    rate = float(os.environ.get("HEARTH_BENCH_RATE", RATE))
    plan = Plan(minutes * 60, rate)
    # Told to stop, it stops what it has started, the database's server too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if binaries() is None or os.environ.get("HEARTH_BENCH_DATABASE") == "sqlite":
        found = asyncio.run(soak(plan))
    else:
        with postgres() as address:
            found = asyncio.run(soak(plan, address))
    return report(found)


if __name__ == "__main__":
    sys.stdout.write(section() + "\n")
