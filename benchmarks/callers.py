"""Callers over asyncio: each asks again as soon as it is answered. And how late the event loop turns meanwhile."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

WARM_UP: Final = 0.3
TICK: Final = 0.005
Ask = Callable[[Any], Awaitable[Any]]


@dataclass(frozen=True)
class Load:
    """What callers saw: requests a second, latencies and the event loop's lag in milliseconds."""

    throughput: float
    median_ms: float
    p99_ms: float
    lag_p99_ms: float
    lag_max_ms: float


async def load(ask: Ask, request: Any, callers: int, seconds: float) -> Load:
    """Have `callers` ask for `seconds` after a short warm-up."""
    latencies: list[float] = []
    lags: list[float] = []
    begin = time.perf_counter() + WARM_UP
    end = begin + seconds

    async def call() -> None:
        while (asked := time.perf_counter()) < end:
            await ask(request)
            answered = time.perf_counter()
            if begin <= answered < end:
                latencies.append(answered - asked)

    async def tick() -> None:
        while (before := time.perf_counter()) < end:
            await asyncio.sleep(TICK)
            if before >= begin:
                lags.append(time.perf_counter() - before - TICK)

    async with asyncio.TaskGroup() as group:
        group.create_task(tick())
        for _ in range(callers):
            group.create_task(call())
    return Load(
        throughput=len(latencies) / seconds,
        median_ms=1000 * statistics.median(latencies),
        p99_ms=1000 * percentile(latencies, 0.99),
        lag_p99_ms=1000 * percentile(lags, 0.99),
        lag_max_ms=1000 * max(lags),
    )


def percentile(values: list[float], share: float) -> float:
    """Return the value below which `share` of the values lie."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]
