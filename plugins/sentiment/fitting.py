"""Fits what answers for one language, on training rows alone. Imported by the trainer only.

Members are fitted without a part of the rows, on which they are then weighed against each other and calibrated, and
once more on all rows.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from plugins.sentiment.calibration import calibrate, open_band, pieces
from plugins.sentiment.data import Reviews
from plugins.sentiment.ensemble import Calibration, Part
from plugins.sentiment.features import Token, tokens
from plugins.sentiment.ngrams import Encoded, encode
from plugins.sentiment.ngrams_training import Recipe, fit_ngrams
from plugins.sentiment.sentences import INPUTS, Encode, Sentences, Singles, read_sentences
from plugins.sentiment.sentences_training import fit_sentences
from shared.language import Language
from shared.model import Progress

SEED: Final = 1
CHUNK: Final = 4096
"""Sentences that are encoded at once."""
RAREST: Final = 2
"""Texts that a token must occur in to be known."""
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Plan:
    """What is fitted for a language; chosen by validation on training rows of the data that the default learned from.

    `sentences_from`: from so many rows on, a network reads sentences, too. One row in `apart` is what members are
    calibrated on. For Chinese hotel reviews it was tried, and was no help. Convolutional networks over words were no
    help for films that have no review in the training part.
    """

    ngrams: Recipe
    sentences_from: int | None = None
    apart: int = 10


PLANS: Final[Mapping[Language, Plan]] = {
    "en": Plan(
        Recipe(longest=3, bayes=10.0, rarity=0.3, most=350_000),
        sentences_from=1500,
    ),
    "zh": Plan(Recipe(longest=4, floor=20.0, bayes=10.0, rarity=5.0, most=150_000)),
}


@dataclass
class _Steps:
    """Progress over works of known weight, one after the other."""

    progress: Progress
    total: float
    before: float = 0.0

    def take(self, weight: float, name: str) -> Progress:
        start, self.before = self.before, self.before + weight
        return lambda done, note="": self.progress(
            (start + weight * done) / self.total, f"{name} {note}".strip()
        )


def fit_part(
    rows: Reviews,
    groups: Sequence[int],
    language: Language,
    plan: Plan,
    progress: Progress,
    encode_sentences: Encode,
) -> tuple[Part, dict[str, Any]]:
    """Fit the ensemble of a language; also return what it did on the rows it was calibrated on."""
    found = [tokens(text, language) for text in rows.texts]
    truth = np.array(rows.positive)
    vocabulary = _vocabulary(found)
    numbers = {form: at for at, form in enumerate(vocabulary, 1)}
    texts = _encoded(found, numbers)
    apart = _apart(truth, groups, plan.apart)
    sentences = plan.sentences_from is not None and len(truth) >= plan.sentences_from
    steps = _Steps(progress, 2 + 20 * sentences)
    inside, inside_truth = _rows(texts, ~apart), truth[~apart]
    first = fit_ngrams(inside, inside_truth, plan.ngrams)
    steps.take(1, "n-grams")(1.0)
    reader = read = None
    curves: dict[str, list[float]] = {}
    if sentences:
        read = read_sentences(rows.texts, _watched(encode_sentences, steps.take(12, "reading sentences")))
        step = steps.take(4, "sentences")
        reader = fit_sentences(
            _sentence_rows(read, ~apart),
            inside_truth,
            SEED,
            step,
            apart=(_sentence_rows(read, apart), truth[apart]),
            curves=curves,
        )
    draft = Part(vocabulary, first, Calibration((1.0,) * (1 + sentences), 0.0, 1.0, 0.0), 0.5, reader)
    calibration, figures = _calibrated(
        draft,
        [rows.texts[row] for row in np.flatnonzero(apart)],
        [found[row] for row in np.flatnonzero(apart)],
        truth[apart],
        encode_sentences,
    )
    unclear = figures.pop("unclear")

    ngrams = fit_ngrams(texts, truth, plan.ngrams)
    steps.take(1, "n-grams")(1.0)
    if read is not None:
        reader = fit_sentences(read, truth, SEED, steps.take(4, "sentences"))
    part = Part(vocabulary, ngrams, calibration, unclear, reader)
    figures |= {"curves": curves, "training_rows": len(truth), "n_grams": len(ngrams.keys)}
    return part, figures


def _calibrated(
    draft: Part,
    texts: Sequence[str],
    found: Sequence[Sequence[Token]],
    truth: Bools,
    encode_sentences: Encode,
) -> tuple[Calibration, dict[str, Any]]:
    def members(texts: Sequence[str], found: Sequence[Sequence[Token]]) -> tuple[NDArray[np.float64], Any]:
        read = None if draft.sentences is None else read_sentences(texts, encode_sentences)
        taken, ids = draft.members(found, read)
        return np.array([each.scores for each in taken]), ids

    cut, short = pieces(texts, found, SEED)
    whole, whole_ids = members(texts, found)
    parts, short_ids = members(cut, short)
    sizes = np.concatenate([_known_tokens(found, whole_ids), _known_tokens(short, short_ids)])
    calibration = calibrate(whole, parts, sizes, truth)
    slopes = calibration.slopes(sizes[: len(truth)])
    odds = slopes * (np.array(calibration.mix) @ whole) + calibration.shift
    probability = 1 / (1 + np.exp(-np.clip(odds, -500, 500)))
    figures: dict[str, Any] = {
        "calibration_rows": len(truth),
        "calibration_accuracy": float(((probability >= 0.5) == truth).mean()),
        "members": {
            name: {"accuracy": _best(scores, truth), "mix": mix}
            for name, scores, mix in zip(draft.names, whole, calibration.mix, strict=True)
        },
        "unclear": open_band(probability, truth),
    }
    return calibration, figures


def _watched(encode_sentences: Encode, progress: Progress) -> Encode:
    """Tell how far the encoding of very many sentences is; sorted by length, they are quicker."""

    def encode_all(pieces: Sequence[str]) -> Singles:
        order = sorted(range(len(pieces)), key=lambda at: len(pieces[at]))
        found = np.zeros((len(pieces), INPUTS - 3), np.float32)
        for at in range(0, len(order), CHUNK):
            chosen = order[at : at + CHUNK]
            found[chosen] = encode_sentences([pieces[each] for each in chosen])
            progress(min(1.0, (at + CHUNK) / len(order)))
        return found

    return encode_all


def _sentence_rows(read: Sentences, chosen: Bools) -> Sentences:
    kept = np.repeat(chosen, read.sizes)
    return Sentences(read.inputs[kept], read.sizes[chosen], [read.spans[at] for at in np.flatnonzero(kept)])


def _best(scores: NDArray[np.float64], truth: Bools) -> float:
    """Return the accuracy of a member alone, its own threshold where the labels' share has it."""
    edge = np.quantile(scores, 1 - truth.mean())
    return float(((scores >= edge) == truth).mean())


