"""A linear expert: its n-grams and their numbers, and how a batch of texts is scored and taken apart word by word.

Imported by the worker and the trainer only: it needs numpy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from plugins.fact.features import OPENING, Recipe, Word, character_grams, word_grams, words

VIEWS: Final = ("word", "character")
VECTOR: Final = 512
"""Numbers of a sentence vector."""
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class View:
    """One kind of n-gram: the place of each in the two arrays.

    `scale` is what an n-gram counts for before the norm: its idf times a power of its naive Bayes log-ratio (Wang &
    Manning 2012); `weight` what it then adds.
    """

    grams: Mapping[str, int]
    scale: Floats
    weight: Floats


@dataclass(frozen=True)
class Scored:
    """A text taken apart: log-odds of fake = `base` + the sum of `weights`, one a word."""

    words: list[Word]
    weights: Floats
    base: float

    @property
    def log_odds(self) -> float:
        """Return the log-odds of fake."""
        return self.base + float(self.weights.sum())


def weigh(counts: Floats, scale: Floats, row: Integers, rows: int) -> Floats:
    """Return the scaled strength of n-grams that occur `counts` times in texts `row` of 0…`rows`, each text of norm 1.

    The term frequency is 1 + log(count).
    """
    strength = (1 + np.log(counts)) * scale
    norm = np.sqrt(np.bincount(row, strength**2, rows))
    weighed: Floats = strength / np.maximum(norm, 1e-9)[row]
    return weighed


@dataclass(frozen=True)
class Linear:
    """A trained expert: log-odds = slope · (weights · values + opening · vector + bias) + shift (Platt 1999).

    `opening` weighs the sentence vector of a text's beginning; None where the expert looks at none.
    """

    recipe: Recipe
    views: Mapping[str, View]
    bias: float
    slope: float
    shift: float
    opening: Floats | None = None

    def score(self, texts: Sequence[str], vectors: Floats | None = None) -> list[Scored]:
        """Take each text apart; linear in the length of all. `vectors`: texts × numbers, of their beginnings."""
        found = [words(text) for text in texts]
        sizes = np.array([len(each) for each in found], dtype=np.int64)
        starts = (np.cumsum(sizes) - sizes).tolist()
        row_of_word = np.repeat(np.arange(len(texts)), sizes)
        totals = np.zeros(len(row_of_word))
        for name, view in self.views.items():
            gram, first, last = self._placed(name, view, found, starts)
            totals += self._shares(view, gram, first, last, row_of_word, len(texts))
        if self.opening is not None and vectors is not None:
            totals += self._openings(vectors @ self.opening, found)
        base = self.slope * self.bias + self.shift
        return [
            Scored(each, totals[start : start + len(each)], base)
            for each, start in zip(found, starts, strict=True)
        ]

    def _shares(
        self, view: View, gram: Integers, first: Integers, last: Integers, row_of_word: Integers, rows: int
    ) -> Floats:
        """Return what the n-grams of a view add to each word; one across several goes to the outer two evenly."""
        kinds = max(len(view.scale), 1)
        pairs, where, found = np.unique(
            row_of_word[first] * kinds + gram, return_inverse=True, return_counts=True
        )
        row, kind = np.divmod(pairs, kinds)
        counts = found.astype(float)
        value = weigh(counts, view.scale[kind], row, rows)
        share = (self.slope * view.weight[kind] * value / counts)[where] / 2
        size = len(row_of_word)
        return np.add(np.bincount(first, share, size), np.bincount(last, share, size), dtype=np.float64)

    def _openings(self, decisions: Floats, found: Sequence[Sequence[Word]]) -> Floats:
        """Return what the vectors add, shared evenly by the words that they stand for."""
        parts = []
        for decision, each in zip(decisions, found, strict=True):
            inside = np.array([word.start < OPENING for word in each], dtype=float)
            # Without a word in the beginning there is none to stand for it.
            parts.append(self.slope * decision * inside / max(inside.sum(), 1.0))
        return np.concatenate(parts) if parts else np.zeros(0)

    def _placed(
        self, name: str, view: View, found: Sequence[Sequence[Word]], starts: Sequence[int]
    ) -> tuple[Integers, Integers, Integers]:
        """Return each known n-gram, and the first and last of the words of all texts that it lies in."""
        get = view.grams.get
        if name == "character":
            all_words = list(chain.from_iterable(found))
            # Most words of a text come again.
            known = {
                word: [
                    at
                    for gram in character_grams(word, self.recipe.shortest, self.recipe.longest)
                    if (at := get(gram)) is not None
                ]
                for word in {word.text for word in all_words}
            }
            lists = [known[word.text] for word in all_words]
            sizes = np.array([len(each) for each in lists], dtype=np.int64)
            gram = np.fromiter(chain.from_iterable(lists), dtype=np.int64, count=int(sizes.sum()))
            word = np.repeat(np.arange(len(lists)), sizes)
            return gram, word, word
        triples = [
            (at, start + first, start + last)
            for each, start in zip(found, starts, strict=True)
            for gram_, first, last in word_grams(each, self.recipe.words)
            if (at := get(gram_)) is not None
        ]
        table = np.array(triples, dtype=np.int64).reshape(-1, 3)
        return table[:, 0], table[:, 1], table[:, 2]

    def numbers(self, prefix: str) -> dict[str, NDArray[np.float16]]:
        """Return the arrays to keep, at half precision."""
        kept = {
            f"{prefix}.{name}.{part}": getattr(view, part).astype(np.float16)
            for name, view in self.views.items()
            for part in ("scale", "weight")
        }
        if self.opening is not None:
            kept[f"{prefix}.opening"] = self.opening.astype(np.float16)
        return kept

    def document(self) -> dict[str, Any]:
        """Return the rest, as JSON holds it."""
        return {
            "recipe": [self.recipe.words, self.recipe.shortest, self.recipe.longest],
            "bias": self.bias,
            "slope": self.slope,
            "shift": self.shift,
            "grams": {name: list(view.grams) for name, view in self.views.items()},
        }

    @classmethod
    def of(cls, document: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]], prefix: str) -> Self:
        """Put together what `numbers` and `document` gave. Raises `ValueError` or `KeyError` where they do not fit."""
        views = {}
        for name in VIEWS:
            grams = {str(gram): at for at, gram in enumerate(document["grams"][name])}
            scale, weight = (tensors[f"{prefix}.{name}.{part}"].astype(float) for part in ("scale", "weight"))
            if not scale.shape == weight.shape == (len(grams),) or not np.isfinite([scale, weight]).all():
                raise ValueError(f"{len(grams)} {name} n-grams, but {scale.shape} and {weight.shape} numbers")
            views[name] = View(grams, scale, weight)
        words_, shortest, longest = map(int, document["recipe"])
        recipe = Recipe(words_, shortest, longest)
        bias, slope, shift = (float(document[part]) for part in ("bias", "slope", "shift"))
        opening = tensors.get(f"{prefix}.opening")
        if opening is not None and (opening.shape != (VECTOR,) or not np.isfinite(opening).all()):
            raise ValueError(f"an opening of {opening.shape} numbers")
        return cls(recipe, views, bias, slope, shift, None if opening is None else opening.astype(float))
