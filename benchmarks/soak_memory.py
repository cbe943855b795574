"""Memory of processes over time: a straight line through what was resident after the warm-up, process by process."""

import asyncio
import statistics
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import psutil

from benchmarks.soak_house import BOT, WORKER, House

EVERY: Final = 1.0
NAMES: Final = {BOT: "bot", WORKER: "worker"}


@dataclass(frozen=True)
class Growth:
    """How one process grew: from the fitted line at the warm-up's end to that at its end, in MiB."""

    process: str
    seconds: float
    begin_mib: float
    end_mib: float

    @property
    def share(self) -> float:
        """Return the growth as a share of what it began with."""
        return self.end_mib / self.begin_mib - 1


class Watch:
    """Takes the memory of the bot and the worker, each life of theirs by itself."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.begin = time.monotonic()
        self.seen: dict[tuple[str, int], list[tuple[float, float]]] = defaultdict(list)
        """By name and process id: seconds since the beginning, MiB."""

    async def run(self) -> None:
        """Look for ever."""
        while True:
            for module, name in NAMES.items():
                for process in self._house.processes(module):
                    with suppress(psutil.Error):
                        at = time.monotonic() - self.begin
                        self.seen[name, process.pid].append((at, process.memory_info().rss / 2**20))
            await asyncio.sleep(EVERY)

    def growths(self, warm_up: float, shortest: float) -> list[Growth]:
        """Return the growth of each life that went on for `shortest` seconds after `warm_up`."""
        found = []
        for (name, _), points in self.seen.items():
            after = [(at, mib) for at, mib in points if at >= points[0][0] + warm_up]
            if len(after) < 3 or after[-1][0] - after[0][0] < shortest:
                continue
            slope, height = statistics.linear_regression(*zip(*after, strict=True))
            first, last = after[0][0], after[-1][0]
            found.append(Growth(name, last - first, height + slope * first, height + slope * last))
        return found


def chart(
    seen: dict[tuple[str, int], list[tuple[float, float]]], faults: Sequence[tuple[float, str]]
) -> bytes:
    """Draw the memory of each process over time, and the faults above; as PNG."""
    from io import BytesIO

    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4.2), dpi=100, layout="constrained")
    axes = figure.subplots()
    colours = {"bot": "#2E8B6F", "worker": "#5B7083"}
    named: set[str] = set()
    for (name, _), points in seen.items():
        at, mib = [p[0] / 60 for p in points], [p[1] for p in points]
        axes.plot(at, mib, color=colours[name], linewidth=1.2, label=None if name in named else name)
        named.add(name)
    top = max((mib for points in seen.values() for _, mib in points), default=1.0)
    kinds = sorted({kind for _, kind in faults})
    for row, kind in enumerate(kinds):
        height = top * (1.06 + 0.05 * row)
        times = [at / 60 for at, each in faults if each == kind]
        axes.plot(times, [height] * len(times), "|", color="#C8452D", markersize=5)
        axes.annotate(
            kind, (1.0, height), xycoords=("axes fraction", "data"), fontsize=7, va="center", xytext=(3, 0),
            textcoords="offset points",
        )  # fmt: skip
    axes.set(xlabel="minutes", ylabel="resident memory, MiB", ylim=(0, top * (1.1 + 0.05 * len(kinds))))
    axes.legend(loc="center left", fontsize=8, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    out = BytesIO()
    figure.savefig(out, format="png")
    return out.getvalue()
