"""Reads loss curves as the course's day on troubleshooting does, and names what it sees with its evidence.

Rules look at curves smoothed by a running median, so that one bad epoch is no finding, and at shares of what was
learned, so that the scale of the loss does not matter, but for the one rule that is about it. See Goodfellow, Bengio,
Courville: Deep Learning, chapters 7, 8 and 11.
"""

import itertools
import math
import statistics
from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from shared.texts import Text

Kind = Literal[
    "converged",
    "overfitting",
    "underfitting",
    "rate_too_high",
    "diverging",
    "data_trouble",
    "target_not_scaled",
]
FEWEST: Final = 5
"""Epochs from which a curve tells anything."""
LARGE: Final = 100.0
"""A loss of the first epoch that no scaled target gives: the squared error of guessing the mean of one is 1."""
GROWN: Final = 1.5
"""A loss that ends so many times above its least has diverged."""
WORSE: Final = 0.05
"""Share by which the test loss must have risen above its least to count."""
FELL: Final = 0.1
"""Share by which the training loss must have fallen to count as learning."""
STILL: Final = 0.1
"""Share of all that was learned that the last fifth still brings where training ended too early."""
FLAT: Final = 0.02
"""The same, of curves that have come to rest."""
UNSTEADY: Final = 0.25
"""Up and down from epoch to epoch, as a share of all that was learned, from which the steps are too large."""


@dataclass(frozen=True)
class Finding:
    """What a curve shows: the rule, words with the evidence, and the epoch (from 1) that it points to, if any."""

    kind: Kind
    said: Text
    epoch: int | None = None


def read_curves(train: Sequence[float], test: Sequence[float] = ()) -> list[Finding]:
    """Return what the losses of each epoch show, gravest first; nothing where nothing can be said.

    `test` is as long as `train`, or empty. Losses may be infinite or NaN: that itself is a finding. Raises
    `ValueError` where the two differ in length.
    """
    if test and len(test) != len(train):
        raise ValueError(f"{len(train)} and {len(test)} epochs")
    if (broken := _first_broken(train, test)) is not None:
        said = Text(
            "Diverging: from epoch {epoch} on the loss is not a number any more.", {"epoch": broken + 1}
        )
        return [Finding("diverging", said, broken + 1)]
    if len(train) < FEWEST:
        return []
    smooth, smooth_test = _smoothed(train), _smoothed(test)
    rules = (
        _diverging(train, smooth),
        _unscaled(train),
        _too_fast(train, smooth),
        _trouble(smooth, smooth_test),
        _overfitting(smooth, smooth_test),
        _underfitting(smooth),
    )
    found = [finding for finding in rules if finding is not None]
    kinds = {finding.kind for finding in found}
    # A curve that blows up swings, too: the graver of two is the one to act on.
    if "diverging" in kinds:
        found = [each for each in found if each.kind in ("diverging", "target_not_scaled")]
    if "rate_too_high" in kinds:
        found = [each for each in found if each.kind not in ("overfitting", "underfitting")]
    if not kinds - {"target_not_scaled"} and (rest := _converged(smooth, smooth_test)) is not None:
        found.append(rest)
    return found


def _first_broken(train: Sequence[float], test: Sequence[float]) -> int | None:
    broken = [at for curve in (train, test) for at, loss in enumerate(curve) if not math.isfinite(loss)]
    return min(broken, default=None)


