"""A linear model on n-grams that are known by a hash of their tokens: small on disk, and quick to look up.

The score of a text is `bias` + the sum of its distinct n-grams' weights, divided by the root of their number and a
floor, so that a few n-grams never weigh as much as a whole review does. It can be taken apart token by token without
remainder.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Keys = NDArray[np.uint32]
_STEP: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX: Final = np.uint64(0xBF58476D1CE4E5B9)
_LAST: Final = np.uint64(0x94D049BB133111EB)
_SHIFT: Final = np.uint64(29)
_HALF: Final = np.uint64(32)


@dataclass(frozen=True)
class Encoded:
    """Texts as numbers of tokens, one after the other: 0 for a token that is not in the vocabulary."""

    ids: Integers
    sizes: Integers

    @property
    def rows(self) -> Integers:
        """Return for each token the text that it is in."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    @property
    def starts(self) -> Integers:
        """Return the place of each text's first token."""
        starts: Integers = np.cumsum(self.sizes) - self.sizes
        return starts


def encode(texts: Sequence[Sequence[str]], numbers: dict[str, int]) -> Encoded:
    """Number the tokens of texts."""
    sizes = np.array([len(text) for text in texts], dtype=np.int64)
    get = numbers.get
    ids = np.fromiter((get(form, 0) for text in texts for form in text), np.int64, count=int(sizes.sum()))
    return Encoded(ids, sizes)


class Grams(NamedTuple):
    """N-grams of texts: the key of each, its text, the place of its first token, and its length."""

    keys: Keys
    row: Integers
    first: Integers
    order: Integers


def grams(texts: Encoded, longest: int) -> Grams:
    """Return every n-gram of 1 to `longest` known tokens; time and memory linear in the tokens."""
    ids, rows = texts.ids.astype(np.uint64), texts.rows
    found: list[Grams] = []
    with np.errstate(over="ignore"):
        for order in range(1, longest + 1):
            count = max(0, len(ids) - order + 1)
            key = np.zeros(count, dtype=np.uint64)
            inside = rows[:count] == rows[order - 1 : order - 1 + count]
            for step in range(order):
                part = ids[step : step + count]
                inside &= part > 0
                key = (key * _STEP + part) * _MIX
                key ^= key >> _SHIFT
            key = ((key ^ np.uint64(order)) * _LAST) >> _HALF
            first = np.flatnonzero(inside)
            found.append(Grams(key[first].astype(np.uint32), rows[first], first, np.full(len(first), order)))
    return Grams(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


@dataclass(frozen=True)
class Taken:
    """Texts taken apart by one member: score = the text's `bases` + the sum of `weights` over the tokens of a text."""

    bases: Floats
    weights: Floats
    scores: Floats


@dataclass(frozen=True)
class NGrams:
    """The linear model: `keys` are sorted, `weights` are theirs."""

    keys: Keys
    weights: NDArray[np.float32]
    bias: float
    floor: float
    longest: int

    def take_apart(self, texts: Encoded) -> Taken:
        """Score texts, and say what each token adds: an n-gram's share is spread evenly over its tokens."""
        found = grams(texts, self.longest)
        at, known = look_up(self.keys, found.keys)
        row, first, order = found.row[known], found.first[known], found.order[known]
        kinds = max(len(self.keys), 1)
        pairs, where, times = np.unique(row * kinds + at, return_inverse=True, return_counts=True)
        rows = len(texts.sizes)
        scale = 1 / np.sqrt(np.bincount(pairs // kinds, minlength=rows) + self.floor)
        # Each occurrence of an n-gram has an equal part of it.
        share = self.weights[at] * scale[row] / times[where]
        spread = share / order
        weights = np.zeros(len(texts.ids))
        for step in range(self.longest):
            inside = order > step
            weights += np.bincount(first[inside] + step, spread[inside], len(texts.ids))
        bases = np.full(rows, self.bias)
        return Taken(bases, weights, bases + np.bincount(row, share, rows))


def look_up(keys: Keys, wanted: Keys) -> tuple[Integers, NDArray[np.bool_]]:
    """Return where in the sorted `keys` the known ones of `wanted` stand, and which are known."""
    if not len(keys):
        return np.zeros(0, dtype=np.int64), np.zeros(len(wanted), dtype=np.bool_)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    known: NDArray[np.bool_] = keys[at] == wanted
    return at[known].astype(np.int64), known
