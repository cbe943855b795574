"""Trains and judges the spam model on one honest split.

Near-duplicates lie on one side of the split. Everything that is fitted, the vocabulary, the calibration and the
threshold included, is fitted on the training part alone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, log_loss
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.svm import LinearSVC

from plugins.spam.data import Messages, read_messages
from plugins.spam.features import character_grams, tokens, word_grams, words
from plugins.spam.linear import Floats, Linear, View, weigh
from plugins.spam.model import SpamModel, SpamRequest, SpamResult
from shared.errors import BadInput
from shared.model import Part, Progress, Report
from shared.quality import binary_metrics, binary_report
from shared.splits import group_near_duplicates, holdout

HOLDOUT: Final = 0.15
FOLDS: Final = 5
SEED: Final = 1
FEWEST: Final = 50
"""Messages on each side of the split."""
RAREST: Final = 2
"""Messages that an n-gram must occur in to be looked at."""
FLOORS: Final = {"word": 20.0, "character": 40.0}
"""About the norm of a text message of usual length, of each view; chosen by cross-validation."""
COURSE: Final = {
    # What its notebook prints is partly measured on training rows; these are its features measured honestly.
    "course, as printed": {"accuracy": 0.9946},
    "course, tree": {"accuracy": 0.886},
    "course, forest": {"accuracy": 0.910},
    "course, XGBoost": {"accuracy": 0.929},
}
Bools = NDArray[np.bool_]
Counts = Mapping[str, csr_array]
ANALYZERS: Final[Mapping[str, Callable[[str], list[str]]]] = {
    "word": lambda text: [gram for gram, _, _ in word_grams(words(text))],
    "character": lambda text: [gram for word in words(text) for gram in character_grams(word.folded)],
}
CANDIDATES: Final[Mapping[str, Callable[[], Any]]] = {
    "logistic regression, C=30": lambda: LogisticRegression(C=30.0, max_iter=1000),
    "logistic regression, C=100": lambda: LogisticRegression(C=100.0, max_iter=1000),
    "logistic regression, C=300": lambda: LogisticRegression(C=300.0, max_iter=1000),
    "linear SVM, C=4": lambda: LinearSVC(C=4.0, random_state=SEED),
    "linear SVM, C=1, balanced": lambda: LinearSVC(C=1.0, class_weight="balanced", random_state=SEED),
}


def train(data: Path, folder: Path, progress: Progress) -> Report:
    """Fit on the training part of `data`, write weights to `folder`, report on the held-out part."""
    # Here, so that judging alone does not wait for XGBoost.
    from plugins.spam.rivals import judge_rivals

    progress(0.0, "reading")
    rows = read_messages(data)
    groups = group_near_duplicates(rows.texts)
    out = holdout(rows.texts, HOLDOUT, groups)
    fit, judge = rows.part(out, False), rows.part(out, True)
    fit_groups = [group for group, held in zip(groups, out, strict=True) if not held]
    _must_suffice(fit, judge, fit_groups, data)

    progress(0.1, "choosing by cross-validation")
    counter = Counter.fit(fit.texts)
    counts = counter.count(fit.texts)
    chosen = _choose(
        counts, np.array(fit.spam), fit_groups, lambda done: progress(0.1 + 0.5 * done, "choosing")
    )
    linear = _fit(counter, counts, fit, chosen)
    linear.write(folder)

    progress(0.7, "comparing")
    judged = {name: _judged(counter, counts, fit, judge, make) for name, make in CANDIDATES.items()}
    details = {
        "chosen": chosen.name,
        # Convex and solved as a whole: there are no epochs.
        "curves": {},
        "cross_validation": chosen.figures,
        "compared": judge_rivals(fit, judge, SEED) | judged,
        "rows": {"training": len(fit.texts), "held out": len(judge.texts)},
        "split": "near-duplicates on one side, the side by a hash of their content",
    }
    report = _report(SpamModel(linear), judge, details)
    progress(1.0, "done")
    return report


def evaluate(model: SpamModel, data: Path, part: Part) -> Report:
    """Judge `model` on all rows of `data`, or on those that training never sees."""
    rows = read_messages(data)
    if part == "holdout":
        rows = rows.part(holdout(rows.texts, HOLDOUT), True)
        if len(set(rows.spam)) < 2:
            raise _too_few(data)
    return _report(model, rows, {})


def _report(model: SpamModel, rows: Messages, details: Mapping[str, Any]) -> Report:
    answers = model.predict([SpamRequest(text) for text in rows.texts])
    return binary_report(
        rows.spam,
        [answer.probability for answer in answers if isinstance(answer, SpamResult)],
        model.linear.threshold,
        labels=("ham", "spam"),
        groups=group_near_duplicates(rows.texts),
        reference=COURSE,
        details={"losses": "log loss", **details},
    )


def _must_suffice(fit: Messages, judge: Messages, fit_groups: Sequence[int], data: Path) -> None:
    kinds = [
        len({group for group, spam in zip(fit_groups, fit.spam, strict=True) if spam is label})
        for label in (False, True)
    ]
    # Each fold needs a group of its own of both labels, and what is judged needs both.
    if min(len(fit.texts), len(judge.texts)) < FEWEST or min(kinds) < FOLDS or len(set(judge.spam)) < 2:
        raise _too_few(data)


def _too_few(data: Path) -> BadInput:
    return BadInput("{path} has too few messages to train and to judge on.", path=data)


@dataclass(frozen=True)
class Counter:
    """Counts n-grams of each view."""

    vectorizers: Mapping[str, CountVectorizer]

    @classmethod
    def fit(cls, texts: Sequence[str]) -> "Counter":
        """Learn the n-grams of `texts`."""
        made = {name: CountVectorizer(analyzer=each, dtype=np.float64) for name, each in ANALYZERS.items()}
        return cls({name: each.fit(texts) for name, each in made.items()})

    def count(self, texts: Sequence[str]) -> Counts:
        """Return the counts, texts × n-grams, of each view."""
        return {name: csr_array(each.transform(texts)) for name, each in self.vectorizers.items()}

    def grams(self, view: str) -> list[str]:
        """Return the n-grams of a view, in the order of the columns."""
        return [str(gram) for gram in self.vectorizers[view].get_feature_names_out()]


@dataclass(frozen=True)
class Weigher:
    """Turns counts into TF-IDF; its n-grams and their idf come from the counts that it was fitted on."""

    kept: Mapping[str, NDArray[np.int64]]
    idf: Mapping[str, Floats]

    @classmethod
    def fit(cls, counts: Counts) -> "Weigher":
        """Keep the n-grams that are not too rare (smoothed idf, as scikit-learn's)."""
        kept, idf = {}, {}
        for name, matrix in counts.items():
            occurs = np.bincount(matrix.indices, minlength=matrix.shape[1])
            kept[name] = np.flatnonzero(occurs >= RAREST)
            idf[name] = np.log((1 + matrix.shape[0]) / (1 + occurs[kept[name]])) + 1
        return cls(kept, idf)

    def weigh(self, counts: Counts) -> csr_array:
        """Return texts × n-grams of all views, side by side."""
        blocks = []
        for name, matrix in counts.items():
            block = csr_array(matrix[:, self.kept[name]])
            row = np.repeat(np.arange(block.shape[0]), np.diff(block.indptr))
            block.data = weigh(block.data, self.idf[name][block.indices], row, block.shape[0], FLOORS[name])
            blocks.append(block)
        return csr_array(hstack(blocks))


@dataclass(frozen=True)
class Chosen:
    """The candidate that did best over the folds, its out-of-fold decisions, and the figures of all."""

    name: str
    decisions: Floats
    figures: dict[str, dict[str, float]]


def _choose(counts: Counts, truth: Bools, groups: Sequence[int], progress: Callable[[float], None]) -> Chosen:
    """Choose by the log loss of calibrated out-of-fold decisions."""
    decisions = {name: np.zeros(len(truth)) for name in CANDIDATES}
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=SEED).split(truth, truth, groups)
    for step, (fit, judge) in enumerate(folds):
        inside = {name: matrix[fit] for name, matrix in counts.items()}
        weigher = Weigher.fit(inside)
        matrix, other = weigher.weigh(inside), weigher.weigh({n: m[judge] for n, m in counts.items()})
        for name, make in CANDIDATES.items():
            decisions[name][judge] = make().fit(matrix, truth[fit]).decision_function(other)
        progress((step + 1) / FOLDS)
    figures = {}
    for name, decided in decisions.items():
        probability = _probability(decided, *_platt(decided, truth))
        figures[name] = {
            "log_loss": float(log_loss(truth, probability)),
            **binary_metrics(truth, probability, probability >= 0.5),
        }
    best = min(figures, key=lambda name: figures[name]["log_loss"])
    return Chosen(best, decisions[best], figures)


