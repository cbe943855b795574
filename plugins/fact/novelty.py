"""How unlike its training a text is: an out-of-domain score, by words alone.

A text's score is the mean log-ratio of its words' probabilities under the training texts of its kind and under a
background of other texts (likelihood ratio; Ren et al. 2019), so that what all English has in common counts nothing.
Imported by the worker and the trainer only: it needs numpy.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SMOOTHING: Final = 0.1
COMMON: Final = 2
"""Texts that a word must occur in to be known."""
UNLIKE: Final = 0.08
"""Share of the training texts, unseen, that count as unlike for their ratio."""
UNKNOWN: Final = 0.01
"""Share of the training texts, unseen, that count as unlike for their unknown words."""
STEPS: Final = 21


@dataclass(frozen=True)
class Novelty:
    """What one kind of text sounds like: a log-ratio a word, that of unknown words, and the limits.

    `quantiles` are those of the score of training texts that had no part in it, from the least to the greatest.
    """

    words: Mapping[str, int]
    ratio: Floats
    unknown: float
    lowest: float
    least_known: float
    quantiles: Floats

    def score(self, words: Sequence[str]) -> tuple[float, float]:
        """Return the mean log-ratio of the words of a text, and the share of them that is known; 0 for no words."""
        if not words:
            return self.unknown, 0.0
        found = [at for word in words if (at := self.words.get(word)) is not None]
        total = float(self.ratio[found].sum()) + self.unknown * (len(words) - len(found))
        return total / len(words), len(found) / len(words)

    def unlike(self, score: float, known: float) -> bool:
        """Tell whether a text with this score is too unlike the training texts for a verdict."""
        return score < self.lowest or known < self.least_known

    def familiarity(self, score: float) -> float:
        """Return the share of training texts whose score is lower."""
        return float(np.interp(score, self.quantiles, np.linspace(0, 1, len(self.quantiles))))

    @classmethod
    def fit(cls, texts: Sequence[Sequence[str]], background: Sequence[Sequence[str]]) -> Self:
        """Learn from the words of training texts, and of other texts; the limits are yet open."""
        inside, outside = Counter(_flat(texts)), Counter(_flat(background))
        texts_with = Counter(_flat(set(text) for text in texts))
        sizes = [sum(c.values()) + SMOOTHING * (len(c) + 1) for c in (inside, outside)]
        known = sorted(word for word, count in texts_with.items() if count >= COMMON)
        counts = np.array([[inside[word], outside[word]] for word in known], dtype=float).reshape(-1, 2)
        logs = np.log((counts + SMOOTHING) / sizes)
        # A word that neither knows, and one that only the background does, speak against the text alike.
        rare = np.log(SMOOTHING / sizes[0]) - np.log((SMOOTHING + 1) / sizes[1])
        ratio = logs[:, 0] - logs[:, 1]
        places = {word: at for at, word in enumerate(known)}
        return cls(places, ratio, float(rare), -np.inf, 0.0, np.zeros(STEPS))

    def limited(self, scores: Floats, known: Floats) -> Self:
        """Set the limits by the scores of training texts that had no part in them."""
        return type(self)(
            self.words,
            self.ratio,
            self.unknown,
            float(np.quantile(scores, UNLIKE)),
            float(np.quantile(known, UNKNOWN)),
            np.quantile(scores, np.linspace(0, 1, STEPS)),
        )

    def document(self) -> dict[str, Any]:
        """Return all but the ratios, as JSON holds it."""
        return {
            "words": list(self.words),
            "unknown": self.unknown,
            "lowest": self.lowest,
            "least_known": self.least_known,
            "quantiles": self.quantiles.tolist(),
        }

    @classmethod
    def of(cls, document: Mapping[str, Any], ratio: NDArray[Any]) -> Self:
        """Put together what `document` gave, and the ratios. Raises `ValueError` or `KeyError` where they misfit."""
        words = {str(word): at for at, word in enumerate(document["words"])}
        quantiles = np.array(document["quantiles"], dtype=float)
        if ratio.shape != (len(words),) or not np.isfinite(ratio).all() or (np.diff(quantiles) < 0).any():
            raise ValueError(f"{len(words)} words, but {ratio.shape} ratios")
        unknown, lowest, least = (float(document[part]) for part in ("unknown", "lowest", "least_known"))
        return cls(words, ratio.astype(float), unknown, lowest, least, quantiles)


def _flat(texts: Iterable[Iterable[str]]) -> Iterable[str]:
    return (word for text in texts for word in text)
