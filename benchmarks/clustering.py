"""How long 5,000 reviews take to be sorted into topics, in a process of its own as `/reviews cluster` does it."""

import asyncio
import csv
import gzip
import io
import os
import random
import resource
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from bot.labour import labour
from plugins.reviews.model import Clustering, ClusterRequest, cluster
from tests.plugins.reviews.made import CHINESE, ENDS, ENGLISH

REVIEWS: Final = 5_000
TARGET_SECONDS: Final = 60
DATA: Final = "HEARTH_BENCH_DATA"
"""A folder with real reviews; see `FILE`."""
FILE: Final = "hotel_reviews_zh.csv.gz"
COLUMN: Final = "text"
MOST_BYTES: Final = 1 << 26
SENTENCES: Final = (2, 9)
"""Of a made-up review; hotel reviews have some 130 characters."""


@dataclass(frozen=True)
class Sorted:
    """What one sorting took, on all cores together and by the clock, and how many topics it found."""

    wall_seconds: float
    core_seconds: float
    topics: int


def made_up(count: int, seed: int = 1) -> list[str]:
    """Return different reviews of four topics, Chinese and English by turns, each of some sentences."""
    chance, found = random.Random(seed), []
    for number in range(count):
        chinese = number % 2 == 0
        topics = CHINESE if chinese else ENGLISH
        subjects, judgements = chance.choice(list(topics.values()))
        ends = ENDS["zh" if chinese else "en"]
        sentences = [
            f"{chance.choice(subjects)}{'' if chinese else ' '}{chance.choice(judgements)}"
            f"{'，' if chinese else ', '}{chance.choice(ends)}{'。' if chinese else '. '}"
            for _ in range(chance.randint(*SENTENCES))
        ]
        found.append("".join(sentences) + str(number))
    return found


def real() -> list[str]:
    """Return reviews of the folder that the environment names; none where it names none."""
    path = Path(os.environ.get(DATA, "")) / FILE
    if not os.environ.get(DATA) or not path.is_file():
        sys.stderr.write(f"  no {FILE} in a folder named by {DATA}: made-up reviews alone are sorted\n")
        return []
    with gzip.open(path) as source:
        text = source.read(MOST_BYTES).decode("utf-8")
    rows = csv.DictReader(io.StringIO(text, newline=""))
    different = dict.fromkeys(row[COLUMN] for row in rows)
    return random.Random(1).sample(list(different), min(REVIEWS, len(different)))


async def measure(texts: list[str], cache: Path | None) -> Sorted:
    """Sort reviews in a process of its own."""
    before, began = _children(), time.perf_counter()
    found: Clustering = await labour(cluster, ClusterRequest(texts, str(cache) if cache else None), _unheard)
    return Sorted(time.perf_counter() - began, _children() - before, len(found.topics))


def _unheard(done: float, note: str = "") -> None:
    """Hear of no progress."""


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def rows_of(name: str, texts: list[str]) -> list[str]:
    """Sort reviews with an empty cache of vectors, and once more; write two rows of the table."""
    mean = sum(map(len, texts)) / len(texts)
    with tempfile.TemporaryDirectory() as folder:
        found = [
            (title, asyncio.run(measure(texts, Path(folder)))) for title in ("nothing known", "vectors known")
        ]
    return [
        f"| {name} | {len(texts):,} | {mean:.0f} | {title} | **{each.wall_seconds:.1f}** | {each.core_seconds:.1f} "
        f"| {each.topics} |"
        for title, each in found
    ]


def section() -> str:
    """Measure, and return the section's Markdown."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    rows = rows_of("made up, English and Chinese", made_up(REVIEWS))
    if texts := real():
        rows += rows_of("hotels, Chinese", texts)
    return "\n".join(
        [
            f"From texts to topics in a process of its own, its start included. The target is {TARGET_SECONDS} s on 2 "
            f"cores. Real reviews are sorted too where `{DATA}` names a folder with `{FILE}` (a column `{COLUMN}`).",
            "",
            "| reviews | number | characters, mean | before | wall, s | of all cores, s | topics |",
            "|---|--:|--:|---|--:|--:|--:|",
            *rows,
        ]
    )
