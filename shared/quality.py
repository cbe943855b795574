"""How good a model is: metrics by scikit-learn, with bootstrap intervals, beside the simplest rival.

Imported by the worker, the trainer and the command line only: it needs numpy and scikit-learn.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from shared.model import Interval, Report

RESAMPLES: Final = 1000
LEVEL: Final = 0.95
SEED: Final = 20
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Comparison:
    """Mean loss of a challenger less that of the champion on the same rows, with its 95 % interval."""

    difference: float
    low: float
    high: float
    not_worse: bool


def not_worse(challenger: Sequence[float], champion: Sequence[float]) -> Comparison:
    """Compare losses row by row (paired bootstrap; Efron & Tibshirani 1993).

    The challenger is not worse where the interval of the difference reaches down to zero or below. Raises
    `ValueError` where the rows are not the same number, or none.
    """
    difference = np.asarray(challenger, dtype=float) - np.asarray(champion, dtype=float)
    if len(challenger) != len(champion) or not len(difference):
        raise ValueError("two versions are compared on the same rows, at least one")
    means = _weights(len(difference)) @ difference / len(difference)
    low, high = _interval(means)
    return Comparison(float(difference.mean()), low, high, low <= 0.0)


def binary_report(
    truth: Sequence[bool],
    probability: Sequence[float],
    threshold: float,
    *,
    labels: tuple[str, str],
    reference: Mapping[str, Mapping[str, float]] | None = None,
    details: Mapping[str, Any] | None = None,
) -> Report:
    """Judge probabilities of a yes against the truth; `labels` name no and yes.

    Accuracy, precision, recall and F1 of yes at `threshold`; ROC-AUC and average precision over all thresholds. The
    rows are resampled for the intervals. The baseline answers the commoner label always. Losses are log losses.
    """
    from sklearn import metrics

    yes, p = np.asarray(truth, dtype=bool), np.asarray(probability, dtype=float)
    said = p >= threshold
    values = {
        "accuracy": metrics.accuracy_score(yes, said),
        "precision": metrics.precision_score(yes, said, zero_division=0),
        "recall": metrics.recall_score(yes, said, zero_division=0),
        "f1": metrics.f1_score(yes, said, zero_division=0),
        "roc_auc": metrics.roc_auc_score(yes, p) if 0 < yes.sum() < len(yes) else float("nan"),
        "average_precision": metrics.average_precision_score(yes, p) if yes.any() else 0.0,
    }
    resampled = binary_bootstrap(yes, p, said, _weights(len(yes)))
    common = bool(yes.mean() >= 0.5)
    share = float(yes.mean())
    clipped = np.clip(p, 1e-6, 1 - 1e-6)
    return Report(
        n=len(yes),
        metrics={name: Interval(float(v), *_interval(resampled[name])) for name, v in values.items()},
        baseline={
            "accuracy": max(share, 1 - share),
            "precision": share if common else 0.0,
            "recall": 1.0 if common else 0.0,
            "f1": 2 * share / (1 + share) if common else 0.0,
            "roc_auc": 0.5,
            "average_precision": share,
        },
        baseline_name=f"always {labels[common]}",
        reference={name: dict(figures) for name, figures in (reference or {}).items()},
        losses=[float(loss) for loss in -np.where(yes, np.log(clipped), np.log(1 - clipped))],
        labels=list(labels),
        confusion=metrics.confusion_matrix(yes, said, labels=[False, True]).tolist(),
        reliability=reliability(yes, p),
        details={"threshold": threshold, "calibration_error": calibration_error(yes, p), **(details or {})},
    )


def binary_bootstrap(
    yes: NDArray[np.bool_], probability: Floats, said: NDArray[np.bool_], weights: Floats
) -> dict[str, Floats]:
    """Return each metric of `binary_report` for each row of `weights` (resamples × rows)."""
    positive, negative = weights[:, yes], weights[:, ~yes]
    hits = weights[:, yes & said].sum(1)
    alarms = weights[:, ~yes & said].sum(1)
    misses = positive.sum(1) - hits
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.nan_to_num(hits / (hits + alarms))
        recall = np.nan_to_num(hits / (hits + misses))
        f1 = np.nan_to_num(2 * hits / (2 * hits + alarms + misses))
        # Rows of one probability are one step of the curves, from the highest on.
        _, group = np.unique(-probability, return_inverse=True)
        order = np.argsort(group, kind="stable")
        starts = np.flatnonzero(np.diff(group[order], prepend=-1))
        sorted_weights, sorted_yes = weights[:, order], yes[order]
        ups = np.add.reduceat(sorted_weights * sorted_yes, starts, axis=1)
        downs = np.add.reduceat(sorted_weights * ~sorted_yes, starts, axis=1)
        above = np.cumsum(ups, axis=1)
        below = np.cumsum(downs, axis=1)
        auc = (downs * (above - ups / 2)).sum(1) / (positive.sum(1) * negative.sum(1))
        steps = np.nan_to_num(above / (above + below))
        average = np.nan_to_num((ups * steps).sum(1) / positive.sum(1))
    return {
        "accuracy": (weights @ (yes == said)) / weights.sum(1),
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "roc_auc": auc,
        "average_precision": average,
    }


def reliability(
    yes: NDArray[np.bool_], probability: Floats, bins: int = 10
) -> list[tuple[float, float, int]]:
    """Return, for each bin of equal width that has rows: mean predicted probability, observed share, rows."""
    which = np.minimum((probability * bins).astype(int), bins - 1)
    found = [(which == b) for b in range(bins)]
    return [(float(probability[m].mean()), float(yes[m].mean()), int(m.sum())) for m in found if m.any()]


def calibration_error(yes: NDArray[np.bool_], probability: Floats) -> float:
    """Return the expected calibration error over ten bins (Naeini et al. 2015)."""
    return sum(n * abs(p - share) for p, share, n in reliability(yes, probability)) / len(yes)


def _weights(rows: int) -> Floats:
    """Return how often each row is drawn in each resample (resamples × rows)."""
    random = np.random.default_rng(SEED)
    return random.multinomial(rows, np.full(rows, 1 / rows), size=RESAMPLES).astype(float)


def _interval(values: Floats) -> tuple[float, float]:
    tail = (1 - LEVEL) / 2
    finite = values[np.isfinite(values)]
    if not len(finite):
        return float("nan"), float("nan")
    low, high = np.quantile(finite, [tail, 1 - tail])
    return float(low), float(high)