def _vocabulary(found: Sequence[Sequence[Token]]) -> list[str]:
    """Return the tokens that are not too rare, the commonest first."""
    occurs: Counter[str] = Counter()
    for text in found:
        occurs.update({token.form for token in text})
    common = [(form, count) for form, count in occurs.items() if count >= RAREST]
    return [form for form, _ in sorted(common, key=lambda pair: (-pair[1], pair[0]))]


def _encoded(found: Sequence[Sequence[Token]], numbers: dict[str, int]) -> Encoded:
    return encode([[token.form for token in text] for text in found], numbers)


def _rows(texts: Encoded, chosen: Bools) -> Encoded:
    return Encoded(texts.ids[chosen[texts.rows]], texts.sizes[chosen])


def _known_tokens(found: Sequence[Sequence[Token]], ids: NDArray[np.int64]) -> NDArray[np.float64]:
    row = np.repeat(np.arange(len(found)), [len(text) for text in found])
    return np.bincount(row, ids > 0, len(found)).astype(float)


def _apart(truth: Bools, groups: Sequence[int], of: int) -> Bools:
    """Choose one row in `of`, near-duplicates together, as many of each label."""
    folds = StratifiedGroupKFold(of, shuffle=True, random_state=SEED)
    chosen = np.zeros(len(truth), dtype=np.bool_)
    chosen[next(iter(folds.split(truth, truth, groups)))[1]] = True
    return chosen
