"""Finds topics, and how many there are: a mixture of words and vectors whose parts are merged while that explains more.

Each topic is a Dirichlet-multinomial over words (Yin & Wang 2014) and a direction of the sentence vectors. From random
starts, cooled slowly, parts are merged one by one; the number of topics is the one with the highest integrated
complete likelihood (Biernacki et al. 2000). A part that is told by common words alone (fast
delivery, good price) is no topic: its reviews go to the others. Imported by heavy work alone: it needs scikit-learn.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln
from sklearn.decomposition import PCA
from sklearn.preprocessing import normalize

from plugins.reviews.evidence import Evidence

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

STARTS: Final = 4
PARTS: Final = 14
PART_ROWS: Final = 20
SEARCHED: Final = 2500
"""Rows that topics are looked for in; the others are sorted into what is found."""
DIMENSIONS: Final = 60
CLOSENESS: Final = 10.0
"""Concentration of a topic's vectors: how much they weigh beside words."""
FINAL_CLOSENESS: Final = 5.0
SMOOTH: Final = 0.1
"""The Dirichlet prior of a topic's words."""
COST: Final = 0.25
"""What a further topic's direction costs: this × dimensions × log(rows); half would be BIC's."""
TELLING: Final = 0.3
KINDS: Final = 0.15
"""A part is common talk where fewer of its telling words than this are particular, and fewer name a kind of thing."""
_ROUNDS, _COOLED, _AFTER_MERGE, _LAST = 40, 25, 12, 10
_CANDIDATES: Final = 4


class Mixture:
    """Words and vectors of rows, and what a sorting of them explains."""

    def __init__(self, evidence: Evidence, vectors: Floats) -> None:
        self.words, self.plain = evidence.smoothed, evidence.plain
        self._across, self._plain_across = self.words.T.tocsr(), self.plain.T.tocsr()
        self.vectors = vectors
        self.rows = vectors.shape[0]

    def fit(self, shares: Floats, rounds: int, closeness: float = CLOSENESS, cooled: int = 0) -> Floats:
        """Run expectation-maximisation; in the first `cooled` rounds differences count for less."""
        for turn in range(rounds):
            heat = 0.1 + 0.9 * turn / cooled if turn < cooled else 1.0
            scores = self._scores(shares, closeness) * np.float32(heat)
            scores -= scores.max(1, keepdims=True)
            shares = np.exp(scores)
            shares /= shares.sum(1, keepdims=True)
        return shares

    def _scores(self, shares: Floats, closeness: float) -> Floats:
        words = (self._across @ shares).T + np.float32(SMOOTH)
        words /= words.sum(1, keepdims=True)
        middles = shares.T @ self.vectors
        middles /= np.maximum(np.linalg.norm(middles, axis=1, keepdims=True), 1e-9)
        sizes = shares.sum(0) / shares.sum()
        found: Floats = (
            self.words @ np.log(words).T
            + np.float32(closeness) * self.vectors @ middles.T
            + np.log(sizes + 1e-4).astype(np.float32)
        )
        return found

    def parts(self, topic: Ints) -> tuple[NDArray[np.float64], NDArray[np.float64], Ints]:
        """Return each part's word counts, its sum of vectors and its rows."""
        ones = one_hot(topic)
        counts = np.asarray(self._plain_across @ ones, dtype=np.float64).T
        return counts, np.asarray(ones.T @ self.vectors, dtype=np.float64), np.bincount(topic)

    def explained(self, counts: NDArray[np.float64], direction: NDArray[np.float64], rows: float) -> float:
        """Return what one part adds to the integrated complete log-likelihood, but for the number of parts."""
        width = self.plain.shape[1]
        words = (gammaln(counts + SMOOTH) - gammaln(SMOOTH)).sum() + gammaln(width * SMOOTH)
        words -= gammaln(counts.sum() + width * SMOOTH)
        near = CLOSENESS * np.linalg.norm(direction) - COST * self.vectors.shape[1] * np.log(self.rows)
        return float(words + near + gammaln(rows + 1))

    def number(self, parts: int) -> float:
        """Return what so many parts add, whatever is in them."""
        return float(gammaln(parts) - gammaln(self.rows + parts))

    def total(self, topic: Ints) -> float:
        """Return the integrated complete log-likelihood of a sorting."""
        counts, directions, rows = self.parts(topic)
        return self.number(len(rows)) + sum(map(self.explained, counts, directions, rows.astype(float)))

    def merges(self, topic: Ints) -> list[Ints]:
        """Return the sortings with two parts merged that explain most."""
        counts, directions, rows = self.parts(topic)
        alone = list(map(self.explained, counts, directions, rows.astype(float)))
        gains = [
            (
                self.explained(counts[a] + counts[b], directions[a] + directions[b], rows[a] + rows[b])
                - alone[a]
                - alone[b],
                a,
                b,
            )
            for a in range(len(rows))
            for b in range(a + 1, len(rows))
        ]
        best = sorted(gains, key=lambda gain: -gain[0])[:_CANDIDATES]
        return [renumbered(np.where(topic == b, a, topic)) for _, a, b in best]


