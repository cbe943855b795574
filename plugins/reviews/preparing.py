"""Makes reviews ready to be sorted: cleaned, each different text once, with its vector and its words.

Imported by heavy work alone: it needs torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from plugins.reviews.cleaning import cleaned, folded, has_words
from plugins.reviews.evidence import Evidence, evidence_of
from plugins.reviews.terms import Terms, WordCutter, count_terms
from plugins.reviews.vectors import Vectors, embed
from shared.model import Progress


@dataclass(frozen=True)
class Prepared:
    """Different texts with their vectors, terms and evidence; `kind` is each row's text, -1 where it holds no word."""

    kind: NDArray[np.int64]
    vectors: Vectors
    terms: Terms
    evidence: Evidence

    def spread(self, topic: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the topic of each row, given those of the different texts; -1 for a row without a word."""
        return np.append(topic, -1)[self.kind]


def prepare(texts: Sequence[str], cache: Path | None, progress: Progress) -> Prepared:
    """Clean, embed and cut into words. `cache` is the folder of the embedding cache, None for none."""
    written: dict[str, str] = {}
    every = []
    for text in texts:
        shown = cleaned(text)
        every.append(folded(shown))
        written.setdefault(every[-1], shown)
    kinds = [text for text in written if has_words(text)]
    place = {text: at for at, text in enumerate(kinds)}
    kind = np.array([place.get(text, -1) for text in every], dtype=np.int64)
    vectors = embed(kinds, cache, lambda done, note="": progress(0.75 * done, note))
    terms = count_terms(WordCutter(), kinds, [written[text] for text in kinds])
    progress(0.8, "")
    evidence = evidence_of(
        terms, lambda words: embed(words, cache, lambda done, note="": progress(0.8 + 0.2 * done, note))
    )
    return Prepared(kind, vectors, terms, evidence)
