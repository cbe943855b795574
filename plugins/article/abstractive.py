"""Summaries in a model's own words, by T5, mT5 or BART; long articles by pieces, and then the pieces' summaries.

A model on a slow machine cannot read a long article in the time that chat has: what was not read is said, and where
nothing was written in time, nothing is returned, so that an extractive summary can answer instead.
"""

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple, Self

from shared.checkpoint import Checkpoint
from shared.language import language_of, sentences
from shared.model import Device, Progress
from shared.seq2seq import Writer, fine_tune_writer

PREFIXES: Final = {"t5": "summarize: "}
"""T5 is told its task; mT5 and BART are not."""
CHARACTERS: Final = 400_000
"""What of an article is looked at, at most."""
CHUNKS: Final = 16
"""Pieces of an article that are read, at most; of more, these are chosen evenly."""
ROUNDS: Final = 3
TOKENS_A_SENTENCE: Final = (8, 40)
SLACK: Final = 1.4
"""A share of the article is met within so much."""
MOST: Final = 320
FEWEST: Final = 16


class Wish(NamedTuple):
    """How long a summary is to be: so many sentences, or a share (0…1) of the article where that is given."""

    sentences: int = 3
    share: float | None = None


class Draft(NamedTuple):
    """A summary, and how much of the article was read for it (0…1)."""

    text: str
    read: float


