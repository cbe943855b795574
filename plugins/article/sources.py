"""Finds, for each sentence of a summary in a model's own words, the passage of the article that is nearest to it."""

from collections import Counter
from typing import Final, NamedTuple

from plugins.article.sentences import Document
from plugins.article.words import content
from shared.language import sentences

LEAST: Final = 0.2
"""Below this share of common words no passage is near."""


class Nearest(NamedTuple):
    """A sentence of the summary, and the place of the nearest sentence among the document's, with their overlap."""

    said: str
    place: int | None
    overlap: float


def nearest(document: Document, summary: str) -> list[Nearest]:
    """Return each sentence of `summary` with its passage; linear in the length of the article for each."""
    sources = [Counter(content(sentence.text)) for sentence in document.sentences]
    found = []
    for start, end in sentences(summary):
        said = Counter(content(summary[start:end]))
        best, overlap = None, 0.0
        for place, source in enumerate(sources):
            common = (said & source).total()
            # Dice's coefficient: long sentences hold many words by chance.
            if (share := 2 * common / max(1, said.total() + source.total())) > overlap:
                best, overlap = place, share
        found.append(Nearest(summary[start:end], best if overlap >= LEAST else None, overlap))
    return found
