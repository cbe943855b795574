"""Judges the model on labelled rows: over all of them, and over those that it gives a verdict on.

Imported by the worker and the trainer only: it needs numpy and scikit-learn.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plugins.fact.data import Rows, read_rows
from plugins.fact.model import FactModel, FactRequest, FactResult
from plugins.fact.split import groups_of, sides
from shared.errors import BadInput
from shared.model import Part, Report
from shared.quality import (
    binary_metrics,
    bootstrap,
    calibration_error,
    confusion,
    interval,
    reliability,
)
from shared.splits import group_near_duplicates

SURE = 1e-6
"""Probabilities are kept this far from 0 and 1 for the log loss."""
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def evaluate(model: FactModel, data: Path, part: Part) -> Report:
    """Judge `model` on all rows of `data`, or on those that training never sees."""
    rows = read_rows(data)
    if part == "holdout":
        rows = rows.chosen([side == "judge" for side in sides(rows, group_near_duplicates(rows.texts))])
    judged = rows.labelled("real", "fake")
    if len(set(judged.labels)) < 2:
        raise BadInput("{path} has too few texts to train and to judge on.", path=data)
    return report(model, rows, {})


def report(model: FactModel, rows: Rows, details: Mapping[str, Any]) -> Report:
    """Judge `model` on the rows labelled real or fake; those labelled other serve the out-of-domain score alone."""
    judged = rows.labelled("real", "fake")
    answers = answered(model, judged.texts)
    truth = np.array(judged.fake)
    probability = np.array([answer.probability for answer in answers])
    verdict = np.array([answer.verdict != "none" for answer in answers])
    said = probability >= 0.5
    measured = figures(truth, probability, verdict)
    resampled = bootstrap(len(truth), partial(_resampled, truth, probability, verdict), groups_of(judged))
    clipped = np.clip(probability, SURE, 1 - SURE)
    losses = -np.where(truth, np.log(clipped), np.log(1 - clipped))
    share = float(truth.mean())
    common = max(share, 1 - share)
    alone = common / (1 + common)
    return Report(
        n=len(truth),
        metrics={name: interval(value, resampled[name]) for name, value in measured.items()},
        baseline={
            "accuracy": common,
            "f1_macro": alone,
            "roc_auc": 0.5,
            "abstained": 0.0,
            "f1_macro_answered": alone,
        },
        baseline_name=f"always {'fake' if share >= 0.5 else 'real'}",
        losses=losses.tolist(),
        labels=["real", "fake"],
        confusion=confusion(truth, said),
        reliability=reliability(truth, probability),
        details={
            "resampled": "publishers, and groups of near-duplicates",
            "log_loss": float(losses.mean()),
            "calibration_error": calibration_error(truth, probability),
            "no_verdict": {
                reason: sum(answer.reason == reason for answer in answers)
                for reason in ("grey", "unlike", "language", "short")
            },
            "by_collection": _by_collection(judged, truth, probability, verdict),
            **_strangers(model, rows, answers),
            **details,
        },
    )


def answered(model: FactModel, texts: Sequence[str]) -> list[FactResult]:
    """Return the answer to each text, in batches as the worker's."""
    found: list[FactResult] = []
    for at in range(0, len(texts), model.max_batch):
        for answer in model.predict([FactRequest(text) for text in texts[at : at + model.max_batch]]):
            assert isinstance(answer, FactResult)
            found.append(answer)
    return found


def figures(truth: Bools, probability: Floats, verdict: Bools) -> dict[str, float]:
    """Return accuracy, macro-F1 and ROC-AUC over all rows, the share without a verdict, and macro-F1 of the others."""
    said = probability >= 0.5
    measured = binary_metrics(truth, probability, said)
    return {
        "accuracy": measured["accuracy"],
        "f1_macro": macro_f1(truth, said),
        "roc_auc": measured["roc_auc"],
        "abstained": float(1 - verdict.mean()),
        "f1_macro_answered": macro_f1(truth[verdict], said[verdict]) if verdict.any() else float("nan"),
    }


def macro_f1(truth: Bools, said: Bools) -> float:
    """Return the mean of the F1 of both labels."""
    from sklearn.metrics import f1_score

    return float(f1_score(truth, said, labels=[False, True], average="macro", zero_division=0))


def _resampled(truth: Bools, probability: Floats, verdict: Bools, weights: Floats) -> dict[str, Floats]:
    from shared.quality import binary_resampled

    said = probability >= 0.5
    plain = binary_resampled(truth, probability, said, weights)
    return {
        "accuracy": plain["accuracy"],
        "f1_macro": _weighted_macro_f1(truth, said, weights),
        "roc_auc": plain["roc_auc"],
        "abstained": weights @ ~verdict / weights.sum(1),
        "f1_macro_answered": _weighted_macro_f1(truth, said, weights * verdict),
    }


def _weighted_macro_f1(truth: Bools, said: Bools, weights: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        scores: list[Floats] = [
            2 * (weights @ (t & s)) / (weights @ t + weights @ s) for t, s in ((truth, said), (~truth, ~said))
        ]
    found: Floats = np.mean([np.nan_to_num(score) for score in scores], axis=0)
    return found


def _by_collection(rows: Rows, truth: Bools, probability: Floats, verdict: Bools) -> dict[str, Any]:
    found = {}
    for name in sorted(set(rows.collections) - {""}):
        inside = np.array([each == name for each in rows.collections])
        if len(set(truth[inside])) == 2:
            groups = groups_of(rows.chosen(inside.tolist()))
            columns = truth[inside], probability[inside], verdict[inside]
            resampled = bootstrap(len(groups), partial(_resampled, *columns), groups)
            share = float(columns[0].mean())
            common = max(share, 1 - share)
            found[name] = {
                "n": int(inside.sum()),
                "baseline": {"accuracy": common, "f1_macro": common / (1 + common)},
                **{
                    metric: [each.value, each.low, each.high]
                    for metric, value in figures(*columns).items()
                    for each in [interval(value, resampled[metric])]
                },
            }
    return found


def _strangers(model: FactModel, rows: Rows, answers: Sequence[FactResult]) -> dict[str, Any]:
    """Say how well the out-of-domain score tells the judged rows from those labelled other."""
    from sklearn.metrics import roc_auc_score

    others = rows.labelled("other")
    if not others.texts:
        return {}
    strange = answered(model, others.texts)
    found: dict[str, Any] = {}
    for kind in ("post", "article"):
        inside = [a.familiarity for a in answers if a.kind == kind and a.familiarity is not None]
        outside = [a.familiarity for a in strange if a.kind == kind and a.familiarity is not None]
        if inside and outside:
            truth = [True] * len(inside) + [False] * len(outside)
            found[kind] = {"auroc": float(roc_auc_score(truth, inside + outside)), "others": len(outside)}
    refused = sum(answer.reason in ("unlike", "language", "short") for answer in strange)
    return {"out_of_domain": found | {"others_refused": refused / len(strange)}}
