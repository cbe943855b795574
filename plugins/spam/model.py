"""The spam model: a calibrated linear classifier on n-grams, which can say what each word contributed.

The numbers are in `plugins.spam.linear`, training in `plugins.spam.training`; both are imported where they are needed.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Self

import msgspec

from plugins.spam.data import COLUMNS
from plugins.spam.features import tokens
from shared.errors import ModelUnavailable
from shared.model import Device, Failure, Part, Progress, Report

if TYPE_CHECKING:
    from plugins.spam.linear import Linear, Scored

SHOWN: Final = 12
LEAST: Final = 0.2
"""Words whose log-odds are nearer to zero than this are not worth showing."""


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
    """The probability of spam, the verdict, the words that weigh most, and the share of words that the model knows.

    `words` has the strongest first, 12 at most. `known` is 0 for a text without words.
    """

    probability: float
    spam: bool
    words: list[WordWeight]
    known: float


class SpamModel:
    """Scores messages; see the module."""

    name: ClassVar[str] = "spam"
    request: ClassVar[type[msgspec.Struct]] = SpamRequest
    result: ClassVar[type[msgspec.Struct]] = SpamResult
    max_batch: ClassVar[int] = 32
    default: ClassVar[Path | None] = Path(__file__).parent / "weights"
    data_columns: ClassVar[Mapping[str, str]] = COLUMNS

    def __init__(self, linear: "Linear") -> None:
        self.linear = linear

    @classmethod
    def load(cls, folder: Path | None, device: Device) -> Self:
        """Read the weights, and answer once."""
        if folder is None:
            raise ModelUnavailable("The model {model} has no weights that can be read.", model=cls.name)
        from plugins.spam.linear import Linear

        model = cls(Linear.read(folder))
        model.predict([SpamRequest("warm up")])
        return model

    def predict(self, batch: Sequence[SpamRequest]) -> Sequence[SpamResult | Failure]:
        """Score each message; linear in its length."""
        texts = [request.text for request in batch]
        scored = self.linear.score(texts)
        return [self._result(text, each) for text, each in zip(texts, scored, strict=True)]

    @classmethod
    def train(cls, data: Path, folder: Path, progress: Progress) -> Report:
        """Train on the training part of `data`; see `plugins.spam.training`."""
        from plugins.spam.training import train

        return train(data, folder, progress)

    def evaluate(self, data: Path, part: Part = "all") -> Report:
        """Judge these weights on `data`; see `plugins.spam.training`."""
        from plugins.spam.training import evaluate

        return evaluate(self, data, part)

    def _result(self, text: str, scored: "Scored") -> SpamResult:
        # Beyond this the probability is 0 or 1 to the last bit, and exp would overflow.
        probability = 1 / (1 + math.exp(-max(-500.0, min(500.0, scored.log_odds))))
        weights = scored.weights.tolist()
        strongest = sorted(range(len(weights)), key=lambda at: -abs(weights[at]))[:SHOWN]
        seen = tokens(scored.words)
        return SpamResult(
            probability=probability,
            spam=probability >= self.linear.threshold,
            words=[
                WordWeight(text[word.start : word.end], word.start, word.end, weights[at])
                for at in strongest
                if abs(weights[at]) >= LEAST and (word := scored.words[at])
            ],
            known=sum(token in self.linear.vocabulary for token in seen) / len(seen) if seen else 0.0,
        )
