"""Fits what answers for one language, on training rows alone. Imported by the trainer only.

Members are fitted without a part of the rows, on which they are then weighed against each other and calibrated; then
the linear one, which is quick, is fitted once more on all rows.
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
from plugins.sentiment.network import Network
from plugins.sentiment.network_training import Shape, fit_network
from plugins.sentiment.ngrams import Encoded, encode
from plugins.sentiment.ngrams_training import Recipe, fit_ngrams
from plugins.sentiment.settings import from_environment
from shared.language import Language
from shared.model import Progress

SEED: Final = 1
RAREST: Final = 2
"""Texts that a token must occur in to be known."""
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Plan:
    """What is fitted for a language; chosen by validation on training rows of the data that the default learned from.

    `networks` of different seeds are averaged; there are none for fewer rows than `network_from`. One row in `apart` is
    what members are calibrated on.
    """

    ngrams: Recipe
    shape: Shape
    networks: int
    network_from: int = 1500
    apart: int = 10


PLANS: Final[Mapping[Language, Plan]] = {
    "en": Plan(
        Recipe(longest=3, bayes=10.0, rarity=0.3, most=350_000),
        Shape(tokens=20_000, dimensions=100, filters=160, epochs=4),
        networks=3,
    ),
    "zh": Plan(
        Recipe(longest=4, floor=20.0, bayes=10.0, rarity=5.0, most=150_000),
        Shape(tokens=6000, dimensions=128, filters=200, epochs=12, batch=32),
        networks=2,
    ),
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
    rows: Reviews, groups: Sequence[int], language: Language, plan: Plan, progress: Progress
) -> tuple[Part, dict[str, Any]]:
    """Fit the ensemble of a language; also return what it did on the rows it was calibrated on."""
    found = [tokens(text, language) for text in rows.texts]
    truth = np.array(rows.positive)
    vocabulary = _vocabulary(found)
    numbers = {form: at for at, form in enumerate(vocabulary, 1)}
    texts = _encoded(found, numbers)
    apart = _apart(truth, groups, plan.apart)
    with_network = len(truth) >= plan.network_from
    steps = _Steps(progress, 1 + (30 * plan.networks if with_network else 0))

    inside, inside_truth = _rows(texts, ~apart), truth[~apart]
    first = fit_ngrams(inside, inside_truth, plan.ngrams)
    networks = _networks(inside, inside_truth, plan, steps) if with_network else ()
    draft = Part(vocabulary, first, networks, Calibration((1.0,) * (1 + bool(networks)), 0.0, 1.0, 0.0), 0.5)
    kept = [found[row] for row in np.flatnonzero(apart)]
    calibration, figures = _calibrated(draft, kept, truth[apart])
    unclear = figures.pop("unclear")

    ngrams = fit_ngrams(texts, truth, plan.ngrams)
    steps.take(1, "n-grams")(1.0)
    part = Part(vocabulary, ngrams, networks, calibration, unclear)
    figures |= {"training_rows": len(truth), "networks": len(networks), "n_grams": len(ngrams.keys)}
    return part, figures


def _networks(texts: Encoded, truth: Bools, plan: Plan, steps: _Steps) -> tuple[Network, ...]:
    checkpoints = from_environment().checkpoints
    return tuple(
        fit_network(texts, truth, plan.shape, SEED + at, steps.take(30, f"network {at + 1}"), checkpoints)
        for at in range(plan.networks)
    )


def _calibrated(
    draft: Part, found: Sequence[Sequence[Token]], truth: Bools
) -> tuple[Calibration, dict[str, Any]]:
    short = pieces(found, SEED)
    whole_taken, whole_ids = draft.members(found)
    short_taken, short_ids = draft.members(short)
    whole = np.array([each.scores for each in whole_taken])
    sizes = np.concatenate([_known_tokens(found, whole_ids), _known_tokens(short, short_ids)])
    calibration = calibrate(whole, np.array([each.scores for each in short_taken]), sizes, truth)
    slopes = calibration.slopes(sizes[: len(truth)])
    odds = slopes * (np.array(calibration.mix) @ whole) + calibration.shift
    probability = 1 / (1 + np.exp(-np.clip(odds, -500, 500)))
    names = ("n-grams", "network")
    figures: dict[str, Any] = {
        "calibration_rows": len(truth),
        "calibration_accuracy": float(((probability >= 0.5) == truth).mean()),
        "members": {
            name: {"accuracy": _best(scores, truth), "mix": mix}
            for name, scores, mix in zip(names, whole, calibration.mix, strict=False)
        },
        "unclear": open_band(probability, truth),
    }
    return calibration, figures


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