def _smoothed(losses: Sequence[float]) -> list[float]:
    """Return the running median over about a tenth of the curve, an odd number of epochs."""
    reach = max(1, len(losses) // 20)
    # Kept in order while it moves on: a curve may have ten thousand epochs.
    window = sorted(losses[:reach])
    medians = []
    for at in range(len(losses)):
        if at + reach < len(losses):
            insort(window, losses[at + reach])
        if at > reach:
            del window[bisect_left(window, losses[at - reach - 1])]
        middle = len(window) // 2
        medians.append(window[middle] if len(window) % 2 else (window[middle - 1] + window[middle]) / 2)
    return medians


def _learned(smooth: Sequence[float]) -> float:
    return smooth[0] - min(smooth)


def _diverging(train: Sequence[float], smooth: Sequence[float]) -> Finding | None:
    least = min(smooth)
    at = smooth.index(least)
    # The other rules are about losses above zero; a likelihood may lie below.
    if (
        least <= 0
        or smooth[-1] < max(GROWN * least, smooth[0])
        or smooth[-1] <= smooth[-max(2, len(smooth) // 5)]
    ):
        return None
    said = Text(
        "Diverging: the training loss rose from {least:.3g} in epoch {epoch} to {last:.3g}. Make the learning rate "
        "ten times smaller, or clip the gradients.",
        {"least": least, "epoch": at + 1, "last": train[-1]},
    )
    return Finding("diverging", said, at + 1)


def _unscaled(train: Sequence[float]) -> Finding | None:
    if train[0] < LARGE:
        return None
    said = Text(
        "The target is not scaled: the first loss is {first:.3g}, where that of a scaled target is about 1. Divide by "
        "the standard deviation of the training part.",
        {"first": train[0]},
    )
    return Finding("target_not_scaled", said, 1)


def _too_fast(train: Sequence[float], smooth: Sequence[float]) -> Finding | None:
    steps = [after - before for before, after in itertools.pairwise(train)]
    # The first epochs fall steeply, whatever the rate.
    later = steps[len(steps) // 4 :]
    swing = statistics.median(abs(step) for step in later)
    ups = sum(step > 0 for step in later) / len(later)
    learned = max(_learned(smooth), 0.0)
    if ups < 0.3 or swing <= UNSTEADY * max(learned, 0.1 * abs(smooth[0])):
        return None
    said = Text(
        "The learning rate is too high: the training loss goes up in {ups:.0%} of the epochs, by {swing:.3g} at a "
        "time, while {learned:.3g} was learned in all. Make it three to ten times smaller.",
        {"ups": ups, "swing": swing, "learned": learned},
    )
    return Finding("rate_too_high", said)


def _trouble(smooth: Sequence[float], test: Sequence[float]) -> Finding | None:
    if not test or not _fell(smooth) or test.index(min(test)) > max(1, len(test) // 20):
        return None
    if test[-1] - test[0] <= 2 * WORSE * abs(test[0]):
        return None
    said = Text(
        "Trouble with the data: the training loss falls while the test loss rises from the start, from {first:.3g} to "
        "{last:.3g}. Look whether both parts are of one kind, and the labels in one order.",
        {"first": test[0], "last": test[-1]},
    )
    return Finding("data_trouble", said, 1)


def _overfitting(smooth: Sequence[float], test: Sequence[float]) -> Finding | None:
    if not test:
        return None
    least = min(test)
    at = test.index(least)
    if at <= max(1, len(test) // 20) or at >= len(test) - max(2, len(test) // 20):
        return None
    if test[-1] - least <= WORSE * abs(least) or smooth[-1] >= smooth[at]:
        return None
    said = Text(
        "Overfitting: the test loss was least in epoch {epoch} ({least:.3g}) and is {last:.3g} now, while the training "
        "loss fell on. Stop at epoch {epoch}, or regularise.",
        {"epoch": at + 1, "least": least, "last": test[-1]},
    )
    return Finding("overfitting", said, at + 1)


def _underfitting(smooth: Sequence[float]) -> Finding | None:
    learned, tail = _learned(smooth), max(2, len(smooth) // 5)
    if not _fell(smooth):
        said = Text(
            "Underfitting: the training loss hardly fell, from {first:.3g} to {last:.3g}. Take a larger model, better "
            "features, or a larger learning rate.",
            {"first": smooth[0], "last": smooth[-1]},
        )
        return Finding("underfitting", said)
    share = (smooth[-tail] - smooth[-1]) / learned
    if share < STILL:
        return None
    said = Text(
        "Underfitting: the last {tail} epochs still brought {share:.0%} of all that was learned. Train on.",
        {"tail": tail, "share": share},
    )
    return Finding("underfitting", said, len(smooth))


def _converged(smooth: Sequence[float], test: Sequence[float]) -> Finding | None:
    tail = max(2, len(smooth) // 5)
    for curve in (smooth, test):
        if curve and abs(curve[-tail] - curve[-1]) > FLAT * max(_learned(curve), abs(curve[-1]) * 0.1):
            return None
    said = Text(
        "Converged: in the last {tail} epochs the loss moved by less than {flat:.0%} of all that was learned.",
        {"tail": tail, "flat": FLAT},
    )
    return Finding("converged", said, len(smooth) - tail + 1)


def _fell(smooth: Sequence[float]) -> bool:
    return smooth[0] - smooth[-1] > FELL * abs(smooth[0])
