"""Summaries in an article's own sentences: vectors, features, the trained scorer, and a choice of the set as a whole.

Imported by the worker and the trainer only: it needs torch and xgboost.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from plugins.article.choosing import choose
from plugins.article.features import Seen, look, page_rank
from plugins.article.scorer import Scorer
from plugins.article.sentences import Document
from shared.encoder import SentenceEncoder
from shared.model import Device

LONGEST: Final = 300
"""Characters of a sentence that its vector is made of."""


@dataclass(frozen=True)
class Chosen:
    """The places of the chosen sentences among those of the document, and how well each speaks for the whole (0…1)."""

    places: list[int]
    scores: list[float]


@dataclass(frozen=True)
class Extractive:
    """Chooses the sentences of summaries."""

    encoder: SentenceEncoder
    scorer: Scorer

    @classmethod
    def load(cls, folder: Path, device: Device) -> Self:
        """Read the scorer's weights, and the encoder's. Raises `ModelUnavailable` where one cannot be read."""
        return cls(SentenceEncoder.load(device), Scorer.read(folder))

    def summarise(
        self, documents: Sequence[Document], counts: Sequence[int], shares: Sequence[float | None]
    ) -> list[Chosen]:
        """Choose of each document at most so many sentences, or where a share (0…1) is given as many words."""
        found = see(self.encoder, documents)
        return [self._one(*each) for each in zip(documents, found, counts, shares, strict=True)]

    def _one(self, document: Document, seen: Seen | None, count: int, share: float | None) -> Chosen:
        if seen is None:
            return Chosen([], [])
        expected = self.scorer.expect(seen.features)
        if share is None and count >= len(document.sentences):
            places = list(range(len(document.sentences)))
        else:
            places = choose(
                expected,
                lengths(document),
                seen.words_alike,
                count=count if share is None else None,
                share=share,
            )
        return Chosen(places, [float(expected.score[place]) for place in places])


def see(encoder: SentenceEncoder, documents: Sequence[Document]) -> list[Seen | None]:
    """Take documents apart, the sentences of all in one go; None for those without a sentence."""
    texts: list[str] = []
    for document in documents:
        texts += [sentence.text[:LONGEST] for sentence in document.sentences]
        texts += [document.headline] if document.headline else []
    vectors = encoder.encode(texts)
    found: list[Seen | None] = []
    at = 0
    for document in documents:
        count = len(document.sentences)
        own, at = vectors[at : at + count], at + count
        headline = None
        if document.headline:
            headline, at = vectors[at], at + 1
        found.append(look(document, own, headline) if count else None)
    return found


def lengths(document: Document) -> NDArray[np.float32]:
    """Return the length of each sentence in English words, or what weighs as much."""
    return np.array([max(1.0, sentence.words) for sentence in document.sentences], dtype=np.float32)


def lead(document: Document, count: int) -> list[int]:
    """Return the first sentences: what every summary must beat."""
    return list(range(min(count, len(document.sentences))))


def text_rank(seen: Seen | None, count: int, *, by_meaning: bool) -> list[int]:
    """Return the most central sentences (Mihalcea & Tarau 2004), by shared words or by likeness of meaning."""
    if seen is None:
        return []
    rank = page_rank(np.clip(seen.meaning_alike, 0, None)) if by_meaning else seen.text_rank
    return sorted(int(place) for place in np.argsort(-rank, kind="stable")[:count])
