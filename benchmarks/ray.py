"""The Ray engine against the bare model: one and two replicas on a cluster of two nodes on this machine."""

import asyncio
import contextlib
import os
import statistics
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

import psutil
import structlog

from benchmarks.callers import WARM_UP, percentile
from benchmarks.contenders import TIMEOUT, Way, hearth, loaded
from benchmarks.standin import Standin
from benchmarks.worker import SECONDS, Measured, Subject, rounds_of, subjects
from bot.ray_engine import RayEngine, Spread
from shared.engine import Weights
from shared.model import AnyModel
from shared.predictor import Predictor

ROUNDS: Final = 5
CALLERS: Final = (1, 32, 128)
TWO_CALLERS: Final = (64, 256)
TRIPS: Final = 1000
HEAD: Final = (
    "| engine | callers | requests/s | share of the bare model, a replica (lowest, highest round) | busy "
    "| median ms | p99 ms | loop lag p99, max ms |",
    "|---|--:|--:|--:|--:|--:|--:|--:|",
)


@contextmanager
def nodes(count: int) -> Iterator[float]:
    """Be in a cluster of so many nodes with a CPU each, and one with none for the bot; yields how long that took."""
    import ray
    from ray.cluster_utils import Cluster

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ["PYTHONPATH"] = os.pathsep.join(os.path.abspath(entry) for entry in sys.path)
    before = time.perf_counter()
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    try:
        for _ in range(count):
            cluster.add_node(num_cpus=1)
        ray.init(address=cluster.address, namespace="hearth", log_to_driver=False, configure_logging=False)
        yield time.perf_counter() - before
    finally:
        ray.shutdown()
        cluster.shutdown()


@asynccontextmanager
async def on_ray(model: AnyModel, replicas: int) -> AsyncIterator[Way]:
    """The batcher and the Ray engine, as the bot uses them."""
    folder = None if model.default is None else str(model.default)
    weights = Weights(folder, "default", "none" if folder is None else "default")
    spread = Spread(replicas={model.name: replicas}, cpus={model.name: 1})
    engine = RayEngine([model], lambda _: weights, spread, warm=(model.name,))
    predictor = Predictor(engine, [model])
    await predictor.start()
    # The first is enough for `start`.
    while sum(each.ready for each in (await engine.status()).models[0].replicas) < replicas:  # noqa: ASYNC110
        await asyncio.sleep(0.05)

    async def busy() -> float:
        (status,) = (await engine.status()).models
        return status.batches * status.mean_ms / 1000

    name = f"Ray, {replicas} replica{'s' if replicas > 1 else ''}"
    try:
        yield Way(name, lambda request: predictor.predict(model, request, timeout=TIMEOUT), busy)
    finally:
        await predictor.close()


class Idle:
    """Returns what it gets."""

    def run(self, frame: bytes) -> bytes:
        """Do nothing."""
        return frame


async def round_trip() -> tuple[float, float]:
    """Return the median and the 99th percentile of a call of an actor with nothing to do, in milliseconds."""
    import ray

    actor: Any = ray.remote(num_cpus=0)(Idle).remote()
    frame, took = bytes(4000), list[float]()
    for _ in range(TRIPS):
        before = time.perf_counter()
        await actor.run.remote(frame)
        took.append(1000 * (time.perf_counter() - before))
    ray.kill(actor)
    return statistics.median(took), percentile(took, 0.99)


@dataclass(frozen=True)
class Found:
    """What was measured of one subject."""

    subject: Subject
    one: Sequence[Measured]
    two: Sequence[Measured]

    def share(self, callers: int) -> float:
        """Return the share of the bare model that one replica reaches."""
        (row,) = (each for each in self.one if each.callers == callers and each.way == "Ray, 1 replica")
        return row.median(lambda r: r.share)

    def table(self) -> str:
        """Write all rows."""
        rows = [self._row(each, 1) for each in self.one] + [self._row(each, 2) for each in self.two]
        return "\n".join((*HEAD, *rows))

    def _row(self, each: Measured, replicas: int) -> str:
        shares = [round_.share / replicas for round_ in each.rounds]
        return (
            f"| {each.way} | {each.callers} | {each.median(lambda r: r.load.throughput):,.0f} "
            f"| **{statistics.median(shares):.2f}** ({min(shares):.2f}, {max(shares):.2f}) "
            f"| {each.median(lambda r: (r.busy or 0) / replicas):.0%} "
            f"| {each.median(lambda r: r.load.median_ms):.2f} | {each.median(lambda r: r.load.p99_ms):.1f} "
            f"| {each.median(lambda r: r.load.lag_p99_ms):.1f}, {each.lag_max_ms:.1f} |"
        )


async def measure(subject: Subject) -> Found:
    """Measure one replica beside the local engine, in turn; then two replicas, on a node each."""
    held = loaded(subject.model)
    async with hearth(subject.model) as local, on_ray(subject.model, 1) as ours:
        one = await rounds_of(subject, held, (replace(local, name="local"), ours), ROUNDS, CALLERS)
    async with on_ray(subject.model, 2) as ours:
        two = await rounds_of(subject, held, (ours,), ROUNDS, TWO_CALLERS)
    return Found(subject, one, two)


async def measure_all(start: float) -> str:
    """Measure in a cluster that was up after `start` seconds, and write it down."""
    trip, worst = await round_trip()
    begin = time.perf_counter()
    async with on_ray(Standin, 1):
        up = time.perf_counter() - begin
    found = [await measure(subject) for subject in subjects()]
    memory = family_mib()
    standin = found[0]
    parts = [
        f"The batcher as everywhere, and one call of an actor a batch, with the bytes that the local worker would get. "
        f"Two nodes on this one machine, beside the one to which the bot belongs; each replica has a process of its "
        f"own. Rounds last {SECONDS:g} s after {WARM_UP:g} s of warm-up, figures are medians of {ROUNDS} rounds, and "
        f"in each round the bare model is measured just before and after. Shares are **a replica's**: of two replicas, "
        f"the half of what both do. All processes of the test share this machine's cores.\n\n"
        f"With the stand-in one replica reaches **{standin.share(128):.2f}** of the bare model at 128 callers and "
        f"**{standin.share(32):.2f}** at 32. A call of an actor that returns 4 kB at once takes {trip:.2f} ms "
        f"({worst:.1f} ms at the 99th percentile); with two batches under way at each replica, that is hidden behind "
        f"the batch before. The cluster of three nodes was up after {start:.0f} s, a replica after {up:.1f} s; all "
        f"processes of Ray together held {memory:,.0f} MiB (what they share is counted in each)."
    ]
    parts += [f"### {each.subject.title} on Ray\n\n{each.table()}" for each in found]
    return "\n\n".join(parts)


def family_mib() -> float:
    """Return the resident memory of all processes that this one has started, and theirs."""
    total = 0
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            total += process.memory_info().rss
    return total / 2**20


def section() -> str:
    """Measure, and return the section's Markdown."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    with nodes(2) as start:
        return asyncio.run(measure_all(start))
