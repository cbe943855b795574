"""Judges the face model on a folder of photos, and chooses its threshold there.

The network is never trained here: only a threshold is chosen, and each pair of photos is judged by one that was chosen
without the people in it. Imported by the worker and the trainer only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from plugins.rollcall.faces_data import MAX_PHOTO_BYTES, Photo, read_people
from plugins.rollcall.faces_roc import roc_png
from plugins.rollcall.faces_variants import VARIANTS
from plugins.rollcall.match import Rule
from plugins.rollcall.match_figures import (
    Pairs,
    choose_threshold,
    crossed_thresholds,
    figures,
    roc,
)
from shared.errors import BadInput
from shared.model import Failure, Interval, Part, Progress, Report
from shared.pictures import Pixels, decode_all
from shared.quality import SEED, Bools, Floats, bootstrap, interval

if TYPE_CHECKING:
    from plugins.rollcall.faces import FaceModel

MARGIN: Final = 0.05
"""How much nearer than the second person the first must be; two who enrolled one face differ by less."""
SOFTNESS: Final = 0.05
"""Distance over which the probability that two photos are of one person changes, for the log loss."""
MOST_PAIRS: Final = 20_000
"""Pairs that the intervals are computed on: all of one person, and a sample of the others."""
LONGEST: Final = 2000
Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Described:
    """Photos that a face was found in (vectors × 128, their people), and the names of the others."""

    vectors: Floats
    people: Whole
    names: list[str]
    no_face: list[str]
    several_faces: list[str]
    unreadable: list[str]
    missed: Whole
    """The people of `no_face` and `unreadable`."""


def train(kind: type["FaceModel"], data: Path, folder: Path, progress: Progress) -> Report:
    """Choose the threshold on the photos of `data` and on spoilt copies of them; write it to `folder`."""
    from shared.model import Device

    photos = read_people(data)
    model = kind.load(kind.default, Device())
    progress(0.05, "describing faces")
    plain = describe(model, photos)
    _must_suffice(plain, data)
    all_pairs, people, robust = _with_variants(model, photos, plain, progress)
    pairs = Pairs.of(plain.vectors, plain.people)
    model.rule = Rule(choose_threshold(all_pairs.distance, all_pairs.same), MARGIN)
    model.rule.write(folder)
    _draw(folder, pairs, all_pairs, model.rule.threshold)
    crossed = crossed_thresholds(all_pairs, people, pairs, plain.people)
    report = _report(
        plain,
        pairs,
        crossed,
        model.rule,
        {
            "robustness": robust,
            "threshold chosen on": "all pairs, spoilt copies of the photos included",
            "false accept and false reject rates": "each pair by a threshold chosen without the people in it",
            "thresholds so chosen": sorted({round(float(each), 3) for each in crossed}),
        },
    )
    progress(1.0, "done")
    return report


def evaluate(model: "FaceModel", data: Path, part: Part) -> Report:
    """Judge `model` on all photos; none is held out, for nothing but the threshold is ever fitted."""
    described = describe(model, read_people(data))
    _must_suffice(described, data)
    pairs = Pairs.of(described.vectors, described.people)
    thresholds = np.full(len(pairs.distance), model.rule.threshold)
    return _report(described, pairs, thresholds, model.rule, {})


def describe(model: "FaceModel", photos: Sequence[Photo], batch: int = 8) -> Described:
    """Find the face of each photo, the largest where there are several, and describe it."""
    order = {person: at for at, person in enumerate(sorted({photo.person for photo in photos}))}
    vectors, people, names, missed = [], [], [], []
    lost: dict[str, list[str]] = {"no_face": [], "several_faces": [], "unreadable": []}
    for start in range(0, len(photos), batch):
        some = photos[start : start + batch]
        decoded = decode_all([_bounded(photo.path) for photo in some], LONGEST)
        for photo, pixels in zip(some, decoded, strict=True):
            if isinstance(pixels, Failure):
                lost["unreadable"].append(photo.path.name)
                missed.append(order[photo.person])
                continue
            found = main_face(model, pixels)
            if found is None:
                lost["no_face"].append(photo.path.name)
                missed.append(order[photo.person])
                continue
            vector, count = found
            if count > 1:
                lost["several_faces"].append(photo.path.name)
            vectors.append(vector)
            people.append(order[photo.person])
            names.append(photo.path.name)
    return Described(
        np.array(vectors, float).reshape(-1, 128),
        np.array(people, int),
        names,
        missed=np.array(missed, int),
        **lost,
    )


def main_face(model: "FaceModel", pixels: Pixels) -> tuple[Floats, int] | None:
    """Return the vector of the largest face, and how many faces there are; None where there is none."""
    found = model.detector.find(pixels)
    if not found.boxes:
        return None
    largest = max(found.boxes, key=lambda box: (box.right - box.left) * (box.bottom - box.top))
    vector = model.describe([pixels], [replace(found, boxes=[largest])])[0]
    return np.frombuffer(vector, "<f4").astype(float), len(found.boxes)


def identified(distance: Floats, people: Whole, threshold: float) -> dict[str, Bools]:
    """Return, for each photo, what leaving it out and looking it up among the others gives.

    "right": the nearest other photo is of the same person. "named": right, and within the threshold. "possible": the
    person has another photo. "mistaken": with the person's other photos away too, a stranger is within the threshold.
    """
    itself = np.eye(len(people), dtype=bool)
    same = people[:, None] == people[None]
    others = np.where(itself, np.inf, distance)
    strangers = np.where(same, np.inf, distance)
    nearest = others.argmin(1)
    right = same[np.arange(len(people)), nearest]
    return {
        "possible": (same & ~itself).any(1),
        "right": right,
        "named": right & (others.min(1) <= threshold),
        "mistaken": strangers.min(1) <= threshold,
    }


def _bounded(path: Path) -> bytes:
    with path.open("rb") as source:
        return source.read(MAX_PHOTO_BYTES)


def _must_suffice(described: Described, data: Path) -> None:
    counts = np.bincount(described.people) if len(described.people) else np.zeros(0, int)
    if (counts > 0).sum() < 2 or counts.max(initial=0) < 2:
        raise BadInput(
            "{path} needs photos with a face of two people at least, and two photos of one of them.",
            path=data,
        )


def _with_variants(
    model: "FaceModel", photos: Sequence[Photo], plain: Described, progress: Progress
) -> tuple[Pairs, Whole, dict[str, dict[str, float]]]:
    """Return the pairs of photos and spoilt photos with plain ones, their people, and a row of figures a variant."""
    where = {name: at for at, name in enumerate(plain.names)}
    vectors, people, source = [plain.vectors], [plain.people], [np.arange(len(plain.names))]
    kinds: dict[str, list[int]] = {}
    found: dict[str, list[tuple[Floats, int]]] = {name: [] for name in VARIANTS}
    usable = [photo for photo in photos if photo.path.name in where]
    for step, photo in enumerate(usable):
        (pixels,) = decode_all([_bounded(photo.path)], LONGEST)
        if isinstance(pixels, Failure):
            continue
        boxes = model.detector.find(pixels).boxes
        wide = max(box.right - box.left for box in boxes)
        for name, spoil in VARIANTS.items():
            face = main_face(model, np.ascontiguousarray(spoil(pixels, wide)))
            if face is not None:
                found[name].append((face[0], where[photo.path.name]))
        progress(0.1 + 0.85 * (step + 1) / len(usable), "spoiling photos")
    at = len(plain.names)
    for name, rows in found.items():
        kinds[name] = list(range(at, at + len(rows)))
        at += len(rows)
        vectors.append(np.array([row[0] for row in rows]).reshape(-1, 128))
        source.append(np.array([row[1] for row in rows], int))
        people.append(plain.people[source[-1]])
    every, who, origin = np.concatenate(vectors), np.concatenate(people), np.concatenate(source)
    pairs = Pairs.of(every, who)
    # As in use: an enrolled photo is a good one. A photo with a copy of itself would flatter.
    pairs = pairs.chosen((pairs.first < len(plain.names)) & (origin[pairs.first] != origin[pairs.second]))
    threshold = choose_threshold(pairs.distance, pairs.same)
    table = {}
    for name, places in {"as they are": list(range(len(plain.names))), **kinds}.items():
        own = pairs.chosen(np.isin(pairs.second, places))
        measured = {key: float(value[0]) for key, value in _figures(own, threshold).items()}
        share = len(places) / len(usable)
        table[name] = {"found": round(share, 3), **{key: round(value, 4) for key, value in measured.items()}}
    return pairs, who, table


def _figures(pairs: Pairs, threshold: float | Floats) -> dict[str, Floats]:
    return figures(pairs.distance, pairs.same, threshold, np.ones((1, len(pairs.same))))


def _report(
    described: Described, pairs: Pairs, thresholds: Floats, rule: Rule, details: Mapping[str, Any]
) -> Report:
    people = described.people
    squares = (described.vectors**2).sum(1)
    products = described.vectors @ described.vectors.T
    distance = np.sqrt(np.maximum(squares[:, None] + squares - 2 * products, 0))
    found = identified(distance, people, rule.threshold)
    counts = np.bincount(people, minlength=int(max(people.max(), described.missed.max(initial=0))) + 1)
    # A photo without a found face is a mistake where its person could have been known by another photo.
    lost = int((counts[described.missed] > 0).sum()) if len(described.missed) else 0
    right = np.concatenate([found["right"][found["possible"]], np.zeros(lost, bool)])
    named = np.concatenate([found["named"][found["possible"]], np.zeros(lost, bool)])
    metrics = {
        "accuracy": _mean(right),
        "identification_rate": _mean(named),
        "unknown_named_rate": _mean(found["mistaken"]),
        **_verification(pairs, thresholds, len(people)),
    }
    return Report(
        n=len(people) + len(described.missed),
        metrics=metrics,
        baseline={
            "accuracy": float(counts.max() / counts.sum()),
            "verification_auc": 0.5,
            "eer": 0.5,
        },
        baseline_name="always the person with most photos, or a toss",
        losses=_losses(pairs, thresholds, len(people)),
        details={
            "threshold": rule.threshold,
            "margin": rule.margin,
            "people": int((counts > 0).sum()),
            "photos": {
                "with a face": len(people),
                "without one found": described.no_face,
                "with several, the largest taken": described.several_faces,
                "unreadable": described.unreadable,
                "alone of their person, not identified": int((~found["possible"]).sum()),
            },
            "pairs": {"of one person": int(pairs.same.sum()), "of two": int((~pairs.same).sum())},
            "distances": {
                "of one person, largest": float(pairs.distance[pairs.same].max()),
                "of two, smallest": float(pairs.distance[~pairs.same].min()),
            },
            "roc": [
                tuple(round(value, 4) for value in point)
                for point in _thinned(roc(pairs.distance, pairs.same))
            ],
            "resampled": "photos",
            "losses": "log loss of a photo's pairs",
            **details,
        },
    )


def _verification(pairs: Pairs, thresholds: Floats, photos: int) -> dict[str, Interval]:
    measured = _figures(pairs, thresholds)
    keep = np.ones(len(pairs.same), bool)
    if len(keep) > MOST_PAIRS:
        share = MOST_PAIRS / len(keep)
        keep = pairs.same | (np.random.default_rng(SEED).random(len(keep)) < share)
    some, at = pairs.chosen(keep), thresholds[keep]
    resampled = bootstrap(
        photos,
        lambda drawn: figures(some.distance, some.same, at, drawn[:, some.first] * drawn[:, some.second]),
    )
    return {name: interval(float(value[0]), resampled[name]) for name, value in measured.items()}


def _mean(hits: Bools) -> Interval:
    if not len(hits):
        return Interval(float("nan"), float("nan"), float("nan"))
    resampled = bootstrap(len(hits), lambda drawn: {"mean": drawn @ hits / drawn.sum(1)})["mean"]
    return interval(float(hits.mean()), resampled)


def _losses(pairs: Pairs, thresholds: Floats, photos: int) -> list[float]:
    score = np.clip((thresholds - pairs.distance) / SOFTNESS, -30, 30)
    loss = np.log1p(np.exp(np.where(pairs.same, -score, score)))
    total = np.bincount(pairs.first, loss, photos) + np.bincount(pairs.second, loss, photos)
    return [float(each) for each in total / max(1, photos - 1)]


def _draw(folder: Path, plain: Pairs, spoilt: Pairs, threshold: float) -> None:
    """Write the curves of photos as they are, and of spoilt copies against them."""
    for name, title, pairs in (
        ("roc.png", "Photos as they are", plain),
        ("roc_spoilt.png", "With spoilt copies", spoilt),
    ):
        points = _thinned(roc(pairs.distance, pairs.same))
        (folder / name).write_bytes(roc_png(points, threshold, title))


def _thinned(points: list[tuple[float, float, float]], most: int = 200) -> list[tuple[float, float, float]]:
    step = max(1, len(points) // most)
    return points[::step] + ([points[-1]] if (len(points) - 1) % step else [])
