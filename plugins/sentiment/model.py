"""The sentiment model: how positive a text is, calibrated, and what each of its words adds to that.

A folder of weights holds either the small ensembles of `plugins.sentiment.ensemble` or a transformer; what answers for
each is imported where it is needed.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Literal, Protocol, Self

import msgspec

from plugins.sentiment.data import COLUMNS
from shared.errors import ModelUnavailable
from shared.language import Language
from shared.model import Device, Failure, Part, Progress, Report

Verdict = Literal["positive", "negative", "unclear"]
Reason = Literal["", "mixed", "unsure", "unknown"]


class SentimentRequest(msgspec.Struct, frozen=True):
    """A text to judge. `words` is false where nobody looks at them, which is quicker."""

    text: str
    words: bool = True


class WordWeight(msgspec.Struct, frozen=True):
    """A word at `start`:`end` of the text, and what it adds to the log-odds of positive (below zero: takes from it)."""

    word: str
    start: int
    end: int
    weight: float


class SentimentResult(msgspec.Struct, frozen=True):
    """The probability of positive, the verdict, and why there is none.

    `reason` of an unclear text: "mixed" (words speak strongly for both), "unsure" (they say little) or "unknown" (the
    model knows few of them). `words` has the strongest first. `exact`: the weights of all words and signs and one
    constant add up to the log-odds; else a weight is what the log-odds lose without the word.
    """

    probability: float
    verdict: Verdict
    reason: Reason
    words: list[WordWeight]
    language: Language
    known: float
    exact: bool = True


class Reader(Protocol):
    """What answers from one kind of weights."""

    def read(self, batch: Sequence[SentimentRequest]) -> list[SentimentResult]:
        """Judge each text."""
        ...


class SentimentModel:
    """Judges texts; see the module."""

    name: ClassVar[str] = "sentiment"
    request: ClassVar[type[msgspec.Struct]] = SentimentRequest
    result: ClassVar[type[msgspec.Struct]] = SentimentResult
    max_batch: ClassVar[int] = 32
    default: ClassVar[Path | None] = Path(__file__).parent / "weights"
    data_columns: ClassVar[Mapping[str, str]] = COLUMNS

    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    @classmethod
    def load(cls, folder: Path | None, device: Device) -> Self:
        """Read the weights, and answer once."""
        if folder is None:
            raise ModelUnavailable("The model {model} has no weights that can be read.", model=cls.name)
        reader: Reader
        # A few kilobytes decide; what transformers needs is imported only where it is one.
        if (folder / "config.json").is_file():
            from plugins.sentiment.transformed import TransformerReader

            reader = TransformerReader.load(folder, device)
        else:
            from plugins.sentiment.reading import EnsembleReader

            reader = EnsembleReader.load(folder, device)
        model = cls(reader)
        model.predict([SentimentRequest("warm up"), SentimentRequest("暖身")])
        return model

    def predict(self, batch: Sequence[SentimentRequest]) -> Sequence[SentimentResult | Failure]:
        """Judge each text; linear in its length."""
        return self.reader.read(batch)

    @classmethod
    def train(cls, data: Path, folder: Path, progress: Progress) -> Report:
        """Train on the training part of `data`; see `plugins.sentiment.training`."""
        from plugins.sentiment.training import train

        return train(data, folder, progress)

    def evaluate(self, data: Path, part: Part = "all") -> Report:
        """Judge these weights on `data`; see `plugins.sentiment.judging`."""
        from plugins.sentiment.judging import evaluate

        return evaluate(self, data, part)
