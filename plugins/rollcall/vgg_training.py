"""Trains and judges the transfer-learning model, and sets embeddings beside it on the same photographs.

Each photo is judged by a layer that was trained without it. A person is judged as a newcomer too: what embeddings know
after one photo and no training, against the layer, which must be trained again. Imported by the trainer only.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from plugins.rollcall.faces_data import MAX_PHOTO_BYTES, read_people
from plugins.rollcall.faces_settings import from_environment
from plugins.rollcall.vgg_backbone import choose_backbone
from plugins.rollcall.vgg_head import Head
from shared.errors import BadInput
from shared.model import Failure, Progress, Report
from shared.pictures import Pixels, decode_all
from shared.quality import SURE, bootstrap, interval

if TYPE_CHECKING:
    from plugins.rollcall.vgg import FaceVggModel

LONGEST: Final = 2000
FOLDS: Final = 20
"""Photos are left out one by one where there are no more than these, else a share at a time."""
Floats = NDArray[np.float64]


def train(data: Path, folder: Path, progress: Progress) -> Report:
    """Fit the layer on all photos of `data`; report on photos that a layer was not fitted on."""
    from plugins.rollcall.align import Aligner
    from plugins.rollcall.detect import Detector
    from plugins.rollcall.embed import Embedder

    progress(0.0, "reading")
    backbone = choose_backbone(from_environment().vgg)
    detector, aligner = Detector.open(from_environment().yunet, 1), Aligner()
    faces, people, lost = _faces(data, detector, aligner)
    names = sorted(set(people))
    counts = {name: people.count(name) for name in names}
    if len(names) < 2 or max(counts.values(), default=0) < 2:
        raise BadInput(
            "{path} needs photos with a face of two people at least, and two photos of one of them.",
            path=data,
        )
    progress(0.2, "seeing faces")
    features = backbone.features([chip for chip, _ in faces])
    vectors = Embedder.open().of_chips([small for _, small in faces]).astype(float)
    progress(0.7, "judging")
    chances = np.zeros((len(people), len(names)))
    fits = []
    for fold in _folds(len(people)):
        kept = [at for at in range(len(people)) if at not in fold]
        if len({people[at] for at in kept}) < 2:
            continue
        started = time.perf_counter()
        head = Head.fit(features[kept], [people[at] for at in kept])
        fits.append(time.perf_counter() - started)
        where = [names.index(each) for each in head.people]
        chances[np.ix_(list(fold), where)] = head.probabilities(features[list(fold)])
    Head.fit(features, people).write(folder, backbone)
    judged = [at for at, person in enumerate(people) if counts[person] > 1]
    beside = _nearest(vectors, people)[judged]
    report = _report(
        chances[judged],
        [people[at] for at in judged],
        names,
        counts,
        {
            "backbone": backbone.kind,
            "source": backbone.source,
            "judged": "each photo by a layer trained without it",
            "seconds to train a layer": float(np.mean(fits)),
            "newcomer": "the layer is trained again and its people are fixed; an embedding is added as it is",
            "embeddings on the same photos": {"accuracy": float(beside.mean())},
            **lost,
        },
        reference={"embeddings, nearest photo": {"accuracy": float(beside.mean())}},
    )
    progress(1.0, "done")
    return report


def evaluate(model: "FaceVggModel", data: Path) -> Report:
    """Judge a trained layer on photos; those of people whom it does not know are counted and left out."""
    faces, people, lost = _faces(data, model.detector, model.aligner)
    known = [at for at, person in enumerate(people) if person in model.head.people]
    if not known:
        raise BadInput("{path} has no photo of anybody whom the model was trained on.", path=data)
    chances = model.head.probabilities(model.backbone.features([faces[at][0] for at in known]))
    truth = [people[at] for at in known]
    counts = {name: truth.count(name) for name in model.head.people}
    details: dict[str, Any] = {"backbone": model.backbone.kind, "strangers": len(people) - len(known), **lost}
    return _report(chances, truth, model.head.people, counts, details)


def _faces(
    data: Path, detector: Any, aligner: Any
) -> tuple[list[tuple[Pixels, Pixels]], list[str], dict[str, list[str]]]:
    """Return the largest face of each photo, large and small, whose it is, and the photos without one."""
    from plugins.rollcall.vgg_backbone import SIDE

    faces, people = [], []
    lost: dict[str, list[str]] = {"no_face": [], "unreadable": []}
    for photo in read_people(data):
        with photo.path.open("rb") as source:
            (pixels,) = decode_all([source.read(MAX_PHOTO_BYTES)], LONGEST)
        if isinstance(pixels, Failure):
            lost["unreadable"].append(photo.path.name)
            continue
        boxes = detector.find(pixels).boxes
        if not boxes:
            lost["no_face"].append(photo.path.name)
            continue
        box = max(boxes, key=lambda each: (each.right - each.left) * (each.bottom - each.top))
        points = aligner.points(pixels, box[:4])
        faces.append((aligner.chip(pixels, points, SIDE), aligner.chip(pixels, points)))
        people.append(photo.person)
    return faces, people, lost


def _folds(rows: int) -> list[set[int]]:
    order = np.random.default_rng(1).permutation(rows)
    return [set(part.tolist()) for part in np.array_split(order, min(rows, FOLDS))]


def _nearest(vectors: Floats, people: Sequence[str]) -> NDArray[np.bool_]:
    distances = ((vectors[:, None] - vectors[None]) ** 2).sum(-1)
    np.fill_diagonal(distances, np.inf)
    return np.array([people[int(row.argmin())] == people[at] for at, row in enumerate(distances)])


def _report(
    chances: Floats,
    people: Sequence[str],
    names: Sequence[str],
    counts: dict[str, int],
    details: dict[str, Any],
    reference: dict[str, dict[str, float]] | None = None,
) -> Report:
    truth = np.array([names.index(person) for person in people])
    said = chances.argmax(1)
    right = said == truth
    resampled = bootstrap(len(right), lambda drawn: {"accuracy": drawn @ right / drawn.sum(1)})
    losses = -np.log(np.clip(chances[np.arange(len(truth)), truth], SURE, 1))
    table = np.zeros((len(names), len(names)), int)
    np.add.at(table, (truth, said), 1)
    common = max(counts, key=lambda name: counts[name])
    return Report(
        n=len(people),
        metrics={"accuracy": interval(float(right.mean()), resampled["accuracy"])},
        baseline={"accuracy": float(np.mean([person == common for person in people]))},
        baseline_name="always the person with most photos",
        reference=reference or {},
        losses=[float(each) for each in losses],
        labels=list(names),
        confusion=table.tolist(),
        details={"log_loss": float(losses.mean()), **details},
    )
