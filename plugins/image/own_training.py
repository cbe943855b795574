"""Trains and judges the head of a person's own classifier, in minutes. Imported by the trainer only.

Near-duplicates lie on one side of the split. All that is chosen (how strongly the head is regularised, what is unlike)
is chosen by cross-validation over the training part.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plugins.image.own_data import Floats, Integers, Labelled, must_suffice, read_folder
from plugins.image.own_features import Features
from plugins.image.own_head import MAX_BANK, Doubles, Head, nearest
from shared.device import choose_device
from shared.errors import BadInput
from shared.model import Part, Progress, Report
from shared.quality import classes_report

HOLDOUT: Final = 0.2
STRENGTHS: Final = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
"""Inverse strengths of the regularisation that are tried."""
FOLDS: Final = 5
ALIKE: Final = 0.97
"""Cosine of features from which on two pictures are near-duplicates."""
NEIGHBOURS: Final = 3
UNLIKE: Final = 0.02
"""Share of the training pictures that may count as unlike the others."""
SEED: Final = 1
Bools = NDArray[np.bool_]


def train(data: Path, folder: Path, progress: Progress) -> Report:
    """Fit on the training part of a folder, write weights, report on the held-out part."""
    features = Features.load(choose_device())
    rows = read_folder(data, features, lambda done, note="": progress(0.8 * done, note))
    groups = near_duplicates(rows.features)
    must_suffice(rows, groups)
    out = held_out(rows, groups)
    progress(0.8, "choosing by cross-validation")
    fitting = ~out
    x, y, g = rows.features[fitting], rows.labels[fitting], groups[fitting]
    flipped = rows.mirrored[fitting]
    strength, decided, figures = _choose(x, flipped, y, g, len(rows.names))
    weights, biases = _fit(np.concatenate([x, flipped]), np.concatenate([y, y]), len(rows.names), strength)
    alike, neighbours = _alike(x, g)
    kept = np.random.default_rng(SEED).permutation(len(x))[:MAX_BANK]
    head = Head(rows.names, weights, biases, x[kept], alike, neighbours, _least(decided, y))
    head.write(folder)
    progress(0.95, "judging")
    details = {
        "rows": {"training": int(fitting.sum()), "held out": int(out.sum())},
        "strength": strength,
        # Convex and solved as a whole: there are no epochs.
        "curves": {},
        "cross_validation": figures,
        "unread": rows.unread,
        "split": "near-duplicates on one side, the side by a hash of their pixels",
        "compared": {"nearest centroid": _nearest_centroid(x, y, rows, out)},
    }
    report = _judge(Head.read(folder), rows, out, groups, details)
    progress(1.0, "done")
    return report


def evaluate(head: Head, features: Features, data: Path, part: Part) -> Report:
    """Judge `head` on a folder with the same classes: on all of it, or on what training never sees."""
    rows = read_folder(data, features, lambda done, note="": None, mirror=False)
    if unknown := [name for name in rows.names if name not in head.names]:
        raise BadInput("{path} has a class {name!r} that was not trained.", path=data, name=unknown[0][:80])
    groups = near_duplicates(rows.features)
    out = held_out(rows, groups) if part == "holdout" else np.ones(len(rows), bool)
    return _judge(head, rows, out, groups, {"unread": rows.unread})


def near_duplicates(features: Floats) -> Integers:
    """Return a group number for each picture: those that the network sees as the same share one, and so do theirs."""
    root = list(range(len(features)))

    def find(at: int) -> int:
        while root[at] != at:
            root[at] = root[root[at]]
            at = root[at]
        return at

    for first in range(0, len(features), 1000):
        alike = features[first : first + 1000] @ features.T > ALIKE
        for one, other in zip(*np.nonzero(alike), strict=True):
            a, b = find(int(one) + first), find(int(other))
            root[max(a, b)] = min(a, b)
    return np.array([find(at) for at in range(len(features))], np.int64)


def held_out(rows: Labelled, groups: Integers) -> Bools:
    """Tell which pictures are held out: by the lowest lot in their group, and at least one group of each class.

    A lot is a hash of the pixels, so a picture that is held out stays so when the folder grows.
    """
    lots: dict[int, float] = {}
    for pixels, group in zip(rows.small, groups.tolist(), strict=True):
        digest = hashlib.blake2b(pixels.tobytes(), digest_size=8).digest()
        lots[group] = min(lots.get(group, 1.0), int.from_bytes(digest, "big") / 2**64)
    out = {group for group, lot in lots.items() if lot < HOLDOUT}
    for label in range(len(rows.names)):
        own = sorted(set(groups[rows.labels == label].tolist()), key=lambda group: lots[group])
        if own and not out.intersection(own):
            out.add(own[0])
        # A class of few pictures may have drawn low lots only.
        for group in own[max(1, len(own) // 2) :]:
            out.discard(group)
    return np.array([group in out for group in groups.tolist()])


def _fit(x: Floats, y: Integers, classes: int, strength: float) -> tuple[Floats, Floats]:
    """Fit multinomial logistic regression; return weights (classes x 1280) and biases."""
    from sklearn.linear_model import LogisticRegression

    centre = x.mean(0)
    fitted = LogisticRegression(C=strength, max_iter=500).fit(x - centre, y)
    weights, biases = fitted.coef_, fitted.intercept_
    # With two classes there is one row, the second class's log-odds.
    if len(fitted.classes_) == 2:
        weights, biases = np.concatenate([-weights, weights]) / 2, np.concatenate([-biases, biases]) / 2
    full = np.zeros((classes, x.shape[1]))
    shift = np.full(classes, -30.0)
    full[fitted.classes_], shift[fitted.classes_] = weights, biases - weights @ centre
    return full.astype(np.float32), shift.astype(np.float32)


def _choose(
    x: Floats, flipped: Floats, y: Integers, groups: Integers, classes: int
) -> tuple[float, Doubles, dict[str, dict[str, float]]]:
    """Return the strength with the lowest log loss over the folds, its out-of-fold probabilities, all figures."""
    folds = _folds(y, groups)
    found: dict[float, Doubles] = {}
    for strength in STRENGTHS:
        decided = np.zeros((len(x), classes))
        for fold in range(int(folds.max()) + 1):
            inside, outside = folds != fold, folds == fold
            both = np.concatenate([x[inside], flipped[inside]])
            weights, biases = _fit(both, np.concatenate([y[inside], y[inside]]), classes, strength)
            decided[outside] = _probabilities(x[outside], weights, biases)
        found[strength] = decided
    figures = {
        f"C={strength:g}": {
            "log_loss": _log_loss(decided, y),
            "accuracy": float((decided.argmax(1) == y).mean()),
        }
        for strength, decided in found.items()
    }
    best = min(found, key=lambda strength: figures[f"C={strength:g}"]["log_loss"])
    return best, found[best], figures


def _folds(y: Integers, groups: Integers) -> Integers:
    """Return the fold of each row: groups whole, and each class spread over the folds."""
    from sklearn.model_selection import StratifiedGroupKFold

    fewest = min(len(set(groups[y == label].tolist())) for label in set(y.tolist()))
    folds = np.zeros(len(y), np.int64)
    split = StratifiedGroupKFold(max(2, min(FOLDS, fewest)), shuffle=True, random_state=SEED)
    for number, (_, outside) in enumerate(split.split(y, y, groups)):
        folds[outside] = number
    return folds


def _probabilities(x: Floats, weights: Floats, biases: Floats) -> Doubles:
    return Head([], weights, biases, x[:1], 0.0, 1, 0.0).probabilities(x)


def _log_loss(probabilities: Doubles, y: Integers) -> float:
    return float(-np.log(np.clip(probabilities[np.arange(len(y)), y], 1e-6, 1)).mean())


def _alike(x: Floats, groups: Integers) -> tuple[float, int]:
    """Return the similarity that all but few training pictures have to their nearest others, and how many those are."""
    neighbours = max(1, min(NEIGHBOURS, len(set(groups.tolist())) // 4))
    similarities = x @ x.T
    similarities[groups[:, None] == groups[None]] = -1.0
    found = nearest(similarities, neighbours)
    # A little below the lowest but few: with few pictures the lowest itself is chance.
    return float(np.quantile(found, UNLIKE) - 0.5 * found.std()), neighbours


def _least(decided: Doubles, y: Integers) -> float:
    """Return the lowest probability, over chance, above which nine of ten out-of-fold answers are right."""
    most, right = decided.max(1), decided.argmax(1) == y
    lowest = min(0.9, 1.2 / decided.shape[1])
    for least in np.arange(lowest, 0.9, 0.02):
        chosen = most >= least
        if chosen.any() and right[chosen].mean() >= 0.9:
            return round(float(least), 2)
    return round(float(lowest), 2)


def _nearest_centroid(x: Floats, y: Integers, rows: Labelled, out: Bools) -> dict[str, float]:
    """Return the accuracy of the simple rival on the held-out part."""
    centroids = np.stack([x[y == label].mean(0) for label in range(len(rows.names))])
    distances = np.linalg.norm(rows.features[out][:, None] - centroids[None], axis=2)
    return {"accuracy": float((distances.argmin(1) == rows.labels[out]).mean())}


def _judge(head: Head, rows: Labelled, out: Bools, groups: Integers, details: Mapping[str, Any]) -> Report:
    features = rows.features[out]
    places = np.array([head.names.index(name) for name in rows.names])
    truth = places[rows.labels[out]]
    probabilities = head.probabilities(features)
    answered = (head.similarity(features) >= head.alike) & (probabilities.max(1) >= head.least)
    right = probabilities.argmax(1) == truth
    sides = {
        "answered": float(answered.mean()),
        "accuracy_answered": float(right[answered].mean()) if answered.any() else 0.0,
    }
    return classes_report(
        truth.tolist(), probabilities, head.names, groups=groups[out].tolist(), details={**sides, **details}
    )
