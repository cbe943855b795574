"""Fuzzing: a million inputs, guided by coverage, over every parser that takes something from outside.

`python -m benchmarks fuzz` (HEARTH_BENCH_INPUTS: how many in all; HEARTH_BENCH_FOLDER: where inputs are kept). Each
target runs in a process of its own; see `benchmarks.fuzz_one`. Needs the extra `fuzz`.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.fuzz_targets import TARGETS, Target

INPUTS: Final = 1_000_000
_STATUS: Final = re.compile(r"cov: (\d+) ft: (\d+) corp: (\d+)/")


@dataclass(frozen=True)
class Result:
    """What came of one target. `ended`: the status of its process where that was not the end of the inputs."""

    name: str
    edges: int
    corpus: int
    seen: dict[str, Any]
    ended: int

    @property
    def crashes(self) -> int:
        """Return how many inputs raised what is not documented, or ended the process."""
        return int(self.seen["crashes"]) + (self.ended != 0)


def fuzz(target: Target, runs: int, folder: Path) -> Result:
    """Run one target."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.run(
            [sys.executable, "-m", "benchmarks.fuzz_one", target.name, str(runs), str(folder)],
            stdout=out, stderr=out, check=False, cwd=Path(__file__).parents[1],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
    states = _STATUS.findall(log.read_text(encoding="utf-8", errors="replace"))
    edges, _, corpus = states[-1] if states else ("0", "0", "0")
    read = folder / "result.json"
    seen: dict[str, Any] = {
        "inputs": 0,
        "refused": 0,
        "crashes": 0,
        "hangs": 0,
        "slowest": 0.0,
        "seconds": 0.0,
    }
    if read.exists():
        seen.update(json.loads(read.read_text(encoding="utf-8")))
    return Result(target.name, int(edges), int(corpus), seen, process.returncode)


def section() -> str:
    """Run all targets, and return the section's Markdown."""
    inputs = int(os.environ.get("HEARTH_BENCH_INPUTS", INPUTS))
    folder = Path(os.environ.get("HEARTH_BENCH_FOLDER") or tempfile.mkdtemp(prefix="hearth-fuzz-"))
    whole = sum(target.share for target in TARGETS)
    results = []
    for target in TARGETS:
        runs = round(inputs * target.share / whole)
        results.append(fuzz(target, runs, folder / target.name.replace(" ", "-")))
        print(results[-1], file=sys.stderr, flush=True)
    return report(results)


def report(results: Sequence[Result]) -> str:
    """Return a table, and below it what was found."""
    lines = [
        "| parser | inputs | refused as documented | edges reached | corpus | crashes | over 1 s | slowest | took |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for each in results:
        seen = each.seen
        lines.append(
            f"| {each.name} | {seen['inputs']:,} | {seen['refused']:,} | {each.edges:,} | {each.corpus:,} "
            f"| {each.crashes} | {seen['hangs']} | {seen['slowest'] * 1000:.0f} ms | {seen['seconds']:.0f} s |"
        )
    total = {
        key: sum(each.seen[key] for each in results) for key in ("inputs", "refused", "hangs", "seconds")
    }
    lines.append(
        f"| **all** | **{total['inputs']:,}** | {total['refused']:,} | {sum(r.edges for r in results):,} "
        f"| {sum(r.corpus for r in results):,} | **{sum(r.crashes for r in results)}** | **{total['hangs']}** "
        f"| {max(r.seen['slowest'] for r in results) * 1000:.0f} ms | {total['seconds']:,.0f} s |"
    )
    found = [f"- {each.name}: `{place}`" for each in results for place in each.seen.get("found", {})]
    found += [f"- {each.name}: its process ended with {each.ended}" for each in results if each.ended]
    said = (
        "Inputs are mutated by libFuzzer through atheris, from seeds of each format; those that reach new edges (of "
        "our Python and of that of the parsers under it) are kept as the corpus. A crash is any error that the parser "
        "does not document, or the end of its process; times are of the processor, for one input."
    )
    return "\n".join([said, "", *lines, *(["", "Found:", *found] if found else [])])


if __name__ == "__main__":
    sys.stdout.write(section() + "\n")
