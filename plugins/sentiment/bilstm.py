"""The course's model: a bidirectional LSTM over its own vocabulary, trained from nothing but the labelled texts.

Two things are other than in the course: sequences are packed, so padding is never read, and the vocabulary comes from
training rows only. It ships no weights; `hearth models train sentiment-bilstm --data FILE` makes some.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import msgspec

from plugins.sentiment.data import COLUMNS
from plugins.sentiment.features import tokens
from plugins.sentiment.model import SentimentRequest, SentimentResult, Verdict
from shared.errors import ModelUnavailable
from shared.language import language_of
from shared.model import Device, Failure, Part, Progress, Report

if TYPE_CHECKING:
    from plugins.sentiment.recurrent import Recurrent


class SentimentBiLSTM:
    """Judges texts by the course's network; its words are not taken apart, and it always has a verdict."""

    name: ClassVar[str] = "sentiment-bilstm"
    request: ClassVar[type[msgspec.Struct]] = SentimentRequest
    result: ClassVar[type[msgspec.Struct]] = SentimentResult
    max_batch: ClassVar[int] = 32
    default: ClassVar[Path | None] = None
    warm: ClassVar[bool] = False
    data_columns: ClassVar[Mapping[str, str]] = COLUMNS

    def __init__(self, recurrent: "Recurrent") -> None:
        self.recurrent = recurrent

    @classmethod
    def load(cls, folder: Path | None, device: Device) -> Self:
        """Read the weights, and answer once."""
        if folder is None:
            raise ModelUnavailable("The model {model} has no weights that can be read.", model=cls.name)
        from plugins.sentiment.recurrent import Recurrent

        model = cls(Recurrent.read(folder, device))
        model.predict([SentimentRequest("warm up")])
        return model

    def predict(self, batch: Sequence[SentimentRequest]) -> Sequence[SentimentResult | Failure]:
        """Judge each text."""
        languages = [language_of(request.text) for request in batch]
        forms = [
            [token.form for token in tokens(request.text, language)]
            for request, language in zip(batch, languages, strict=True)
        ]
        probabilities, known = self.recurrent.judge(forms)
        found = []
        for p, share, language in zip(probabilities, known, languages, strict=True):
            verdict: Verdict = "positive" if p >= 0.5 else "negative"
            found.append(SentimentResult(p, verdict, "", [], language, share, exact=False))
        return found

    @classmethod
    def train(cls, data: Path, folder: Path, progress: Progress) -> Report:
        """Train on the training part of `data`; see `plugins.sentiment.recurrent_training`."""
        from plugins.sentiment.recurrent_training import train

        return train(data, folder, progress)

    def evaluate(self, data: Path, part: Part = "all") -> Report:
        """Judge these weights on `data`; see `plugins.sentiment.judging`."""
        from plugins.sentiment.judging import evaluate

        return evaluate(self, data, part)
