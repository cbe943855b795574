"""Fits one linear expert: chooses its n-grams and its settings by grouped cross-validation, and calibrates it.

Everything fitted inside a fold, the choice of n-grams included, comes from the fold's own training rows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, log_loss, roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.svm import LinearSVC

from plugins.fact.features import Recipe, character_grams, word_grams, words
from plugins.fact.linear import Floats, Linear, View, weigh

FOLDS: Final = 5
SEED: Final = 1
RAREST: Final = 2
"""Texts that an n-gram must occur in to be looked at."""
MOST_GRAMS: Final = 30_000
"""N-grams of a view that are kept: more made nothing better in cross-validation."""
VECTOR_SCALE: Final = 0.5
"""Norm of a sentence vector beside the two views, each of norm 1; chosen by grouped cross-validation."""
Bools = NDArray[np.bool_]
Counts = Mapping[str, csr_array]


@dataclass(frozen=True)
class Candidate:
    """Settings of a linear SVM: its C, and the power of the naive Bayes log-ratio that n-grams are scaled by."""

    cost: float
    power: float

    def __str__(self) -> str:
        return f"C={self.cost:g}, power={self.power:g}"


CANDIDATES: Final = (
    Candidate(1.0, 0.0), Candidate(3.0, 0.0), Candidate(0.3, 0.5), Candidate(1.0, 0.5), Candidate(3.0, 0.5)
)  # fmt: skip


@dataclass(frozen=True)
class Fitted:
    """An expert; its calibrated log-odds on the rows that it was fitted on, each out of fold; what was compared."""

    linear: Linear
    out_of_fold: Floats
    chosen: str
    figures: dict[str, dict[str, float]]


@dataclass(frozen=True)
class Counter:
    """Counts n-grams of each view."""

    recipe: Recipe
    vectorizers: Mapping[str, CountVectorizer]

    @classmethod
    def fit(cls, recipe: Recipe, texts: Sequence[str]) -> tuple["Counter", Counts]:
        """Learn the n-grams of `texts`; returns the counter, and their counts, texts × n-grams, of each view."""

        def in_words(text: str) -> list[str]:
            return [gram for gram, _, _ in word_grams(words(text), recipe.words)]

        def in_characters(text: str) -> list[str]:
            found = words(text)
            return [
                gram for word in found for gram in character_grams(word.text, recipe.shortest, recipe.longest)
            ]

        made = {
            "word": CountVectorizer(analyzer=in_words, dtype=np.float64, min_df=RAREST),
            "character": CountVectorizer(analyzer=in_characters, dtype=np.float64, min_df=RAREST),
        }
        counts = {name: csr_array(each.fit_transform(texts)) for name, each in made.items()}
        return cls(recipe, made), counts

    def grams(self, view: str) -> list[str]:
        """Return the n-grams of a view, in the order of the columns."""
        return [str(gram) for gram in self.vectorizers[view].get_feature_names_out()]


@dataclass(frozen=True)
class Scaler:
    """Turns counts into values; which n-grams it keeps, and their scales, come from the rows that it was fitted on."""

    kept: Mapping[str, NDArray[np.int64]]
    scale: Mapping[str, Floats]

    @classmethod
    def fit(cls, counts: Counts, truth: Bools, power: float) -> "Scaler":
        """Keep the n-grams that tell most; scale by smoothed idf times the log-ratio's `power`."""
        kept, scale = {}, {}
        for name, matrix in counts.items():
            occurs, fake = _occurrences(matrix), _occurrences(csr_array(matrix[truth]))
            rows, fakes = matrix.shape[0], int(truth.sum())
            ratio = np.abs(
                np.log((fake + 1) / (fakes + 2)) - np.log((occurs - fake + 1) / (rows - fakes + 2))
            )
            useful = np.where(occurs >= RAREST, ratio * np.sqrt(occurs), -1.0)
            best = np.sort(np.argsort(-useful, kind="stable")[:MOST_GRAMS])
            kept[name] = best[useful[best] >= 0]
            idf = np.log((1 + rows) / (1 + occurs[kept[name]])) + 1
            # An n-gram that both use alike still counts for a little, or a text of such alone would have no norm.
            scale[name] = idf * np.maximum(ratio[kept[name]], 1e-3) ** power
        return cls(kept, scale)

    def values(self, counts: Counts) -> csr_array:
        """Return texts × n-grams of all views, side by side."""
        blocks = []
        for name, matrix in counts.items():
            block = csr_array(matrix[:, self.kept[name]])
            row = np.repeat(np.arange(block.shape[0]), np.diff(block.indptr))
            block.data = weigh(block.data, self.scale[name][block.indices], row, block.shape[0])
            blocks.append(block)
        return csr_array(hstack(blocks))


