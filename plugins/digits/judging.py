"""Says how well a network reads: which digit, and whether there is one.

Imported by the trainer and the command line only.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import msgspec
import numpy as np

from plugins.digits.centring import settled
from plugins.digits.data import NONE, Digits
from plugins.digits.networks import DIGITS
from plugins.digits.reader import Calibration, Doubles, Reader
from shared.errors import BadInput
from shared.model import Device, Report
from shared.quality import Bools, binary_metrics, binary_resampled, bootstrap, classes_report, interval

TEMPERATURES: Final = tuple(round(0.2 * 1.05**step, 4) for step in range(60))
KEPT: Final = 0.995
PASSED: Final = 0.1
"""Shares of digits and of other images that the threshold lets through, where it can."""
STRICTEST: Final = 0.2
COURSE: Final[Mapping[str, Mapping[str, float]]] = {
    # Trained here on MNIST's training files, judged on its test files, as in the model's card.
    "course, dense 784-256-128-10": {"accuracy": 0.9884, "macro_f1": 0.9884},
    "course, small CNN": {"accuracy": 0.9946, "macro_f1": 0.9946},
}


def calibrate(reader: Reader, digits: Digits, none: Digits) -> Calibration:
    """Set the temperature by the log loss of `digits`, and the threshold by both.

    The threshold lets a tenth of the images without a digit through at most, unless it would be above `STRICTEST`:
    printed digits are less sure than handwritten ones.
    """
    found = digits.at(digits.labels != NONE)
    images, calibration = settled(found.images), reader.calibration
    outputs = reader.outputs(images)
    for _ in range(2):
        best = min(TEMPERATURES, key=lambda t: _log_loss(outputs[:, :DIGITS] / t, found))
        # Which answers are unsure, and so are averaged, follows from the temperature.
        calibration = replace(calibration, temperature=best)
        outputs = Reader(reader.kind, reader.network, calibration, Device()).outputs(images)
    passing = 1 / (1 + np.exp(-outputs[:, DIGITS]))
    beside = reader.read(settled(none.images)).whether
    threshold = max(float(np.quantile(passing, 1 - KEPT)), float(np.quantile(beside, 1 - PASSED)))
    return replace(calibration, threshold=round(min(threshold, STRICTEST), 4))


def judge(reader: Reader, rows: Digits, details: Mapping[str, Any]) -> Report:
    """Report accuracy, top five and macro F1 of the digits, and how well images without one are told apart.

    `no_digit_auroc` is the area under the ROC curve of "there is a digit", where rows with label -1 are among them; no
    answer is withheld for the other metrics.
    """
    read = reader.read(settled(rows.images))
    digit = rows.labels != NONE
    if not digit.any():
        raise BadInput("There is no digit among the images, so nothing to judge.")
    report = classes_report(
        rows.labels[digit].tolist(),
        read.which[digit],
        [str(label) for label in range(DIGITS)],
        reference=COURSE,
        details={"losses": "log loss", "calibration": _words(reader.calibration), **details},
    )
    if digit.all():
        return report
    said = read.whether >= reader.calibration.threshold
    areas = bootstrap(len(digit), lambda weights: _area(digit, read.whether, said, weights))["roc_auc"]
    area = interval(binary_metrics(digit, read.whether, said)["roc_auc"], areas)
    passed = float(said[~digit].mean())
    refused = float((~said[digit]).mean())
    return msgspec.structs.replace(
        report,
        metrics={**report.metrics, "no_digit_auroc": area},
        baseline={**report.baseline, "no_digit_auroc": 0.5},
        details={
            **report.details,
            "without a digit": {
                "rows": int((~digit).sum()),
                "let through": passed,
                "digits refused": refused,
            },
        },
    )


def _area(digit: Bools, whether: Doubles, said: Bools, weights: Doubles) -> dict[str, Doubles]:
    return {"roc_auc": binary_resampled(digit, whether, said, weights)["roc_auc"]}


def _words(calibration: Calibration) -> dict[str, float]:
    return {"temperature": calibration.temperature, "threshold": calibration.threshold}


def _log_loss(logits: Doubles, rows: Digits) -> float:
    top = logits.max(1)
    whole = top + np.log(np.exp(logits - top[:, None]).sum(1))
    return float((whole - logits[np.arange(len(rows)), rows.labels]).mean())
