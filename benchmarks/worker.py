"""The batcher and the local engine against the bare model, and beside two other ways; all in one run."""

import asyncio
import importlib
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final

import structlog

from benchmarks.callers import WARM_UP, Ask, Load, load
from benchmarks.contenders import hearth, litserve, loaded, thread
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
class Measured:
    """One way at one number of callers: each round's load, and the bare model of the same round."""

    way: str
    callers: int
    rounds: Sequence[tuple[Load, Bare]]

    def median(self, figure: str) -> float:
        """Return the median over the rounds."""
        return float(statistics.median(getattr(each, figure) for each, _ in self.rounds))

    @property
    def shares(self) -> list[float]:
        """Each round's throughput as a share of the bare model's."""
        return [each.throughput / bare.throughput for each, bare in self.rounds]

    @property
    def added_ms(self) -> float:
        """How much longer a request takes than the bare model alone does."""
        return statistics.median(each.median_ms - bare.single_ms for each, bare in self.rounds)

    @property
    def lag_max_ms(self) -> float:
        """The longest lag of all rounds."""
        return max(each.lag_max_ms for each, _ in self.rounds)


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
    async with AsyncExitStack() as stack:
        ways = {
            "Hearth": await stack.enter_async_context(hearth(subject.model)),
            "`asyncio.to_thread`": await stack.enter_async_context(thread(subject.model)),
        }
        found += await _rounds(subject, held, ways, ROUNDS)
    # By itself, for it is busy even when nobody asks.
    async with litserve(subject.model) as ask:
        found += await _rounds(subject, held, {"LitServe": ask}, OTHER_ROUNDS)
    return found


async def _rounds(subject: Subject, held: Any, ways: dict[str, Ask], rounds: int) -> list[Measured]:
    seen: dict[tuple[str, int], list[tuple[Load, Bare]]] = {(w, n): [] for w in ways for n in CALLERS}
    for number in range(rounds):
        for callers in CALLERS:
            # In this thread, while the event loop has nothing to do. Before and after: others may use the machine too.
            before = measure_bare(subject, held, SECONDS / 3)
            for way, ask in ways.items():
                seen_now = await load(ask, subject.request, callers, SECONDS)
                after = measure_bare(subject, held, SECONDS / 3)
                seen[way, callers].append((seen_now, before.mean(after)))
                before = after
        sys.stderr.write(f"  {subject.title}, {', '.join(ways)}: round {number + 1} of {rounds}\n")
    return [Measured(way, callers, each) for (way, callers), each in seen.items()]


def table(found: Sequence[Measured]) -> str:
    """Write the figures as a table."""
    lines = [
        "| way | callers | requests/s | share of the bare model (lowest, highest round) | median ms | p99 ms "
        "| loop lag p99, max ms |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for each in found:
        shares = each.shares
        lines.append(
            f"| {each.way} | {each.callers} | {each.median('throughput'):,.0f} "
            f"| **{statistics.median(shares):.2f}** ({min(shares):.2f}, {max(shares):.2f}) "
            f"| {each.median('median_ms'):.2f} | {each.median('p99_ms'):.1f} "
            f"| {each.median('lag_p99_ms'):.1f}, {each.lag_max_ms:.1f} |"
        )
    return "\n".join(lines)


def summary(subject: Subject, found: Sequence[Measured]) -> str:
    """Write what the targets speak of."""
    ours = {each.callers: each for each in found if each.way == "Hearth"}
    bares = [bare for each in found for _, bare in each.rounds]
    share = {callers: statistics.median(each.shares) for callers, each in ours.items()}
    return (
        f"### {subject.title}\n\n"
        f"Bare model: {statistics.median(b.throughput for b in bares):,.0f} requests/s in batches of "
        f"{subject.model.max_batch}, {statistics.median(b.single_ms for b in bares):.2f} ms for one alone. "
        f"Hearth reaches **{share[128]:.2f}** of it at 128 callers and **{share[32]:.2f}** at 32, and adds "
        f"**{ours[1].added_ms:.2f} ms** at one caller; the event loop's longest lag at 128 callers was "
        f"**{ours[128].lag_max_ms:.1f} ms** in all rounds.\n\n{table(found)}"
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
