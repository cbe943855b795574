"""What runs on a schedule: what scheduling itself costs, and what a training takes from those who chat meanwhile."""

import asyncio
import contextlib
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final

import msgspec
import structlog

from benchmarks.roundtrip import SPAM, started
from bot.labour import labour
from schedules.ledger import Claim, Ledger
from schedules.runner import Runner
from shared.database import Database
from shared.jobs import Jobs, milliseconds
from shared.migrate import migrate
from shared.model import Progress
from shared.plugin import Job
from shared.schedule import Schedule
from tests.kit.person import Person

JOBS: Final = 10_000
DUE: Final = 1_000
REQUESTS: Final = 300


async def nothing(_claim: Claim, _job: Job) -> None:
    """Do nothing, so that only the scheduling is measured."""


async def scheduling() -> list[tuple[str, str]]:
    """Measure a database of many jobs: idle turns, and due runs that do nothing."""
    found = []
    async with _jobs() as (database, jobs, runner, clock):
        before = time.perf_counter()
        for n in range(JOBS):
            await jobs.put("bench", "nothing", Schedule.read("14:45" if n >= DUE else "14:30"), key=str(n))
        found.append((f"adding {JOBS:,} jobs", f"{(time.perf_counter() - before) / JOBS * 1e3:.2f} ms each"))
        turns = [await _seconds(runner.turn()) for _ in range(50)]
        found.append(
            (f"a look at {JOBS:,} jobs, none of them due", f"{statistics.median(turns) * 1e3:.2f} ms")
        )
        (first, *_) = await jobs.find("bench", "nothing", key="0")
        assert first.next_ms is not None
        clock["now"] = first.next_ms
        before = time.perf_counter()
        moved = await runner.ledger.advance()
        found.append(
            (
                f"writing down {moved:,} due times",
                f"{(time.perf_counter() - before) / moved * 1e3:.2f} ms each",
            )
        )
        before = time.perf_counter()
        for _ in range(DUE):
            await runner.turn()
            await runner.idle()
            if not await database.transact(lambda c: c.exec_driver_sql(OPEN).first()):
                break
        seconds = time.perf_counter() - before
        found.append((f"{DUE:,} due runs that do nothing, four at once", f"{DUE / seconds:,.0f} a second"))
    return found


OPEN: Final = "select 1 from job_run where state in ('waiting', 'running') limit 1"


@asynccontextmanager
async def _jobs() -> AsyncIterator[tuple[Database, Jobs, Runner, dict[str, int]]]:
    clock = {"now": milliseconds(datetime(2026, 1, 1, tzinfo=UTC))}
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite+aiosqlite:///{folder}/bench.db")
        await migrate(database)
        job = Job(name="nothing", run=nothing)  # type: ignore[arg-type]
        ledger = Ledger(database, instance="bench", life="1", now=lambda: clock["now"])
        runner = Runner(ledger, lambda: {("bench", "nothing"): job}, nothing)
        try:
            yield database, Jobs(database, lambda: clock["now"]), runner, clock
        finally:
            await database.close()


async def latency() -> list[tuple[str, str]]:
    """Measure how long chat waits for a model while the bot is idle, and while a training runs beside it."""
    found = []
    async with started() as sandbox, Person(sandbox.url, "member-1") as person:
        await person.waits_for_command("spam", within=60)
        for _ in range(30):
            await person.slash("spam score", text=SPAM, within=30)
        idle = await _answers(person)
        training = asyncio.create_task(_train())
        await asyncio.sleep(8)
        busy = await _answers(person)
        still = not training.done()
        training.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await training
        assert still, "the training ended before the measurement"
        for name, times in (("idle", idle), ("while a model is trained", busy)):
            middle, late = statistics.median(times) * 1e3, times[int(len(times) * 0.99)] * 1e3
            found.append(
                (f"`/spam score`, {name}: median (99th percentile)", f"{middle:.1f} ms ({late:.1f} ms)")
            )
        ratio = busy[int(len(busy) * 0.99)] / idle[int(len(idle) * 0.99)]
        found.append(("99th percentile in training as a multiple of idle", f"{ratio:.2f}"))
    return found


async def _answers(person: Person) -> list[float]:
    times = []
    for _ in range(REQUESTS):
        times.append(await _seconds(person.slash("spam score", text=SPAM, within=30)))
    return sorted(times)


class Endless(msgspec.Struct):
    """What a training that never ends is asked."""

    threads: int


class Never(msgspec.Struct):
    """What it never answers."""


def endless(request: Endless, _progress: Progress) -> Never:
    """Train a small network for ever, on all cores, as a retraining does; in a process of its own."""
    import torch

    torch.set_num_threads(request.threads)
    net = torch.nn.Sequential(torch.nn.Linear(512, 1024), torch.nn.ReLU(), torch.nn.Linear(1024, 2))
    optimizer = torch.optim.AdamW(net.parameters())
    while True:
        loss = torch.nn.functional.cross_entropy(net(torch.randn(256, 512)), torch.randint(0, 2, (256,)))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()


async def _train() -> None:
    await labour(endless, Endless(os.cpu_count() or 1), lambda _done, _note="": None)


async def _seconds(work: object) -> float:
    before = time.perf_counter()
    await work  # type: ignore[misc]
    return time.perf_counter() - before


def section() -> str:
    """Measure, and return the section's Markdown."""
    # A line a run would be measured too.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    rows = [*asyncio.run(scheduling()), *asyncio.run(latency())]
    table = "\n".join(f"| {name} | {value} |" for name, value in rows)
    return f"SQLite, one bot.\n\n| what | measured |\n|---|---|\n{table}"
