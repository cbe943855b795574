"""Answers from a transformer: one from a hub, or one that was fine-tuned; its labels are read generously."""

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from plugins.sentiment.model import Reason, SentimentRequest, SentimentResult, Verdict, WordWeight
from plugins.sentiment.reading import strongest, verdict_of
from shared.errors import ModelUnavailable
from shared.language import language_of
from shared.model import Device
from shared.transformer import Attribution, TextClassifier

UNCLEAR: Final = 0.25
"""From this probability on, and as far from 1, a verdict is left open."""
NEUTRAL: Final = 0.5
"""From which probability of neither on a text is unsure."""
_STARS: Final = re.compile(r"(\d)(?: ?stars?)?")
_WORDS: Final = {
    **dict.fromkeys(("positive", "pos", "label_1", "good", "正面", "正向"), 1.0),
    **dict.fromkeys(("negative", "neg", "label_0", "bad", "负面", "負面", "负向", "負向"), 0.0),
}
_MIDDLE: Final = frozenset({"neutral", "neu", "mixed", "中性"})


class TransformerReader:
    """Answers from a sequence classifier; `worth` is what each label is worth in 0…1, not a number for neither."""

    def __init__(self, classifier: TextClassifier, worth: NDArray[np.float64]) -> None:
        self._classifier, self._worth = classifier, worth

    @classmethod
    def load(cls, folder: Path, device: Device) -> Self:
        """Open a folder. Raises `ModelUnavailable`, also where its labels are not of sentiment."""
        classifier = TextClassifier.load(folder, device)
        return cls(classifier, worth_of(classifier.labels))

    def read(self, batch: Sequence[SentimentRequest]) -> list[SentimentResult]:
        """Judge each text; words are found only for those of which they are wanted."""
        rows = self._classifier.probabilities([request.text for request in batch])
        explained = self._classifier.explanations(
            [request.text if request.words else "" for request in batch], int(np.nanargmax(self._worth))
        )
        return [self._result(*each) for each in zip(batch, rows, explained, strict=True)]

    def _result(
        self, request: SentimentRequest, row: NDArray[np.float64], words: Sequence[Attribution]
    ) -> SentimentResult:
        neither = np.isnan(self._worth)
        sided = float(row[~neither].sum())
        probability = float(row[~neither] @ self._worth[~neither]) / sided if sided > 0 else 0.5
        empty = not request.text.strip()
        open_ = empty or 1 - sided >= NEUTRAL
        verdict: Verdict = "unclear" if open_ else verdict_of(probability, UNCLEAR)
        reason: Reason = "" if verdict != "unclear" else "unknown" if empty else "unsure"
        return SentimentResult(
            probability=min(max(probability, 0.0), 1.0),
            verdict=verdict,
            reason=reason,
            words=_strongest(request.text, words),
            language=language_of(request.text),
            known=0.0 if empty else 1.0,
            exact=False,
        )


def _strongest(text: str, words: Sequence[Attribution]) -> list[WordWeight]:
    return strongest(
        [
            WordWeight(text[each.start : each.end], each.start, each.end, each.weight)
            for each in words
            if math.isfinite(each.weight)
        ]
    )


def worth_of(labels: Sequence[str]) -> NDArray[np.float64]:
    """Say what each label is worth: 0 for negative, 1 for positive, between for stars, not a number for neither.

    Raises `ModelUnavailable` where that cannot be told.
    """
    known = [label.strip().lower() for label in labels]
    stars = [_STARS.fullmatch(label) for label in known]
    if len(known) >= 3 and all(stars):
        numbers = np.array([float(each[1]) for each in stars if each])
        if numbers.max() > numbers.min():
            return np.asarray((numbers - numbers.min()) / (numbers.max() - numbers.min()))
    if set(known) == {"label_0", "label_1", "label_2"}:
        # Three bare numbers are, wherever they are used for sentiment, negative, neutral and positive.
        return np.array([{"label_0": 0.0, "label_1": math.nan, "label_2": 1.0}[label] for label in known])
    worth = [_WORDS.get(label, math.nan) for label in known]
    unknown = [
        label for label, each in zip(known, worth, strict=True) if math.isnan(each) and label not in _MIDDLE
    ]
    if unknown or not {0.0, 1.0} <= set(worth):
        raise ModelUnavailable(
            "The labels of this model do not say positive and negative: {labels}",
            labels=", ".join(known)[:200],
        )
    return np.array(worth)