def _fit(counter: Counter, counts: Counts, rows: Messages, chosen: Chosen) -> Linear:
    """Fit the chosen model on all training rows; calibrate it, and set its threshold, on out-of-fold decisions."""
    truth = np.array(rows.spam)
    weigher = Weigher.fit(counts)
    model = CANDIDATES[chosen.name]().fit(weigher.weigh(counts), truth)
    slope, shift = _platt(chosen.decisions, truth)
    views, at = {}, 0
    for name, kept in weigher.kept.items():
        grams = counter.grams(name)
        places = {grams[column]: place for place, column in enumerate(kept)}
        views[name] = View(places, weigher.idf[name], model.coef_[0, at : at + len(kept)], FLOORS[name])
        at += len(kept)
    seen = {token for text in rows.texts for token in tokens(words(text))}
    return Linear(
        views=views,
        bias=float(model.intercept_[0]),
        slope=slope,
        shift=shift,
        threshold=_threshold(_probability(chosen.decisions, slope, shift), truth),
        vocabulary=frozenset(seen & views["word"].grams.keys()),
    )


def _platt(decisions: Floats, truth: Bools) -> tuple[float, float]:
    """Return slope and shift that make decisions log-odds (Platt 1999)."""
    model = LogisticRegression(C=1e6).fit(decisions[:, None], truth)
    return float(model.coef_[0, 0]), float(model.intercept_[0])


def _probability(decisions: Floats, slope: float, shift: float) -> Floats:
    probability: Floats = 1 / (1 + np.exp(-np.clip(slope * decisions + shift, -500, 500)))
    return probability


def _threshold(probability: Floats, truth: Bools) -> float:
    """Return the threshold of the best F1, to the thousandth; of equals the one nearest to a half."""
    grid = sorted(np.linspace(0.3, 0.7, 41), key=lambda threshold: abs(threshold - 0.5))
    best = max(grid, key=lambda threshold: round(f1_score(truth, probability >= threshold), 3))
    return round(float(best), 2)


def _judged(
    counter: Counter, counts: Counts, fit: Messages, judge: Messages, make: Callable[[], Any]
) -> dict[str, float]:
    weigher = Weigher.fit(counts)
    model = make().fit(weigher.weigh(counts), np.array(fit.spam))
    decisions = model.decision_function(weigher.weigh(counter.count(judge.texts)))
    return binary_metrics(np.array(judge.spam), decisions, decisions >= 0)
