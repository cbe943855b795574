"""docs/benchmarks.md: one part a section between markers, so that sections can be measured one at a time."""

import os
import platform
import re
import time
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

PATH: Final = Path(__file__).parents[1] / "docs" / "benchmarks.md"
PACKAGES: Final = ("msgspec", "discord.py", "aiohttp", "litserve", "ray", "numpy", "torch")
_INTRODUCTION: Final = """# Benchmarks

Written by `make bench` (some minutes; `make bench ARGS=worker` measures one section and rewrites that alone). Each
section names the machine and the versions with which it was measured.
"""


def write(name: str, title: str, body: str, path: Path = PATH) -> None:
    """Put a section into the document: in its place where it has one, else at the end."""
    text = path.read_text(encoding="utf-8") if path.exists() else _INTRODUCTION
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    section = f"{begin}\n## {title}\n\n*{machine(PACKAGES)}*\n\n{body.strip()}\n{end}"
    place = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    # Its own markers where it is new; then they are in place.
    text = text if place.search(text) else f"{text.rstrip()}\n\n{begin}{end}\n"
    text = place.sub(lambda _: section, text)
    path.write_text(text, encoding="utf-8")


def machine(packages: Iterable[str]) -> str:
    """Say in one line on what and with what was measured."""
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    # The rest of it names whoever built the kernel.
    kernel = ".".join(platform.release().split(".")[:2])
    found = [f"{name} {number}" for name in packages if (number := _version(name))]
    return (
        f"{time.strftime('%Y-%m-%d')} · {_processor()}, {cores} cores, {memory:.0f} GiB · "
        f"load {os.getloadavg()[1]:.1f} over the last 5 minutes · {platform.system()} {kernel} · "
        f"Python {platform.python_version()}, {', '.join(found)}"
    )


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
