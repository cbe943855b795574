"""Turns the ensembles' numbers into verdicts: positive, negative, or left open with the reason."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, Self

from plugins.sentiment.ensemble import Ensemble, Part, Scored
from plugins.sentiment.model import Reason, SentimentRequest, SentimentResult, Verdict, WordWeight
from plugins.sentiment.sentences import Encode, no_vectors
from shared.language import Language, language_of
from shared.model import Device

SHOWN: Final = 12
LEAST: Final = 0.1
"""Words whose log-odds are nearer to zero than this are not worth showing."""
FEW_KNOWN: Final = 0.4
"""Below this share of known words a verdict would be a guess."""
STRONG: Final = 1.0
"""Log-odds for, and against, from which on an unclear text is mixed rather than without tone."""


class EnsembleReader:
    """Answers from the small ensembles that ship, or that were trained like them."""

    def __init__(self, ensemble: Ensemble, encode: Encode) -> None:
        self.ensemble, self._encode = ensemble, encode

    @classmethod
    def load(cls, folder: Path, device: Device) -> Self:
        """Read the weights, and those of the sentence encoder where a part needs it. Raises `ModelUnavailable`."""
        ensemble = Ensemble.read(folder)
        return cls(ensemble, encoder(ensemble.parts.values(), device))

    def read(self, batch: Sequence[SentimentRequest]) -> list[SentimentResult]:
        """Judge each text by the part of its language, all texts of a language together."""
        languages = [language_of(request.text) for request in batch]
        found: list[SentimentResult | None] = [None] * len(batch)
        for language in ("en", "zh"):
            places = [at for at, each in enumerate(languages) if each == language]
            if not places:
                continue
            part = self.ensemble.parts.get(language)
            if part is None:
                for at in places:
                    found[at] = SentimentResult(0.5, "unclear", "unknown", [], language, 0.0)
                continue
            scored = part.score([batch[at].text for at in places], language, self._encode)
            for at, each in zip(places, scored, strict=True):
                found[at] = _result(batch[at], each, part, language)
        return [each for each in found if each is not None]


def encoder(parts: Iterable[Part], device: Device) -> Encode:
    """Return what turns sentences into vectors; it is loaded only where one of the parts reads sentences."""
    if all(part.sentences is None for part in parts):
        return no_vectors
    from shared.encoder import SentenceEncoder

    return SentenceEncoder.load(device).encode


def probability_of(log_odds: float) -> float:
    """Return the probability; beyond these bounds it is 0 or 1 to the last bit, and exp would overflow."""
    return 1 / (1 + math.exp(-max(-500.0, min(500.0, log_odds))))


def verdict_of(probability: float, unclear: float) -> Verdict:
    """Return the verdict where it is not left open between `unclear` and 1 - `unclear`."""
    if unclear < probability < 1 - unclear:
        return "unclear"
    return "positive" if probability >= 0.5 else "negative"


def strongest(weights: Sequence[WordWeight]) -> list[WordWeight]:
    """Return the words worth showing, the strongest first.

    Those that touch and say the same are one: in Chinese, characters that make a word.
    """
    worth: list[WordWeight] = []
    for word in weights:
        if abs(word.weight) < LEAST:
            continue
        before = worth[-1] if worth else None
        if before is not None and before.end == word.start and (before.weight > 0) is (word.weight > 0):
            whole = before.word + word.word
            worth[-1] = WordWeight(whole, before.start, word.end, before.weight + word.weight)
        else:
            worth.append(word)
    return sorted(worth, key=lambda word: -abs(word.weight))[:SHOWN]


def _result(request: SentimentRequest, scored: Scored, part: Part, language: Language) -> SentimentResult:
    probability = probability_of(scored.log_odds)
    verdict: Verdict = verdict_of(probability, part.unclear)
    reason: Reason = ""
    if scored.known < FEW_KNOWN:
        verdict, reason = "unclear", "unknown"
    elif verdict == "unclear":
        ups = float(scored.weights[scored.weights > 0].sum())
        downs = float(-scored.weights[scored.weights < 0].sum())
        reason = "mixed" if min(ups, downs) >= STRONG else "unsure"
    words: list[WordWeight] = []
    if request.words:
        pairs = zip(scored.tokens, scored.weights.tolist(), strict=True)
        words = strongest(
            [WordWeight(request.text[t.start : t.end], t.start, t.end, w) for t, w in pairs if t.is_word]
        )
    return SentimentResult(probability, verdict, reason, words, language, scored.known)
