"""The linear model behind the spam score: its parameters, their files, and how a batch of texts is scored.

Imported by the worker and the trainer only: it needs numpy.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from plugins.spam.features import Word, character_grams, word_grams, words
from shared.errors import ModelUnavailable

FORMAT: Final = 2
VIEWS: Final = ("word", "character")
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class View:
    """One kind of n-gram: the place of each in the two arrays, and the floor of the norm (see `weigh`)."""

    grams: Mapping[str, int]
    idf: Floats
    weight: Floats
    floor: float


@dataclass(frozen=True)
class Scored:
    """A text taken apart: log-odds of spam = `base` + the sum of `weights`, one a word."""

    words: list[Word]
    weights: Floats
    base: float

    @property
    def log_odds(self) -> float:
        """Return the log-odds of spam."""
        return self.base + float(self.weights.sum())


def weigh(counts: Floats, idf: Floats, row: Integers, rows: int, floor: float) -> Floats:
    """Return the TF-IDF of n-grams that occur `counts` times in texts `row` of 0…`rows`.

    The term frequency is 1 + log(count). A text is divided by the root of its squared norm and the squared `floor`, so
    a few n-grams alone never weigh as much as a whole message does.
    """
    strength = (1 + np.log(counts)) * idf
    norm = np.sqrt(np.bincount(row, strength**2, rows) + floor**2)
    weighed: Floats = strength / norm[row]
    return weighed


@dataclass(frozen=True)
class Linear:
    """A trained model: log-odds = slope · (weights · TF-IDF + bias) + shift (Platt 1999)."""

    views: Mapping[str, View]
    bias: float
    slope: float
    shift: float
    threshold: float
    vocabulary: frozenset[str]

    @property
    def base(self) -> float:
        """Return the log-odds of a text without any n-gram."""
        return self.slope * self.bias + self.shift

    def score(self, texts: Sequence[str]) -> list[Scored]:
        """Take each text apart; linear in the length of all."""
        found = [words(text) for text in texts]
        sizes = np.array([len(each) for each in found], dtype=np.int64)
        starts = (np.cumsum(sizes) - sizes).tolist()
        row_of_word = np.repeat(np.arange(len(texts)), sizes)
        totals = np.zeros(len(row_of_word))
        for name, view in self.views.items():
            gram, first, last = _placed(name, view, found, starts)
            totals += self._shares(view, gram, first, last, row_of_word, len(texts))
        return [
            Scored(each, totals[start : start + len(each)], self.base)
            for each, start in zip(found, starts, strict=True)
        ]

    def _shares(
        self, view: View, gram: Integers, first: Integers, last: Integers, row_of_word: Integers, rows: int
    ) -> Floats:
        """Return what the n-grams of a view add to each word; one across two words is shared evenly."""
        kinds = max(len(view.idf), 1)
        pairs, where, found = np.unique(
            row_of_word[first] * kinds + gram, return_inverse=True, return_counts=True
        )
        row, kind = np.divmod(pairs, kinds)
        counts = found.astype(float)
        value = weigh(counts, view.idf[kind], row, rows, view.floor)
        share = (self.slope * view.weight[kind] * value / counts)[where] / 2
        size = len(row_of_word)
        return np.add(np.bincount(first, share, size), np.bincount(last, share, size), dtype=np.float64)

    def write(self, folder: Path) -> None:
        """Write the parameters: numbers as safetensors, words as JSON."""
        folder.mkdir(parents=True, exist_ok=True)
        tensors = {f"{name}.idf": view.idf.astype(np.float32) for name, view in self.views.items()}
        tensors |= {f"{name}.weight": view.weight.astype(np.float32) for name, view in self.views.items()}
        (folder / "weights.safetensors").write_bytes(save(tensors))
        document = {
            "format": FORMAT,
            "bias": self.bias,
            "slope": self.slope,
            "shift": self.shift,
            "threshold": self.threshold,
            "floors": {name: view.floor for name, view in self.views.items()},
            "grams": {name: list(view.grams) for name, view in self.views.items()},
            "vocabulary": sorted(self.vocabulary),
        }
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        (folder / "model.json").write_text(text, encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read what `write` wrote. Raises `ModelUnavailable` where it is something else."""
        try:
            document = json.loads((folder / "model.json").read_text(encoding="utf-8"))
            tensors = load((folder / "weights.safetensors").read_bytes())
            if document["format"] != FORMAT:
                raise ValueError(f"format {document['format']}")
            views = {}
            for name in VIEWS:
                grams = {gram: at for at, gram in enumerate(document["grams"][name])}
                idf, weight = (tensors[f"{name}.{part}"].astype(float) for part in ("idf", "weight"))
                if not idf.shape == weight.shape == (len(grams),):
                    raise ValueError(
                        f"{len(grams)} {name} n-grams, but {idf.shape} and {weight.shape} numbers"
                    )
                views[name] = View(grams, idf, weight, float(document["floors"][name]))
            numbers = {name: float(document[name]) for name in ("bias", "slope", "shift", "threshold")}
            return cls(views, vocabulary=frozenset(document["vocabulary"]), **numbers)
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            raise ModelUnavailable(
                "The weights of spam cannot be read: {reason}", reason=repr(error)
            ) from error


def _placed(
    name: str, view: View, found: Sequence[Sequence[Word]], starts: Sequence[int]
) -> tuple[Integers, Integers, Integers]:
    """Return each known n-gram, and the first and last of the words of all texts that it lies in."""
    get = view.grams.get
    if name == "character":
        all_words = list(chain.from_iterable(found))
        # Most words of a text come again.
        known = {
            word: [at for gram in character_grams(word) if (at := get(gram)) is not None]
            for word in {word.folded for word in all_words}
        }
        lists = [known[word.folded] for word in all_words]
        sizes = np.array([len(each) for each in lists], dtype=np.int64)
        gram = np.fromiter(chain.from_iterable(lists), dtype=np.int64, count=int(sizes.sum()))
        word = np.repeat(np.arange(len(lists)), sizes)
        return gram, word, word
    triples = [
        (at, start + first, start + last)
        for each, start in zip(found, starts, strict=True)
        for gram, first, last in word_grams(each)
        if (at := get(gram)) is not None
    ]
    table = np.array(triples, dtype=np.int64).reshape(-1, 3)
    return table[:, 0], table[:, 1], table[:, 2]