def fit_expert(
    recipe: Recipe,
    texts: Sequence[str],
    truth: Bools,
    groups: Sequence[int],
    progress: Callable[[float], None],
    vectors: Floats | None = None,
) -> Fitted:
    """Choose a candidate by the log loss of calibrated out-of-fold decisions, and fit the chosen on all rows.

    `vectors` are sentence vectors of the texts' beginnings, texts × numbers, where the expert is to look at them.
    """
    counter, counts = Counter.fit(recipe, texts)
    decisions = {each: np.zeros(len(truth)) for each in CANDIDATES}
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=SEED).split(truth, truth, groups)
    for step, (fit, judge) in enumerate(folds):
        inside = {name: csr_array(matrix[fit]) for name, matrix in counts.items()}
        outside = {name: csr_array(matrix[judge]) for name, matrix in counts.items()}
        for power in sorted({each.power for each in CANDIDATES}):
            scaler = Scaler.fit(inside, truth[fit], power)
            matrix = _beside(scaler.values(inside), vectors, fit)
            other = _beside(scaler.values(outside), vectors, judge)
            for each in CANDIDATES:
                if each.power == power:
                    decisions[each][judge] = _svm(each).fit(matrix, truth[fit]).decision_function(other)
        progress((step + 1) / (FOLDS + 1))
    figures, log_odds = {}, {}
    for each, decided in decisions.items():
        slope, shift = platt(decided, truth)
        log_odds[each] = slope * decided + shift
        figures[str(each)] = figures_of(log_odds[each], truth)
    best = min(CANDIDATES, key=lambda each: figures[str(each)]["log_loss"])
    linear = _fit(counter, counts, vectors, truth, best, platt(decisions[best], truth))
    progress(1.0)
    return Fitted(linear, log_odds[best], str(best), figures)


def figures_of(log_odds: Floats, truth: Bools) -> dict[str, float]:
    """Return macro-F1, ROC-AUC and log loss of calibrated log-odds."""
    probability = 1 / (1 + np.exp(-np.clip(log_odds, -500, 500)))
    return {
        "f1_macro": float(f1_score(truth, log_odds >= 0, average="macro")),
        "roc_auc": float(roc_auc_score(truth, log_odds)),
        "log_loss": float(log_loss(truth, probability)),
    }


def platt(decisions: Floats, truth: Bools) -> tuple[float, float]:
    """Return slope and shift that make decisions log-odds (Platt 1999)."""
    model = LogisticRegression(C=1e6).fit(decisions[:, None], truth)
    return float(model.coef_[0, 0]), float(model.intercept_[0])


def _fit(
    counter: Counter,
    counts: Counts,
    vectors: Floats | None,
    truth: Bools,
    chosen: Candidate,
    calibration: tuple[float, float],
) -> Linear:
    scaler = Scaler.fit(counts, truth, chosen.power)
    matrix = _beside(scaler.values(counts), vectors, np.arange(len(truth)))
    model = _svm(chosen).fit(matrix, truth)
    views, at = {}, 0
    for name, kept in scaler.kept.items():
        grams = counter.grams(name)
        places = {grams[column]: place for place, column in enumerate(kept)}
        views[name] = View(places, scaler.scale[name], model.coef_[0, at : at + len(kept)])
        at += len(kept)
    opening = None if vectors is None else model.coef_[0, at:] * VECTOR_SCALE
    return Linear(counter.recipe, views, float(model.intercept_[0]), *calibration, opening)


def _beside(matrix: csr_array, vectors: Floats | None, rows: NDArray[np.int64]) -> csr_array:
    """Put the vectors of `rows` beside their values."""
    if vectors is None:
        return matrix
    return csr_array(hstack([matrix, csr_array(vectors[rows] * VECTOR_SCALE)]))


def _svm(candidate: Candidate) -> LinearSVC:
    return LinearSVC(C=candidate.cost, class_weight="balanced", random_state=SEED)


def _occurrences(matrix: csr_array) -> NDArray[np.int64]:
    return np.bincount(matrix.indices, minlength=matrix.shape[1])
