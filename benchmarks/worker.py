"""The batcher and the local engine against the bare model, and beside two other ways; all in one run."""

import asyncio
import gc
import importlib
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog

from benchmarks.callers import WARM_UP, Load, load
from benchmarks.contenders import Way, hearth, litserve, loaded, thread
from benchmarks.standin import FIXED_SECONDS, ITEM_SECONDS, Standin, Words
from shared.model import AnyModel

CALLERS: Final = (1, 8, 32, 128)
ROUNDS: Final = 5
SECONDS: Final = 1.5
OTHER_ROUNDS: Final = 3
TEXT: Final = (
    "Thanks for yesterday! Shall we meet at seven near the station? Call me on 0900 000 000 if you are late"
)


@dataclass(frozen=True)
class Subject:
    """A model to measure, with a request for it."""

    title: str
    model: AnyModel
    request: Any


@dataclass(frozen=True)
class Bare:
    """The model alone, in this process, without asyncio: full batches a second, and one request's time."""

    throughput: float
    single_ms: float

    def mean(self, other: "Bare") -> "Bare":
        """Return the mean of two."""
        return Bare((self.throughput + other.throughput) / 2, (self.single_ms + other.single_ms) / 2)


@dataclass(frozen=True)
class Round:
    """What callers saw, the bare model before and after, and the share of the time that the worker was busy."""

    load: Load
    bare: Bare
    busy: float | None

    @property
    def share(self) -> float:
        """Throughput as a share of the bare model's."""
        return self.load.throughput / self.bare.throughput


@dataclass(frozen=True)
class Measured:
    """One way at one number of callers."""

    way: str
    callers: int
    rounds: Sequence[Round]

    def median(self, figure: Callable[[Round], float]) -> float:
        """Return the median over the rounds."""
        return statistics.median(map(figure, self.rounds))

    def row(self) -> str:
        """Write a row of the table."""
        shares = [each.share for each in self.rounds]
        return (
            f"| {self.way} | {self.callers} | {self.median(lambda r: r.load.throughput):,.0f} "
            f"| **{statistics.median(shares):.2f}** ({min(shares):.2f}, {max(shares):.2f}) "
            f"| {self.median(lambda r: r.load.median_ms):.2f} | {self.median(lambda r: r.load.p99_ms):.1f} "
            f"| {self.median(lambda r: r.load.lag_p99_ms):.1f}, {self.lag_max_ms:.1f} |"
        )

    @property
    def lag_max_ms(self) -> float:
        """The longest lag of all rounds."""
        return max(each.load.lag_max_ms for each in self.rounds)


def subjects() -> list[Subject]:
    """Return the stand-in and, where its plugin is there, the real spam model."""
    found = [Subject("Stand-in", Standin, Words(TEXT))]
    try:
        spam: Any = importlib.import_module("plugins.spam.model")
    except ImportError:
        sys.stderr.write("no spam plugin: the stand-in alone is measured\n")
        return found
    return [*found, Subject("Spam", spam.SpamModel, spam.SpamRequest(TEXT))]


def measure_bare(subject: Subject, held: Any, seconds: float) -> Bare:
    """Run the model in a plain loop."""
    batch = [subject.request] * subject.model.max_batch
    rate, _ = _repeat(held, batch, seconds)
    _, single = _repeat(held, batch[:1], seconds / 3)
    return Bare(rate, 1000 * single)


def _repeat(held: Any, batch: Sequence[Any], seconds: float) -> tuple[float, float]:
    times = []
    begin = time.perf_counter()
    while (before := time.perf_counter()) - begin < seconds:
        held.predict(batch)
        times.append(time.perf_counter() - before)
    return len(times) * len(batch) / (time.perf_counter() - begin), statistics.median(times)


async def measure(subject: Subject) -> list[Measured]:
    """Measure every way at every number of callers, in rounds, so that a busy moment spoils one round alone."""
    held = loaded(subject.model)
    found = []
    async with hearth(subject.model) as ours, thread(subject.model) as threads:
        found += await rounds_of(subject, held, (ours, threads), ROUNDS)
    # By itself, for it is busy even when nobody asks.
    async with litserve(subject.model) as served:
        found += await rounds_of(subject, held, (served,), OTHER_ROUNDS)
    return found


