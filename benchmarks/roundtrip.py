"""The whole way: from the chat page's API through the sandbox, discord.py and the bot, and back. Real processes."""

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.kit.person import Person

ROOT = Path(__file__).parents[1]
REQUESTS = 500
SPAM = (
    "WINNER!! You have been chosen for a 900 pound prize. Call 09000000000 now to claim. Valid 12 hours only."
)


@dataclass(frozen=True)
class Started:
    """A running `hearth sandbox`: its page, and the seconds from its start until it said "ready"."""

    url: str
    seconds: float
    pid: int


@asynccontextmanager
async def started(settings: Mapping[str, str] | None = None) -> AsyncIterator[Started]:
    """Start the sandbox with the tests' trial plugin, no quota to speak of and `settings`; stop it at the end."""
    plenty = json.dumps({"burst": 100_000, "per_minute": 100_000})
    with tempfile.TemporaryDirectory() as folder:
        before = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot.cli", "sandbox", "--port", "0", "--no-open", "--data-dir", folder,
            cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            env={
                **os.environ,
                "HEARTH_PLUGIN_FOLDERS": json.dumps([str(ROOT / "tests" / "fixtures" / "folder")]),
                "HEARTH_PERSON_QUOTA": plenty, "HEARTH_SERVER_QUOTA": plenty,
                **(settings or {}),
            },
        )  # fmt: skip
        try:
            assert process.stdout is not None
            url = (await process.stdout.readline()).decode().strip()
            await process.stdout.readline()
            yield Started(url, time.perf_counter() - before, process.pid)
        finally:
            process.terminate()
            await process.wait()


async def measure() -> list[tuple[str, str]]:
    """Return each figure's name and value."""
    found = []
    async with started() as sandbox, Person(sandbox.url, "member-1") as person:
        await person.waits_for_command("trial")
        found.append(("`hearth sandbox`: from start to ready", f"{sandbox.seconds:.1f} s"))
        first = await _timed(person, "spam score", text=SPAM)
        found.append(("first `/spam score` after that", f"{first * 1000:.0f} ms"))
        scores = [await _timed(person, "spam score", text=SPAM) for _ in range(50)]
        found.append(
            ("`/spam score` with its picture, median of 50", f"{statistics.median(scores) * 1000:.1f} ms")
        )
        for _ in range(20):
            await _timed(person, "trial ping")
        pings = sorted([await _timed(person, "trial ping") for _ in range(REQUESTS)])
        found.append(
            (
                f"trivial command, {REQUESTS} in sequence: median (99th percentile)",
                f"{statistics.median(pings) * 1000:.2f} ms ({pings[int(REQUESTS * 0.99)] * 1000:.2f} ms)",
            )
        )
        before = time.perf_counter()
        answers = await asyncio.gather(
            *(person.slash("trial ping", within=60) for _ in range(REQUESTS)), return_exceptions=True
        )
        answered = sum(not isinstance(a, BaseException) and a.message.content == "pong" for a in answers)
        took = time.perf_counter() - before
        found.append(
            (
                f"trivial command, {REQUESTS} at once: answered, in all",
                f"{answered} of {REQUESTS}, {took:.2f} s",
            )
        )
        found += _memory(sandbox.pid)
    return found


async def _timed(person: Person, command: str, **options: str) -> float:
    before = time.perf_counter()
    await person.slash(command, options, within=30)
    return time.perf_counter() - before


def _memory(pid: int) -> list[tuple[str, str]]:
    parts = {"bot.sandbox.bot_process": "bot process, resident", "bot.worker": "worker process, resident"}
    found = []
    for process in psutil.Process(pid).children(recursive=True):
        line = " ".join(process.cmdline())
        for module, name in parts.items():
            if module in line:
                found.append((name, f"{process.memory_info().rss / 2**20:.0f} MiB"))
    return found


def section() -> str:
    """Measure, and return the section's Markdown."""
    rows = asyncio.run(measure())
    table = "\n".join(f"| {name} | {value} |" for name, value in rows)
    return f"One person, through `hearth sandbox` on loopback.\n\n| what | measured |\n|---|---|\n{table}"


if __name__ == "__main__":
    sys.stdout.write(section() + "\n")
