"""A small model of texts that really learns, in no time: naive Bayes over words. For tests of retraining."""

import csv
import json
import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Self

import msgspec

from shared.errors import BadInput
from shared.model import Device, Failure, Interval, Part, Progress, Report
from shared.splits import holdout

HOLDOUT = 0.2
# fmt: off
PLAIN = (
    "river", "candle", "marble", "window", "pepper", "engine", "violin", "meadow", "copper", "lantern", "saddle",
    "thunder", "basket", "harbour", "velvet", "quarry", "pigeon", "almond", "ribbon", "furnace", "glacier", "compass",
)
TELLING = {
    "ham": ("lunch", "homework", "sorry", "tonight", "thanks", "sister"),
    "spam": ("winner", "claim", "bonus", "urgent", "cash", "subscribe"),
}
# fmt: on
FEWEST = 20


class WordsRequest(msgspec.Struct, frozen=True):
    """A text."""

    text: str


class WordsResult(msgspec.Struct, frozen=True):
    """How likely the text is of the label "spam"."""

    probability: float


class Words:
    """Tells texts of two labels by their words. Data: a CSV file with the columns text and label."""

    name: ClassVar[str] = "words"
    request: ClassVar[type[msgspec.Struct]] = WordsRequest
    result: ClassVar[type[msgspec.Struct]] = WordsResult
    max_batch: ClassVar[int] = 8
    default: ClassVar[Path | None] = None
    data_columns: ClassVar[Mapping[str, str]] = {"text": "a text", "label": "ham or spam"}

    def __init__(self, weights: Mapping[str, float]) -> None:
        self.weights = weights

    @classmethod
    def load(cls, folder: Path | None, device: Device) -> Self:
        """Read the words' weights."""
        if folder is None:
            raise BadInput("{model} has no weights yet.", model=cls.name)
        return cls(json.loads((folder / "words.json").read_bytes()))

    def predict(self, batch: Sequence[WordsRequest]) -> Sequence[WordsResult | Failure]:
        """Answer each by the sum of its words' log-odds."""
        return [WordsResult(self._probability(request.text)) for request in batch]

    def _probability(self, text: str) -> float:
        total = sum(self.weights.get(word, 0.0) for word in text.lower().split())
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))

    @classmethod
    def train(cls, data: Path, folder: Path, progress: Progress) -> Report:
        """Count the words of each label, and give the loss over growing parts of the rows as a curve."""
        rows = _rows(data)
        fit = [row for row, out in zip(rows, holdout([t for t, _ in rows], HOLDOUT), strict=True) if not out]
        if len(fit) < FEWEST:
            raise BadInput("{path} has too few texts to train on.", path=data)
        curve, made = [], cls({})
        for part in (4, 2, 1):
            made = cls(_weights(fit[: len(fit) // part]))
            losses = made.evaluate(data, "holdout").losses
            curve.append(sum(losses) / len(losses))
            progress(1 / part, "counting")
        (folder / "words.json").write_text(json.dumps(made.weights))
        report = made.evaluate(data, "holdout")
        return msgspec.structs.replace(report, details={"curves": {"held out": curve}})

    def evaluate(self, data: Path, part: Part = "all") -> Report:
        """Judge by log loss and accuracy."""
        rows = _rows(data)
        if part == "holdout":
            out = holdout([text for text, _ in rows], HOLDOUT)
            rows = [row for row, held in zip(rows, out, strict=True) if held]
        found = [(self._probability(text), label == "spam") for text, label in rows]
        losses = [-math.log(min(1 - 1e-6, max(1e-6, p if spam else 1 - p))) for p, spam in found]
        share = sum((p >= 0.5) == spam for p, spam in found) / max(1, len(found))
        return Report(
            n=len(rows),
            metrics={"accuracy": Interval(share, max(0.0, share - 0.1), min(1.0, share + 0.1))},
            baseline={"accuracy": 0.5},
            baseline_name="a coin",
            losses=losses,
        )


def sentences(rows: int, seed: int = 1) -> list[tuple[str, str]]:
    """Return texts that hardly resemble each other, with their labels; one in ten misleads."""
    chance = random.Random(seed)
    made = []
    for row in range(rows):
        label = ("ham", "spam")[row % 2]
        kind = label if chance.random() < 0.9 else ("spam", "ham")[row % 2]
        words = chance.sample(PLAIN, 7) + chance.sample(TELLING[kind], 2)
        chance.shuffle(words)
        made.append((" ".join(words), label))
    return made


def _weights(rows: Sequence[tuple[str, str]]) -> dict[str, float]:
    counts: dict[str, Counter[str]] = {"ham": Counter(), "spam": Counter()}
    for text, label in rows:
        counts[label].update(text.lower().split())
    ham, spam = counts["ham"].total() + 1, counts["spam"].total() + 1
    return {
        word: math.log((counts["spam"][word] + 1) / spam) - math.log((counts["ham"][word] + 1) / ham)
        for word in sorted(counts["ham"] | counts["spam"])
    }


def _rows(data: Path) -> list[tuple[str, str]]:
    with data.open(newline="", encoding="utf-8") as file:
        return [(row["text"], row["label"]) for row in csv.DictReader(file)]