async def rounds_of(
    subject: Subject, held: Any, ways: Sequence[Way], rounds: int, numbers: Sequence[int] = CALLERS
) -> list[Measured]:
    """Measure ways in turn, at each number of callers, so many times over."""
    seen: dict[tuple[str, int], list[Round]] = {(way.name, n): [] for way in ways for n in numbers}
    for number in range(rounds):
        for callers in numbers:
            # In this thread, while the event loop has nothing to do. Before and after: others may use the machine too.
            before = measure_bare(subject, held, SECONDS / 3)
            for way in ways:
                now, busy = await _loaded(way, subject.request, callers)
                after = measure_bare(subject, held, SECONDS / 3)
                seen[way.name, callers].append(Round(now, before.mean(after), busy))
                before = after
        names = ", ".join(way.name for way in ways)
        sys.stderr.write(f"  {subject.title}, {names}: round {number + 1} of {rounds}\n")
    return [Measured(way, callers, each) for (way, callers), each in seen.items()]


async def _loaded(way: Way, request: Any, callers: int) -> tuple[Load, float | None]:
    # What others left behind is not to be cleared up on its time.
    gc.collect()
    if way.busy is None:
        return await load(way.ask, request, callers, SECONDS), None
    worked, began = await way.busy(), time.perf_counter()
    found = await load(way.ask, request, callers, SECONDS)
    return found, (await way.busy() - worked) / (time.perf_counter() - began)


def summary(subject: Subject, found: Sequence[Measured]) -> str:
    """Write what the targets speak of, and the table."""
    ours = {each.callers: each for each in found if each.way == "Hearth"}
    bares = [each.bare for measured in found for each in measured.rounds]
    added = ours[1].median(lambda r: r.load.median_ms - r.bare.single_ms)
    lines = [
        "| way | callers | requests/s | share of the bare model (lowest, highest round) | median ms | p99 ms "
        "| loop lag p99, max ms |",
        "|---|--:|--:|--:|--:|--:|--:|",
        *(each.row() for each in found),
    ]
    return (
        f"### {subject.title}\n\n"
        f"Bare model: {statistics.median(b.throughput for b in bares):,.0f} requests/s in batches of "
        f"{subject.model.max_batch}, {statistics.median(b.single_ms for b in bares):.2f} ms for one alone. Hearth "
        f"reaches **{ours[128].median(lambda r: r.share):.2f}** of it at 128 callers and "
        f"**{ours[32].median(lambda r: r.share):.2f}** at 32, and adds **{added:.2f} ms** at one caller. At 128 "
        f"callers its worker is busy with batches for {ours[128].median(lambda r: r.busy or 0):.0%} of the time, and "
        f"the event loop's longest lag in all rounds was **{ours[128].lag_max_ms:.1f} ms**.\n\n"
        + "\n".join(lines)
    )


def section() -> str:
    """Measure, and return the section's Markdown."""
    # Lines of the log are not what is measured.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    parts = [
        f"Callers are coroutines of one process that ask again as soon as they are answered; a round lasts "
        f"{SECONDS:g} s after {WARM_UP:g} s of warm-up, and figures are medians of {ROUNDS} rounds ({OTHER_ROUNDS} for "
        f"LitServe). In each round the bare model is measured just before and after, in a plain loop of full "
        f"batches, and shares are of that. Maximum lags are the longest of all rounds; the timer's own resolution is "
        f"in them.\n\n"
        f"The stand-in sleeps {1000 * FIXED_SECONDS:.1f} ms and {1000 * ITEM_SECONDS:.4f} ms an item, thus "
        f"{1000 * (FIXED_SECONDS + 32 * ITEM_SECONDS):.1f} ms a batch of 32, and does one batch at a time, as a GPU "
        f"does. LitServe runs as a process of its own, asked by aiohttp over kept-alive connections on loopback."
    ]
    for subject in subjects():
        parts.append(summary(subject, asyncio.run(measure(subject))))
    return "\n\n".join(parts)
