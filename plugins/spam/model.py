"""The spam model: a calibrated linear classifier on n-grams, which can say what each word contributed.

Prediction is plain Python over a dictionary: for a message of some hundred characters that is faster than preparing a
matrix, and it needs no scientific package in the worker. Training is in `plugins.spam.training`.
"""

import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final, Self

import msgspec

from plugins.spam.data import COLUMNS
from plugins.spam.features import Word, character_grams, tokens, word_grams, words
from shared.errors import ModelUnavailable
from shared.model import Device, Failure, Part, Progress, Report

SHOWN: Final = 12
FORMAT: Final = 1


class SpamRequest(msgspec.Struct, frozen=True):
    """A message to score."""

    text: str


class WordWeight(msgspec.Struct, frozen=True):
    """A word at `start`:`end` of the text, and what it adds to the log-odds of spam (below zero: takes from it)."""

    word: str
    start: int
    end: int
    weight: float


class SpamResult(msgspec.Struct, frozen=True):
    """The probability of spam, the verdict, the words that weigh most, and the share of words that the model knows."""

    probability: float
    spam: bool
    words: list[WordWeight]
    known: float


Grams = Callable[[Sequence[Word]], Iterator[tuple[str, int, int]]]
VIEWS: Final[dict[str, Grams]] = {"word": word_grams, "character": character_grams}


@dataclass(frozen=True)
class Parameters:
    """What a trained model is: for each view, n-gram to (idf, weight); and the numbers and words below.

    log-odds = slope · (Σ weights + bias) + shift (Platt 1999).
    """

    views: Mapping[str, Mapping[str, tuple[float, float]]]
    bias: float
    slope: float
    shift: float
    threshold: float
    vocabulary: frozenset[str]

    def write(self, folder: Path) -> None:
        """Write the parameters: numbers as safetensors, words as JSON."""
        import numpy as np
        from safetensors.numpy import save_file

        folder.mkdir(parents=True, exist_ok=True)
        tensors, grams = {}, {}
        for view, table in self.views.items():
            grams[view] = list(table)
            tensors[view] = np.array(list(table.values()), dtype=np.float32).reshape(-1, 2)
        save_file(tensors, folder / "weights.safetensors")
        document = {
            "format": FORMAT,
            "bias": self.bias,
            "slope": self.slope,
            "shift": self.shift,
            "threshold": self.threshold,
            "grams": grams,
            "vocabulary": sorted(self.vocabulary),
        }
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        (folder / "model.json").write_text(text, encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read what `write` wrote. Raises `ModelUnavailable` where it is something else."""
        from safetensors.numpy import load_file

        try:
            document = json.loads((folder / "model.json").read_text(encoding="utf-8"))
            tensors = load_file(folder / "weights.safetensors")
            if document["format"] != FORMAT:
                raise ValueError(f"format {document['format']}")
            views = {}
            for view in VIEWS:
                pairs = tensors[view].tolist()
                views[view] = {g: (p[0], p[1]) for g, p in zip(document["grams"][view], pairs, strict=True)}
            numbers = {name: float(document[name]) for name in ("bias", "slope", "shift", "threshold")}
            return cls(views, vocabulary=frozenset(document["vocabulary"]), **numbers)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelUnavailable(
                "The weights of spam cannot be read: {reason}", reason=repr(error)
            ) from error


class SpamModel:
    """Scores messages; see the module."""

    name: ClassVar[str] = "spam"
    request: ClassVar[type[msgspec.Struct]] = SpamRequest
    result: ClassVar[type[msgspec.Struct]] = SpamResult
    max_batch: ClassVar[int] = 32
    default: ClassVar[Path | None] = Path(__file__).parent / "weights"
    data_columns: ClassVar[Mapping[str, str]] = COLUMNS

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters

    @classmethod
    def load(cls, folder: Path | None, device: Device) -> Self:
        """Read the weights, and answer once."""
        if folder is None:
            raise ModelUnavailable("The model {model} has no weights that can be read.", model=cls.name)
        model = cls(Parameters.read(folder))
        model.predict([SpamRequest("warm up")])
        return model

    def predict(self, batch: Sequence[SpamRequest]) -> Sequence[SpamResult | Failure]:
        """Score each message; linear in its length."""
        return [self._score(request.text) for request in batch]

    @classmethod
    def train(cls, data: Path, folder: Path, progress: Progress) -> Report:
        """Train on the training part of `data`; see `plugins.spam.training`."""
        from plugins.spam.training import train

        return train(data, folder, progress)

    def evaluate(self, data: Path, part: Part = "all") -> Report:
        """Judge these weights on `data`; see `plugins.spam.training`."""
        from plugins.spam.training import evaluate

        return evaluate(self, data, part)

    def contributions(self, text: str) -> tuple[list[Word], list[float], float]:
        """Return the words, what each adds to the log-odds, and the log-odds of a text without any."""
        parameters, found = self.parameters, words(text)
        weights = [0.0] * len(found)
        for view, grams in VIEWS.items():
            table = parameters.views[view]
            places: dict[str, list[tuple[int, int]]] = defaultdict(list)
            for gram, first, last in grams(found):
                if gram in table:
                    places[gram].append((first, last))
            strengths = {gram: (1 + math.log(len(at))) * table[gram][0] for gram, at in places.items()}
            norm = math.sqrt(math.fsum(s * s for s in strengths.values())) or 1.0
            for gram, at in places.items():
                share = parameters.slope * table[gram][1] * strengths[gram] / norm / len(at) / 2
                for first, last in at:
                    weights[first] += share
                    weights[last] += share
        return found, weights, parameters.slope * parameters.bias + parameters.shift

    def _score(self, text: str) -> SpamResult:
        found, weights, base = self.contributions(text)
        probability = 1 / (1 + math.exp(-max(-500.0, min(500.0, base + math.fsum(weights)))))
        strongest = sorted(range(len(found)), key=lambda i: -abs(weights[i]))[:SHOWN]
        seen = tokens(found)
        return SpamResult(
            probability=probability,
            spam=probability >= self.parameters.threshold,
            words=[
                WordWeight(text[w.start : w.end], w.start, w.end, weights[i])
                for i in strongest
                if abs(weights[i]) > 0.05 and (w := found[i])
            ],
            known=sum(t in self.parameters.vocabulary for t in seen) / len(seen) if seen else 0.0,
        )
