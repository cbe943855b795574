"""Figures of a confusion matrix and of scores, with bootstrap intervals. Imported by the worker only.

Drawing rows anew, with replacement, is drawing the cells of their matrix from a multinomial distribution: so intervals
cost the same for ten rows and for a billion. Scores are drawn row by row, by `shared.quality`.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from plugins.lesson.scores import (
    ClassFigures,
    Costlier,
    Curves,
    Scored,
    ScoresRequest,
    ScoresResult,
    Threshold,
)
from plugins.lesson.scores_picture import draw
from shared.model import Interval
from shared.quality import RESAMPLES, SEED, binary_metrics, binary_resampled, bootstrap, interval

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
BETA: Final = {"f1": 1.0, "f2": 2.0, "f0.5": 0.5}
"""How many times as much as precision recall weighs in each."""
UNBALANCED: Final = 0.65
"""From which share of the commonest of two classes on accuracy says little."""


def judge(request: ScoresRequest) -> ScoresResult:
    """Compute what is asked for."""
    counts = np.array(request.counts, dtype=np.int64)
    whole, count = int(counts.sum()), len(counts)
    rows = counts.sum(axis=1)
    common = int(rows.argmax())
    always = np.zeros_like(counts)
    always[:, common] = rows
    random = np.random.default_rng(SEED)
    drawn = random.multinomial(whole, (counts / whole).ravel(), RESAMPLES).reshape(-1, count, count)

    def figures(tables: Counts) -> dict[str, Floats]:
        return two_classes(tables, request.positive) if request.positive is not None else many_classes(tables)

    measured, resampled = figures(counts[None]), figures(drawn)
    share = float(rows[common] / whole)
    precision, recall, f1 = by_class(counts[None])
    recommended = _recommended(request, share)
    return ScoresResult(
        figures={name: interval(float(value[0]), resampled[name]) for name, value in measured.items()},
        baseline={name: float(value[0]) for name, value in figures(always[None]).items()},
        common=common,
        share=share,
        classes=[
            ClassFigures(
                precision=float(precision[0, at]),
                recall=float(recall[0, at]),
                f1=float(f1[0, at]),
                rows=int(rows[at]),
            )
            for at in range(count)
        ],
        recommended=recommended,
        curves=_curves(request.scored, recommended) if request.scored is not None else None,
    )


def two_classes(tables: Counts, positive: int) -> dict[str, Floats]:
    """Return the figures of finding `positive` among two classes, for each table (tables × 2 × 2)."""
    other = 1 - positive
    tp, fn = tables[:, positive, positive], tables[:, positive, other]
    fp, tn = tables[:, other, positive], tables[:, other, other]
    recall = _share(tp, tp + fn)
    return {
        "accuracy": _share(tp + tn, tp + fp + fn + tn),
        "balanced_accuracy": (recall + _share(tn, tn + fp)) / 2,
        "precision": _share(tp, tp + fp),
        "recall": recall,
        **{name: f_beta(tp, fp, fn, beta) for name, beta in BETA.items()},
    }


def f_beta(tp: Counts, fp: Counts, fn: Counts, beta: float) -> Floats:
    """Return the weighted harmonic mean of precision and recall (van Rijsbergen 1979), from counts."""
    weight = beta**2
    return _share((1 + weight) * tp, (1 + weight) * tp + weight * fn + fp)


def by_class(tables: Counts) -> tuple[Floats, Floats, Floats]:
    """Return precision, recall and F1 of each class against the others, (tables × classes) each."""
    tp = np.diagonal(tables, axis1=1, axis2=2)
    said, true = tables.sum(axis=1), tables.sum(axis=2)
    return _share(tp, said), _share(tp, true), _share(2 * tp, said + true)


def many_classes(tables: Counts) -> dict[str, Floats]:
    """Return accuracy and the three means of precision, recall and F1, for each table (tables × classes × classes).

    As scikit-learn counts: a class that is neither true nor said anywhere is left out of macro, and what is not
    defined counts as 0. Micro, of rows with one class each, is accuracy, whichever of the three is asked for.
    """
    per_class = by_class(tables)
    true = tables.sum(axis=2)
    there = (true + tables.sum(axis=1)) > 0
    whole = tables.sum(axis=(1, 2))
    accuracy = _share(np.trace(tables, axis1=1, axis2=2), whole)
    found = {
        "accuracy": accuracy,
        "balanced_accuracy": _share(np.nan_to_num(per_class[1]).sum(axis=1), (true > 0).sum(axis=1)),
    }
    for name, values in zip(("precision", "recall", "f1"), per_class, strict=True):
        filled = np.nan_to_num(values)
        found[f"macro_{name}"] = _share((filled * there).sum(axis=1), there.sum(axis=1))
        found[f"micro_{name}"] = accuracy
        found[f"weighted_{name}"] = _share((filled * true).sum(axis=1), whole)
    return found


def best_threshold(positive: NDArray[np.bool_], score: Floats, figure: str) -> Threshold:
    """Return from which score on to say yes, so that `figure` is highest; of equal ones the highest threshold."""
    order = np.argsort(-score, kind="stable")
    ends = np.flatnonzero(np.diff(score[order], append=np.nan))
    tp = np.cumsum(positive[order])[ends].astype(np.int64)
    fp = ends + 1 - tp
    yes = int(positive.sum())
    fn, tn = yes - tp, len(score) - yes - fp
    tables = np.stack([np.stack([tn, fp], axis=1), np.stack([fn, tp], axis=1)], axis=1)
    values = np.nan_to_num(two_classes(tables, 1)[figure], nan=-1.0)
    at = int(values.argmax())
    return Threshold(
        at=float(score[order][ends[at]]),
        tp=int(tp[at]),
        fp=int(fp[at]),
        fn=int(fn[at]),
        tn=int(tn[at]),
        figure=figure,
        value=float(values[at]),
    )


def _recommended(request: ScoresRequest, share: float) -> str:
    """Return the figure to judge by, after what mistakes cost and how common the commonest class is."""
    costlier: Costlier = request.costlier
    if request.positive is None:
        # Even parts of k classes are 1/k each: twice that is as lopsided as 2 to 1 is for two.
        even = share <= min(UNBALANCED, 2 / len(request.counts))
        rare = {"misses": "macro_recall", "false alarms": "macro_precision"}
        return rare.get(costlier, "accuracy" if even else "macro_f1")
    figure = {"misses": "f2", "false alarms": "f0.5"}
    return figure.get(costlier, "accuracy" if share < UNBALANCED else "f1")


def _curves(scored: Scored, figure: str) -> Curves:
    positive, score = np.array(scored.positive, dtype=bool), np.array(scored.score, dtype=np.float64)
    nothing_said = np.zeros_like(positive)
    measured = binary_metrics(positive, score, nothing_said)
    resampled = bootstrap(
        len(positive), lambda weights: binary_resampled(positive, score, nothing_said, weights)
    )
    found: dict[str, Interval] = {
        name: interval(measured[name], resampled[name]) for name in ("roc_auc", "average_precision")
    }
    best = best_threshold(positive, score, figure)
    png = draw(positive, score, found["roc_auc"].value, found["average_precision"].value, best, scored.words)
    return Curves(png=png, roc_auc=found["roc_auc"], average_precision=found["average_precision"], best=best)


def _share(part: NDArray[np.generic], whole: NDArray[np.generic]) -> Floats:
    """Divide; 0 by 0 is not a number."""
    top, below = np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64)
    shares: Floats = np.divide(top, below, out=np.full(top.shape, np.nan), where=below > 0)
    return shares
