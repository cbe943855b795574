"""Judges the sentiment model on labelled reviews. Imported by the trainer and the command line only."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score, roc_auc_score

from plugins.sentiment.data import LABELS, Reviews, read_reviews
from plugins.sentiment.model import SentimentRequest, SentimentResult
from shared.errors import BadInput
from shared.model import Model, Part, Report
from shared.quality import (
    SURE,
    binary_resampled,
    bootstrap,
    calibration_error,
    confusion,
    interval,
    reliability,
)
from shared.splits import holdout

HOLDOUT: Final = 0.1
REFERENCE: Final = {
    # Of IMDB's official test part; the second is published (Thongtan & Phienthrakul 2019, as corrected).
    "IMDB, linear on 1-3-grams": {"accuracy": 0.911},
    "IMDB, n-grams with document vectors": {"accuracy": 0.937},
}
CHUNK: Final = 64
Judge = Model[SentimentRequest, SentimentResult]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def evaluate(model: Judge, data: Path, part: Part) -> Report:
    """Judge `model` on all rows of `data`, or on those that training never sees."""
    rows = read_reviews(data)
    if part == "holdout":
        rows = rows.part(holdout(rows.texts, HOLDOUT))
        if len(set(rows.positive)) < 2:
            raise BadInput("{path} has too few reviews to train and to judge on.", path=data)
    return judge(model, rows, {})


def judge(model: Judge, rows: Reviews, details: Mapping[str, Any]) -> Report:
    """Judge on rows, in all and by language; a text that is left open counts in accuracy by its probability."""
    answers = answered(model, rows.texts)
    p = np.array([answer.probability for answer in answers])
    clear = np.array([answer.verdict != "unclear" for answer in answers])
    truth = np.array(rows.positive)
    by_language = {
        name: {"rows": int(chosen.sum()), **_metrics(truth[chosen], p[chosen], clear[chosen])}
        for name in ("en", "zh")
        if (chosen := np.array([each == name for each in rows.languages])).any()
    }
    return report(truth, p, clear, {"by_language": by_language, **details})


def answered(model: Judge, texts: list[str]) -> list[SentimentResult]:
    """Return what the model says of each text."""
    found: list[SentimentResult] = []
    for at in range(0, len(texts), CHUNK):
        batch = [SentimentRequest(text, words=False) for text in texts[at : at + CHUNK]]
        found += [answer for answer in model.predict(batch) if isinstance(answer, SentimentResult)]
    return found


def report(truth: Bools, p: Floats, clear: Bools, details: Mapping[str, Any]) -> Report:
    """Report accuracy, macro F1 and ROC-AUC over all rows; and how many were left open, with the others' accuracy."""
    said = p >= 0.5
    measured = _metrics(truth, p, clear)
    resampled = bootstrap(len(truth), lambda weights: _resampled(truth, p, said, clear, weights))
    clipped = np.clip(p, SURE, 1 - SURE)
    losses = -np.where(truth, np.log(clipped), np.log(1 - clipped))
    share = float(truth.mean())
    most = max(share, 1 - share)
    return Report(
        n=len(truth),
        metrics={name: interval(value, resampled[name]) for name, value in measured.items()},
        baseline={
            "accuracy": most,
            "f1_macro": most / (1 + most),
            "roc_auc": 0.5,
            "abstained": 0.0,
            "accuracy_answered": most,
        },
        baseline_name=f"always {LABELS[share >= 0.5]}",
        reference=REFERENCE,
        losses=losses.tolist(),
        labels=list(LABELS),
        confusion=confusion(truth, said),
        reliability=reliability(truth, p),
        details={
            "losses": "log loss",
            "log_loss": float(losses.mean()),
            "calibration_error": calibration_error(truth, p),
            **details,
        },
    )


def _metrics(truth: Bools, p: Floats, clear: Bools) -> dict[str, float]:
    said = p >= 0.5
    both = 0 < truth.sum() < len(truth)
    return {
        "accuracy": float((said == truth).mean()),
        "f1_macro": float(f1_score(truth, said, average="macro", zero_division=0)),
        "roc_auc": float(roc_auc_score(truth, p)) if both else float("nan"),
        "abstained": float(1 - clear.mean()),
        "accuracy_answered": float((said == truth)[clear].mean()) if clear.any() else float("nan"),
    }


def _resampled(truth: Bools, p: Floats, said: Bools, clear: Bools, weights: Floats) -> dict[str, Floats]:
    found = binary_resampled(truth, p, said, weights)
    hits, misses, alarms = weights @ (~truth & ~said), weights @ (truth & ~said), weights @ (~truth & said)
    answered = weights @ clear
    with np.errstate(divide="ignore", invalid="ignore"):
        negative = np.nan_to_num(2 * hits / (2 * hits + misses + alarms))
        right = weights @ (clear & (said == truth)) / answered
    return {
        "accuracy": found["accuracy"],
        "f1_macro": (found["f1"] + negative) / 2,
        "roc_auc": found["roc_auc"],
        "abstained": 1 - answered / weights.sum(1),
        "accuracy_answered": right,
    }