class Abstractive:
    """Writes summaries; see the module."""

    def __init__(self, writer: Writer, kind: str) -> None:
        self.writer, self.kind = writer, kind

    @classmethod
    def load(cls, folder: Path, device: Device) -> Self:
        """Open a folder, and write once. Raises `ModelUnavailable`, which says what is wrong with it."""
        kind = Checkpoint.at(folder).kind
        return cls(Writer.load(folder, device, PREFIXES.get(kind, "")), kind)

    def reads(self, text: str) -> bool:
        """Tell whether the model knows the text's script; T5 and BART know no Chinese, mT5 does."""
        return self.writer.reads(text)

    def summarise(
        self, articles: Sequence[str], wishes: Sequence[Wish], seconds: float | None = None
    ) -> list[Draft | None]:
        """Summarise each article, those of like length together; None where nothing was written in `seconds`."""
        until = None if seconds is None else time.monotonic() + seconds
        works = [
            _Work(article, wish, self.chunks(article)) for article, wish in zip(articles, wishes, strict=True)
        ]
        for _ in range(ROUNDS):
            # The pieces of all articles that do not yet fit are one pool.
            parts = [(work, chunk) for work in works if len(work.chunks) > 1 for chunk in work.chunks]
            if not parts:
                break
            most = [max(FEWEST, min(120, self.writer.room // len(work.chunks))) for work, _ in parts]
            written = self._write([chunk for _, chunk in parts], [(n // 3, n) for n in most], until)
            for work in {id(work): work for work, _ in parts}.values():
                mine = [text for (owner, _), text in zip(parts, written, strict=True) if owner is work]
                work.take(mine, self.chunks)
        ready = [work for work in works if work.chunks]
        sizes = [self._size(work) for work in ready]
        written = self._write([work.chunks[0] for work in ready], sizes, until)
        for work, text in zip(ready, written, strict=True):
            work.answer = text
        return [work.draft() for work in works]

    def chunks(self, article: str) -> list[str]:
        """Cut an article at the ends of sentences into pieces of like length that the model can read whole."""
        article = article[:CHARACTERS]
        spans = sentences(article)
        counts = self.writer.count([article[start:end] for start, end in spans])
        pieces = [
            (piece, count)
            for (start, end), whole in zip(spans, counts, strict=True)
            for piece, count in self._fitting(article[start:end], whole)
        ]
        joint = "" if language_of(article) == "zh" else " "
        groups = _packed([count + 1 for _, count in pieces], self.writer.room)
        return [joint.join(pieces[index][0] for index in group) for group in groups]

    def _fitting(self, sentence: str, count: int) -> list[tuple[str, int]]:
        """Cut a sentence that is longer than the model reads in halves, until each fits."""
        if count < self.writer.room or len(sentence) < 2:
            return [(sentence, count)]
        halves = [half for half in self.writer.halves(sentence) if half]
        return [
            each
            for half, own in zip(halves, self.writer.count(halves), strict=True)
            for each in self._fitting(half, own)
        ]

    def _size(self, work: "_Work") -> tuple[int, int]:
        """Return the fewest and the most tokens of the summary that is wished for."""
        whole, there = self.writer.count([work.article[:CHARACTERS], work.chunks[0]])
        if work.wish.share is not None:
            least, most = work.wish.share * whole / SLACK, work.wish.share * whole * SLACK
        else:
            least, most = (work.wish.sentences * tokens for tokens in TOKENS_A_SENTENCE)
        most = max(FEWEST, min(most, there, MOST))
        return int(min(least, most / 2, there / 2)), int(most)

    def _write(
        self, texts: Sequence[str], sizes: Sequence[tuple[int, int]], until: float | None
    ) -> list[str | None]:
        """Write texts of the given sizes, those of like size in one batch."""
        groups: dict[tuple[int, int], list[int]] = {}
        for index, (least, most) in enumerate(sizes):
            # In steps, so that few groups come of many wishes.
            step = 2 ** max(3, most.bit_length() - 2)
            rounded = math.ceil(most / step) * step
            groups.setdefault((min(least // 8 * 8, rounded // 2), rounded), []).append(index)
        found: list[str | None] = [None] * len(texts)
        for (least, most), members in groups.items():
            left = None if until is None else until - time.monotonic()
            written = self.writer.write([texts[index] for index in members], least, most, left)
            for index, text in zip(members, written, strict=True):
                found[index] = text
        return found


class _Work:
    """One article on its way: the pieces that are still to be read, and how much of it was."""

    def __init__(self, article: str, wish: Wish, chunks: list[str]) -> None:
        self.article, self.wish = article, wish
        self.chunks = _evenly(chunks)
        self._whole = max(1, len(article.strip()))
        self._read = sum(map(len, self.chunks)) / self._whole
        self._first = True
        self.answer: str | None = None
        self._best: str | None = None

    def take(self, written: Sequence[str | None], cut: Callable[[str], list[str]]) -> None:
        """Go on with the summaries of the pieces; those that were not written in time are not read."""
        if self._first:
            done = [len(chunk) for chunk, text in zip(self.chunks, written, strict=True) if text]
            self._read, self._first = sum(done) / self._whole, False
        texts = [text for text in written if text]
        joint = "" if language_of(self.article) == "zh" else " "
        joined = joint.join(texts)
        self._best = joined or self._best
        self.chunks = _evenly(cut(joined))

    def draft(self) -> Draft | None:
        """Return what was written, or at least the summaries of the pieces; None where there is nothing."""
        text = self.answer or self._best
        if not text or not any(character.isalnum() for character in text):
            return None
        if self.wish.share is None:
            text = _first_sentences(text, self.wish.sentences)
        return Draft(text, min(1.0, self._read))


def fine_tune(
    base: Path,
    articles: Sequence[str],
    summaries: Sequence[str],
    folder: Path,
    progress: Progress,
    device: Device,
    *,
    epochs: int = 3,
    rate: float | None = None,
    batch: int = 8,
    length: int = 512,
    target_length: int = 150,
    seed: int = 1,
    curves: dict[str, list[float]] | None = None,
) -> None:
    """Train `base` on articles and their summaries the course's way; see `shared.seq2seq.fine_tune_writer`."""
    fine_tune_writer(
        base,
        articles,
        summaries,
        folder,
        progress,
        device,
        prefix=PREFIXES.get(Checkpoint.at(base).kind, ""),
        epochs=epochs,
        rate=rate,
        batch=batch,
        length=length,
        target_length=target_length,
        seed=seed,
        curves=curves,
    )


def _packed(sizes: Sequence[int], room: int) -> list[list[int]]:
    """Put neighbours together to as few groups as fit in `room`, of like size, as indices."""
    total = sum(sizes)
    fewest = math.ceil(total / room)
    for count in range(fewest, fewest + 8):
        groups: list[list[int]] = [[] for _ in range(count)]
        before = 0
        for index, size in enumerate(sizes):
            # Where its middle lies decides.
            groups[int((before + size / 2) * count / total)].append(index)
            before += size
        if all(sum(sizes[index] for index in group) <= room for group in groups):
            return [group for group in groups if group]
    # Pieces of which two never fit together.
    groups, filled = [], room + 1
    for index, size in enumerate(sizes):
        if filled + size > room:
            groups.append([])
            filled = 0
        groups[-1].append(index)
        filled += size
    return groups


def _evenly(chunks: list[str]) -> list[str]:
    if len(chunks) <= CHUNKS:
        return chunks
    return [chunks[round(index * (len(chunks) - 1) / (CHUNKS - 1))] for index in range(CHUNKS)]


def _first_sentences(text: str, count: int) -> str:
    spans = sentences(text)
    return text if len(spans) <= count else text[: spans[count - 1].end]
