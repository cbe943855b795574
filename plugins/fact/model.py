"""The model `fact`: how a text reads, by what readers of real and fake posts and articles learned; never what is true.

A folder of weights holds either the default's experts (`plugins.fact.mixture`) or a transformer
(`plugins.fact.transformed`); both are imported where they are needed.
"""

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final, Literal, Self

import msgspec

from plugins.fact.cleaning import clean
from plugins.fact.data import COLUMNS
from plugins.fact.features import MOST, latin_share, vocabulary
from plugins.fact.reading import Reader, Reading, Weight
from shared.errors import ModelUnavailable
from shared.language import language_of
from shared.model import Device, Failure, Part, Progress, Report

SHOWN: Final = 10
LEAST: Final = 0.04
"""Words whose log-odds are nearer to zero than this are not worth showing."""
STRONG: Final = 0.25
"""Nor are those that weigh less than this share of the strongest."""
LONGEST: Final = 6
"""Words of a phrase."""
LATIN: Final = 0.8
"""Below this share of English letters a text is not English."""
FEWEST: Final = 5
"""Different English words that a text must have to be judged."""
_BETWEEN: Final = re.compile(r"[^\S\n]{1,3}")

Verdict = Literal["unreliable", "reliable", "none"]
Reason = Literal["", "grey", "unlike", "language", "short"]


class FactRequest(msgspec.Struct, frozen=True):
    """A text to read."""

    text: str


class Phrase(msgspec.Struct, frozen=True):
    """A phrase at `start`:`end` of the text, and what it adds to the log-odds of unreliable (below zero: takes)."""

    text: str
    start: int
    end: int
    weight: float


class FactResult(msgspec.Struct, frozen=True):
    """How a text reads: the probability that it is of the unreliable ones, and the verdict with why there is none.

    `reason` is "grey" (too near to call), "unlike" (unlike what the model learned from), "language" (not English) or
    "short". `phrases` has the strongest first. `familiarity` is the share of training texts that sound less like the
    rest of them, None where nobody measures it.
    """

    probability: float
    verdict: Verdict
    reason: Reason
    kind: Literal["post", "article"]
    familiarity: float | None
    phrases: list[Phrase]


class FactModel:
    """Reads texts; see the module."""

    name: ClassVar[str] = "fact"
    request: ClassVar[type[msgspec.Struct]] = FactRequest
    result: ClassVar[type[msgspec.Struct]] = FactResult
    max_batch: ClassVar[int] = 16
    default: ClassVar[Path | None] = Path(__file__).parent / "weights"
    data_columns: ClassVar[Mapping[str, str]] = COLUMNS

    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    @classmethod
    def load(cls, folder: Path | None, device: Device) -> Self:
        """Read the weights, and answer once."""
        if folder is None:
            raise ModelUnavailable("The model {model} has no weights that can be read.", model=cls.name)
        model = cls(_reader(folder, device))
        model.predict([FactRequest("warm up")])
        return model

    def predict(self, batch: Sequence[FactRequest]) -> Sequence[FactResult | Failure]:
        """Read each text, its first 20,000 characters; linear in its length."""
        texts = [request.text[:MOST] for request in batch]
        return [_result(text, reading) for text, reading in zip(texts, self.reader.read(texts), strict=True)]

    @classmethod
    def train(cls, data: Path, folder: Path, progress: Progress) -> Report:
        """Train on the training part of `data`; see `plugins.fact.training`."""
        from plugins.fact.training import train

        return train(data, folder, progress)

    def evaluate(self, data: Path, part: Part = "all") -> Report:
        """Judge these weights on `data`; see `plugins.fact.judging`."""
        from plugins.fact.judging import evaluate

        return evaluate(self, data, part)


def _reader(folder: Path, device: Device) -> Reader:
    # What a transformer's folder looks like is told without importing transformers.
    from shared.checkpoint import is_transformer

    if is_transformer(folder):
        from plugins.fact.transformed import Transformed

        return Transformed.load(folder, device)
    from plugins.fact.mixture import Mixture

    return Mixture.read_folder(folder, device)


def _result(text: str, reading: Reading) -> FactResult:
    probability = 1 / (1 + math.exp(-max(-500.0, min(500.0, reading.log_odds))))
    reason = _reason(text, reading)
    likeness = reading.likeness
    return FactResult(
        probability=probability,
        verdict="none" if reason else "unreliable" if probability >= 0.5 else "reliable",
        reason=reason,
        kind=reading.kind,
        familiarity=None if likeness is None else likeness.familiarity,
        phrases=[] if reason in ("language", "short") else _phrases(text, reading.weights),
    )


def _reason(text: str, reading: Reading) -> Reason:
    """Say why there is no verdict, the plainest reason first; "" where there is one."""
    bare = clean(text).text
    likeness = reading.likeness
    if likeness is None:
        # A transformer: which languages it knows is not ours to say.
        return "grey" if reading.grey[0] < reading.log_odds < reading.grey[1] else ""
    if language_of(bare) == "zh" or (latin_share(bare) < LATIN and any(c.isalpha() for c in bare)):
        return "language"
    if len(set(vocabulary(bare))) < FEWEST:
        return "short"
    if likeness.unlike:
        return "unlike"
    return "grey" if reading.grey[0] < reading.log_odds < reading.grey[1] else ""


def _phrases(text: str, weights: Sequence[Weight]) -> list[Phrase]:
    """Join neighbouring words that push hard and the same way, and return the strongest phrases."""
    least = max([LEAST, *(STRONG * abs(word.weight) for word in weights)])
    joined: list[Weight] = []
    words = 0
    for word in weights:
        if abs(word.weight) < least:
            continue
        last = joined[-1] if joined else None
        if (
            last is not None
            and words < LONGEST
            and last.weight * word.weight > 0
            and _BETWEEN.fullmatch(text, last.end, word.start)
        ):
            joined[-1] = Weight(last.start, word.end, last.weight + word.weight)
            words += 1
        else:
            joined.append(word)
            words = 1
    strongest = sorted(joined, key=lambda each: -abs(each.weight))[:SHOWN]
    return [Phrase(text[start:end], start, end, weight) for start, end, weight in strongest]
