"""Chooses the sentences of a summary together: what they hold of a good summary, without saying a thing twice.

Imported by the worker and the trainer only: it needs numpy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

REFERENCE_SHARE: Final = 0.42
"""Length of a reference summary beside its article's, in the training data; the goal when none is set."""
CANDIDATES: Final = 60
"""Sentences that are looked at, those of highest expectation."""
ALIKE: Final = 0.55
"""From which cosine of their words on two sentences begin to say the same."""
MOST_EXCHANGED: Final = 5
"""Sentences of the summaries that are improved by exchange: that takes time, and a long one gains nothing by it."""
_SWAPS: Final = 4
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Expected:
    """What a scorer expects of each sentence: which share of its words, and of its pairs of words, is in a summary."""

    words: Floats
    pairs: Floats

    @property
    def score(self) -> Floats:
        """Return one figure a sentence, 0…1."""
        mean: Floats = ((self.words + self.pairs) / 2).astype(np.float32)
        return mean


def choose(
    expected: Expected,
    lengths: Floats,
    alike: Floats,
    *,
    count: int | None = None,
    share: float | None = None,
) -> list[int]:
    """Return the places of the chosen sentences, in order.

    At most `count` sentences, or, where that is None, as many as make up `share` of the article's words. Greedy, then
    sentences are exchanged while that helps. What is made as large as possible is the expected ROUGE F against a
    reference of usual length: the hits over both lengths.
    """
    gains = (expected.words + expected.pairs) * lengths
    total = float(lengths.sum())
    limit = len(lengths) if count is None else min(count, len(lengths))
    budget = total if share is None else share * total
    pool = np.sort(np.argsort(-gains, kind="stable")[: max(CANDIDATES, 2 * limit)])
    problem = _Problem(
        gains[pool], lengths[pool], _overlap(alike[np.ix_(pool, pool)]), REFERENCE_SHARE * total
    )
    chosen = _greedy(problem, limit, budget)
    if count is not None and count <= MOST_EXCHANGED:
        chosen = _exchange(problem, chosen, len(pool))
    return sorted(int(pool[at]) for at in chosen)


@dataclass(frozen=True)
class _Problem:
    gains: Floats
    lengths: Floats
    overlap: Floats
    reference: float

    def value(self, chosen: Sequence[int]) -> float:
        at = np.array(sorted(chosen))
        # Of two sentences that say the same, the second adds only what is left.
        nearest = np.tril(self.overlap[np.ix_(at, at)], -1).max(1, initial=0)
        return float((self.gains[at] * (1 - nearest)).sum() / (self.reference + self.lengths[at].sum()))


def _greedy(problem: _Problem, limit: int, budget: float) -> list[int]:
    """Take the sentence that adds most, again and again; the first one even where it is over the budget."""
    chosen: list[int] = []
    free = np.ones(len(problem.gains), dtype=bool)
    nearest = np.zeros(len(problem.gains), dtype=np.float32)
    gained, length = 0.0, 0.0
    while len(chosen) < limit:
        fits = free & (length + problem.lengths <= budget) if chosen else free
        if not fits.any():
            break
        left = problem.gains * (1 - nearest)
        value = (gained + left) / (problem.reference + length + problem.lengths)
        at = int(np.argmax(np.where(fits, value, -1)))
        gained, length = gained + float(left[at]), length + float(problem.lengths[at])
        chosen.append(at)
        free[at] = False
        nearest = np.maximum(nearest, problem.overlap[at])
    return chosen


def _exchange(problem: _Problem, chosen: Sequence[int], size: int) -> list[int]:
    best, value = list(chosen), problem.value(chosen)
    for _ in range(_SWAPS):
        better = False
        for position in range(len(best)):
            for other in range(size):
                if other in best:
                    continue
                trial = [*best[:position], other, *best[position + 1 :]]
                if (found := problem.value(trial)) > value + 1e-9:
                    best, value, better = trial, found, True
        if not better:
            break
    return best


def _overlap(alike: Floats) -> Floats:
    overlap: Floats = np.clip((alike - ALIKE) / (1 - ALIKE), 0, 1)
    return overlap
