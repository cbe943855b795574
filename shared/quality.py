"""How good a model is: metrics by scikit-learn, with bootstrap intervals, beside the simplest rival.

Imported by the worker, the trainer and the command line only: it needs numpy and scikit-learn. A new kind of task adds
a report function beside `binary_report`, and a function of weights for `bootstrap`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from shared.model import Interval, Report

RESAMPLES: Final = 1000
LEVEL: Final = 0.95
SEED: Final = 20
CELLS: Final = 200_000
"""Weights (resamples × rows) that are held at once: few enough for the processor's cache."""
SURE: Final = 1e-6
"""Probabilities are kept this far from 0 and 1 for the log loss, so that one mistake does not weigh without bound."""
TOP: Final = 5
"""How many likeliest classes "top five" are."""
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Comparison:
    """Mean loss of a challenger less that of the champion on the same rows, with its 95 % interval."""

    difference: float
    low: float
    high: float
    not_worse: bool


def not_worse(
    challenger: Sequence[float], champion: Sequence[float], groups: Sequence[int] | None = None
) -> Comparison:
    """Compare losses row by row (paired bootstrap; Efron & Tibshirani 1993).

    The challenger is not worse where the interval of the difference reaches down to zero or below. `groups` as in
    `bootstrap`. Raises `ValueError` where the rows are not the same number, or none.
    """
    if len(challenger) != len(champion) or not len(challenger):
        raise ValueError("two versions are compared on the same rows, at least one")
    difference = np.asarray(challenger, dtype=float) - np.asarray(champion, dtype=float)
    means = bootstrap(
        len(difference), lambda weights: {"mean": weights @ difference / weights.sum(1)}, groups
    )["mean"]
    found = interval(float(difference.mean()), means)
    return Comparison(found.value, found.low, found.high, found.low <= 0.0)


