"""How well distances tell people apart: ROC, equal error rate, errors at a threshold, and the choice of one.

Imported by the worker and the trainer only: it needs numpy.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared.quality import Bools, Floats

FALSE_ACCEPTS: Final = 0.001
"""Share of pairs of two people that may lie below the threshold, before `SAFETY` is taken off."""
SAFETY: Final = 0.08
"""How much nearer than measured strangers may come: few were measured, and the network knows some groups less."""
LOWEST, HIGHEST = 0.35, 0.6
"""A threshold stays between these; the second is the one that dlib's author gives."""


@dataclass(frozen=True)
class Pairs:
    """Pairs of photos: indices of both, their distance, and whether they show one person."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    distance: Floats
    same: Bools

    @classmethod
    def of(cls, vectors: Floats, people: NDArray[np.int64]) -> "Pairs":
        """Make all pairs of photos × 128."""
        first, second = np.triu_indices(len(vectors), 1)
        distance = np.concatenate(
            [np.sqrt(((vectors[at + 1 :] - vectors[at]) ** 2).sum(1)) for at in range(len(vectors) - 1)]
        )
        return cls(first, second, distance, people[first] == people[second])

    def chosen(self, keep: Bools) -> "Pairs":
        """Return some of the pairs."""
        return Pairs(self.first[keep], self.second[keep], self.distance[keep], self.same[keep])


def figures(distance: Floats, same: Bools, threshold: float | Floats, weights: Floats) -> dict[str, Floats]:
    """Return the figures of verification for each row of `weights` (resamples × pairs).

    AUC (a pair of one person is nearer than a pair of two), equal error rate (where both error rates meet on the ROC,
    interpolated), and false accept and false reject rate at the threshold (one, or one a pair).
    """
    order = np.argsort(distance, kind="stable")
    ends = np.flatnonzero(np.diff(distance[order], append=np.inf))
    true, false = (np.cumsum(weights[:, order] * kind[order], axis=1)[:, ends] for kind in (same, ~same))
    accepted = distance <= threshold
    with np.errstate(divide="ignore", invalid="ignore"):
        hits, alarms = true / true[:, -1:], false / false[:, -1:]
        before = np.zeros((len(weights), 1))
        hits, alarms = np.hstack([before, hits]), np.hstack([before, alarms])
        area = (np.diff(alarms, axis=1) * (hits[:, 1:] + hits[:, :-1]) / 2).sum(1)
        return {
            "verification_auc": area,
            "eer": _equal(alarms, 1 - hits),
            "false_accept_rate": (weights @ (accepted & ~same)) / (weights @ ~same),
            "false_reject_rate": (weights @ (~accepted & same)) / (weights @ same),
        }


def roc(distance: Floats, same: Bools) -> list[tuple[float, float, float]]:
    """Return (threshold, false accept rate, true accept rate), from strict to lax."""
    order = np.argsort(distance, kind="stable")
    true, false = np.cumsum(same[order]) / same.sum(), np.cumsum(~same[order]) / (~same).sum()
    ends = np.flatnonzero(np.diff(distance[order], append=np.inf))
    return [(float(distance[order][at]), float(false[at]), float(true[at])) for at in ends]


def choose_threshold(distance: Floats, same: Bools) -> float:
    """Choose a threshold: where strangers are accepted almost never, less `SAFETY`."""
    strangers = distance[~same]
    wanted = float(np.quantile(strangers, FALSE_ACCEPTS, method="lower")) - SAFETY
    return round(min(HIGHEST, max(LOWEST, wanted)), 3)


def crossed_thresholds(
    pairs: Pairs, people: NDArray[np.int64], judged: Pairs, judged_people: NDArray[np.int64]
) -> Floats:
    """Return a threshold for each pair of `judged`, chosen on the pairs without the people in it.

    The threshold of all pairs stands where nothing is left without them.
    """
    chosen: dict[tuple[int, ...], float] = {}
    whole = choose_threshold(pairs.distance, pairs.same)
    out = np.empty(len(judged.distance))
    one, other = people[pairs.first], people[pairs.second]
    for at, (a, b) in enumerate(zip(judged_people[judged.first], judged_people[judged.second], strict=True)):
        who = tuple(sorted({int(a), int(b)}))
        if who not in chosen:
            keep = ~(np.isin(one, who) | np.isin(other, who))
            left = pairs.chosen(keep)
            enough = len(left.same) > 0 and not left.same.all()
            chosen[who] = choose_threshold(left.distance, left.same) if enough else whole
        out[at] = chosen[who]
    return out


def _equal(alarms: Floats, misses: Floats) -> Floats:
    """Return where false accepts, which rise, meet false rejects, which fall."""
    gap = alarms - misses
    at = np.argmax(gap >= 0, axis=1)
    rows = np.arange(len(gap))
    low, high = gap[rows, np.maximum(at - 1, 0)], gap[rows, at]
    share = np.where(high > low, -low / np.where(high > low, high - low, 1), 0)
    before, after = alarms[rows, np.maximum(at - 1, 0)], alarms[rows, at]
    return np.where(np.isnan(gap).any(1), np.nan, before + share * (after - before))