def one_hot(topic: Ints) -> Floats:
    """Return rows × topics, 1 where a row is of the topic."""
    return np.eye(int(topic.max()) + 1, dtype=np.float32)[topic]


def renumbered(topic: Ints) -> Ints:
    """Number topics from 0 on without gaps."""
    return np.asarray(np.unique(topic, return_inverse=True)[1], dtype=np.int64)


def find_topics(evidence: Evidence, vectors: NDArray[np.float32], seed: int) -> Ints:
    """Return each row's topic (0…). `vectors` are of unit length."""
    reduced = _reduced(vectors)
    random = np.random.default_rng(seed)
    if len(vectors) > SEARCHED:
        rows = np.sort(random.choice(len(vectors), SEARCHED, replace=False))
    else:
        rows = np.arange(len(vectors))
    searched = Mixture(evidence.of(rows), reduced[rows])
    most = max(2, min(PARTS, len(rows) // PART_ROWS))
    found = max(
        (step for _ in range(STARTS) for step in _merged_down(searched, most, random)),
        key=lambda step: step[0],
    )[1]
    shares = np.zeros((len(vectors), int(found.max()) + 1), dtype=np.float32)
    shares[rows] = one_hot(found)
    whole = Mixture(evidence, reduced)
    topic = renumbered(whole.fit(shares, 2 if len(rows) == len(vectors) else 5).argmax(1))
    return _without_common_talk(whole, evidence, topic)


def _reduced(vectors: NDArray[np.float32]) -> Floats:
    wanted = min(DIMENSIONS, len(vectors) - 1)
    found: Floats = normalize(PCA(wanted, svd_solver="full").fit_transform(vectors)).astype(np.float32)
    return found


def _merged_down(mixture: Mixture, parts: int, random: np.random.Generator) -> Iterator[tuple[float, Ints]]:
    """Yield sortings of fewer and fewer parts, each with what it explains."""
    shares = random.dirichlet(np.ones(parts), mixture.rows).astype(np.float32)
    topic = renumbered(mixture.fit(shares, _ROUNDS, cooled=_COOLED).argmax(1))
    yield mixture.total(topic), topic
    while topic.max() > 0:
        fitted = [
            renumbered(mixture.fit(one_hot(merged), _AFTER_MERGE).argmax(1))
            for merged in mixture.merges(topic)
        ]
        best, at = max((mixture.total(each), -at) for at, each in enumerate(fitted))
        topic = fitted[-at]
        yield best, topic


def _without_common_talk(mixture: Mixture, evidence: Evidence, topic: Ints) -> Ints:
    """Sort the reviews of parts that are told by common words alone into the others."""
    while topic.max() > 1:
        particular, common, named = evidence.telling(topic)
        share = particular / np.maximum(particular + common, 1e-9)
        talk = (share < TELLING) & (named < KINDS)
        if not talk.any():
            break
        dropped = int(np.where(talk, share, np.inf).argmin())
        shares = np.delete(one_hot(topic), dropped, axis=1)
        topic = renumbered(mixture.fit(shares, _LAST, closeness=FINAL_CLOSENESS).argmax(1))
    return topic