def bootstrap(
    rows: int, statistic: Callable[[Floats], dict[str, Floats]], groups: Sequence[int] | None = None
) -> dict[str, Floats]:
    """Return each figure of `statistic` for `RESAMPLES` resamples of the rows, always the same ones.

    `statistic` takes weights (resamples × rows: how often each row was drawn) and returns a value a resample for each
    name. `groups` gives each row's group: then whole groups are drawn, as befits rows that resemble each other.
    """
    _, unit = np.unique(np.arange(rows) if groups is None else np.asarray(groups), return_inverse=True)
    units = int(unit.max()) + 1
    random = np.random.default_rng(SEED)
    chunk = max(1, CELLS // rows)
    parts: dict[str, list[Floats]] = {}
    for start in range(0, RESAMPLES, chunk):
        count = min(chunk, RESAMPLES - start)
        drawn = random.integers(0, units, (count, units)) + np.arange(count)[:, None] * units
        weights = np.bincount(drawn.ravel(), minlength=count * units).reshape(count, units).astype(float)
        for name, values in statistic(weights if groups is None else weights[:, unit]).items():
            parts.setdefault(name, []).append(values)
    return {name: np.concatenate(values) for name, values in parts.items()}


def interval(value: float, resampled: Floats) -> Interval:
    """Put the percentile interval around a value; resamples in which it is not defined are left out."""
    tail = (1 - LEVEL) / 2
    finite = resampled[np.isfinite(resampled)]
    if not len(finite):
        return Interval(value, float("nan"), float("nan"))
    low, high = np.quantile(finite, [tail, 1 - tail])
    return Interval(value, float(low), float(high))


def binary_report(
    truth: Sequence[bool],
    probability: Sequence[float],
    threshold: float,
    *,
    labels: tuple[str, str],
    groups: Sequence[int] | None = None,
    reference: Mapping[str, Mapping[str, float]] | None = None,
    details: Mapping[str, Any] | None = None,
) -> Report:
    """Judge probabilities of a yes against the truth; `labels` name no and yes.

    Accuracy, precision, recall and F1 of yes at `threshold`; ROC-AUC and average precision over all thresholds. Rows,
    or `groups` of them, are resampled for the intervals. The baseline answers the commoner label always. `losses` are
    log losses. `details` say what was resampled, the mean log loss and the calibration error.
    """
    yes, p = np.asarray(truth, dtype=bool), np.asarray(probability, dtype=float)
    if yes.shape != p.shape or not len(yes):
        raise ValueError("each truth needs its probability, and there must be one at least")
    said = p >= threshold
    resampled = bootstrap(len(yes), lambda weights: binary_resampled(yes, p, said, weights), groups)
    clipped = np.clip(p, SURE, 1 - SURE)
    losses = -np.where(yes, np.log(clipped), np.log(1 - clipped))
    measured = binary_metrics(yes, p, said)
    share = float(yes.mean())
    return Report(
        n=len(yes),
        metrics={name: interval(value, resampled[name]) for name, value in measured.items()},
        baseline=majority(share),
        baseline_name=f"always {labels[share >= 0.5]}",
        reference={name: dict(figures) for name, figures in (reference or {}).items()},
        losses=losses.tolist(),
        labels=list(labels),
        confusion=confusion(yes, said),
        reliability=reliability(yes, p),
        details={
            "threshold": threshold,
            "resampled": "rows" if groups is None else "groups of rows",
            "log_loss": float(losses.mean()),
            "calibration_error": calibration_error(yes, p),
            **(details or {}),
        },
    )


def classes_report(
    truth: Sequence[int],
    probabilities: Floats,
    labels: Sequence[str],
    *,
    groups: Sequence[int] | None = None,
    reference: Mapping[str, Mapping[str, float]] | None = None,
    details: Mapping[str, Any] | None = None,
) -> Report:
    """Judge probabilities (rows × classes) against the classes that are true.

    Accuracy, macro-F1 over the classes that are there, and the share of rows whose class is among the likeliest five,
    where there are more. The baseline answers the commonest class always. `losses` are log losses; `reliability` is
    that of the likeliest class. `groups` as in `bootstrap`.
    """
    true, p = np.asarray(truth, dtype=int), np.asarray(probabilities, dtype=float)
    if p.shape != (len(true), len(labels)) or not len(true):
        raise ValueError("each truth needs a probability a class, and there must be one at least")
    if true.min() < 0 or true.max() >= len(labels):
        raise ValueError("a truth names no class")
    said = p.argmax(1)
    among = _among_five(true, p)
    five = len(labels) > TOP

    def figures(weights: Floats) -> dict[str, Floats]:
        whole = weights.sum(1)
        found = {"accuracy": weights @ (true == said) / whole, "macro_f1": _macro_f1(true, said, weights)}
        return found | ({"top5": weights @ among / whole} if five else {})

    resampled = bootstrap(len(true), figures, groups)
    measured = {name: float(value[0]) for name, value in figures(np.ones((1, len(true)))).items()}
    losses = -np.log(np.clip(p[np.arange(len(true)), true], SURE, 1.0))
    top = p.max(1)
    counts = np.bincount(true, minlength=len(labels))
    shares = np.sort(counts)[::-1] / len(true)
    baseline = {
        "accuracy": float(shares[0]),
        "macro_f1": float(2 * shares[0] / (1 + shares[0]) / (counts > 0).sum()),
        **({"top5": float(shares[:TOP].sum())} if five else {}),
    }
    from sklearn.metrics import confusion_matrix

    return Report(
        n=len(true),
        metrics={name: interval(value, resampled[name]) for name, value in measured.items()},
        baseline=baseline,
        baseline_name=f"always {labels[int(counts.argmax())]}",
        reference={name: dict(values) for name, values in (reference or {}).items()},
        losses=losses.tolist(),
        labels=list(labels),
        confusion=confusion_matrix(true, said, labels=range(len(labels))).tolist(),
        reliability=reliability(true == said, top),
        details={
            "resampled": "rows" if groups is None else "groups of rows",
            "log_loss": float(losses.mean()),
            "calibration_error": calibration_error(true == said, top),
            **(details or {}),
        },
    )


def _among_five(true: NDArray[np.int_], probabilities: Floats) -> Bools:
    """Tell for each row whether fewer than five classes are likelier than the true one."""
    own = probabilities[np.arange(len(true)), true]
    likelier: Bools = (probabilities > own[:, None]).sum(1) < TOP
    return likelier


def _macro_f1(true: NDArray[np.int_], said: NDArray[np.int_], weights: Floats) -> Floats:
    """Return the mean F1 over the classes that are true of any row, for each row of weights."""
    total = np.zeros(len(weights))
    present = np.unique(true)
    for one in present:
        yes, guess = true == one, said == one
        whole = weights @ yes + weights @ guess
        total += np.divide(2 * (weights @ (yes & guess)), whole, out=np.zeros(len(weights)), where=whole > 0)
    return total / len(present)


def binary_metrics(yes: Bools, probability: Floats, said: Bools) -> dict[str, float]:
    """Return accuracy, precision, recall and F1 of what was said, ROC-AUC and average precision of the probability.

    ROC-AUC is not a number where only one label is there.
    """
    from sklearn import metrics

    both = 0 < yes.sum() < len(yes)
    return {
        "accuracy": float(metrics.accuracy_score(yes, said)),
        "precision": float(metrics.precision_score(yes, said, zero_division=0)),
        "recall": float(metrics.recall_score(yes, said, zero_division=0)),
        "f1": float(metrics.f1_score(yes, said, zero_division=0)),
        "roc_auc": float(metrics.roc_auc_score(yes, probability)) if both else float("nan"),
        "average_precision": float(metrics.average_precision_score(yes, probability)) if yes.any() else 0.0,
    }


def majority(share: float) -> dict[str, float]:
    """Return the metrics of always answering the commoner label, where `share` of the rows are a yes."""
    common = share >= 0.5
    return {
        "accuracy": max(share, 1 - share),
        "precision": share if common else 0.0,
        "recall": 1.0 if common else 0.0,
        "f1": 2 * share / (1 + share) if common else 0.0,
        "roc_auc": 0.5,
        "average_precision": share,
    }


def binary_resampled(yes: Bools, probability: Floats, said: Bools, weights: Floats) -> dict[str, Floats]:
    """Return `binary_metrics` for each row of `weights` (resamples × rows), all at once.

    What is not defined in a resample is not a number, but precision, recall and F1, which are 0 as above.
    """
    whole, positive = weights.sum(1), weights @ yes
    negative = whole - positive
    hits, alarms = weights @ (yes & said), weights @ (~yes & said)
    # Rows of one probability are one step of the curves, from the highest on; only steps with a yes add to the areas.
    order = np.argsort(-probability, kind="stable")
    ends = np.flatnonzero(np.diff(probability[order], append=np.nan))
    starts = np.concatenate([[0], ends[:-1] + 1])
    with_yes = np.add.reduceat(yes[order], starts, dtype=int) > 0
    starts, ends = starts[with_yes], ends[with_yes] + 1
    drawn = np.zeros((len(weights), len(yes) + 1))
    np.cumsum(weights[:, order], axis=1, out=drawn[:, 1:])
    drawn_yes = np.zeros_like(drawn)
    np.cumsum(weights[:, order] * yes[order], axis=1, out=drawn_yes[:, 1:])
    above, rows = drawn_yes[:, ends], drawn[:, ends]
    ups = above - drawn_yes[:, starts]
    # The no's below a step are beaten by its yeses; those on it count half.
    beaten = negative[:, None] - (rows - above + drawn[:, starts] - drawn_yes[:, starts]) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "accuracy": weights @ (yes == said) / whole,
            "precision": np.nan_to_num(hits / (hits + alarms)),
            "recall": np.nan_to_num(hits / positive),
            "f1": np.nan_to_num(2 * hits / (hits + alarms + positive)),
            "roc_auc": (ups * beaten).sum(1) / (positive * negative),
            "average_precision": (ups * np.nan_to_num(above / rows)).sum(1) / positive,
        }


def confusion(yes: Bools, said: Bools) -> list[list[int]]:
    """Count truth (rows: no, yes) against what was said (columns)."""
    from sklearn.metrics import confusion_matrix

    counts: list[list[int]] = confusion_matrix(yes, said, labels=[False, True]).tolist()
    return counts


def reliability(yes: Bools, probability: Floats, bins: int = 10) -> list[tuple[float, float, int]]:
    """Return, for each bin of equal width that has rows: mean predicted probability, observed share, rows."""
    which = np.minimum((probability * bins).astype(int), bins - 1)
    found = [which == b for b in range(bins)]
    return [(float(probability[m].mean()), float(yes[m].mean()), int(m.sum())) for m in found if m.any()]


def calibration_error(yes: Bools, probability: Floats) -> float:
    """Return the expected calibration error over ten bins (Naeini et al. 2015)."""
    return sum(n * abs(p - share) for p, share, n in reliability(yes, probability)) / len(yes)
