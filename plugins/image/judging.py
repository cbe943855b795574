"""Judges a classifier on labelled pictures: a folder with one folder a class, or a pack. For the command line only."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from plugins.image.classifier import Classifier, Floats
from plugins.image.familiar import Bools
from plugins.image.labels import Labels
from plugins.image.own_data import KINDS, MAX_BYTES
from plugins.image.packs import read_pack
from shared.errors import BadInput
from shared.model import Failure, Report
from shared.pictures import decode_all
from shared.quality import classes_report

CHUNK: Final = 32
LONGEST: Final = 640
"""Pixels that a picture is decoded to: more than any network here takes in."""
MAX_FILES: Final = 100_000
BESIDE: Final = 5
"""Classes that are not in the data but probable, a row: so that accuracy and top five are those over all classes."""
Labelled = tuple[int, bytes]


def judge(classifier: Classifier, data: Path) -> Report:
    """Report accuracy, top five and macro F1 over all classes of the model, on the classes that the data has.

    Raises `BadInput` where the data cannot be read, or has a class that the model does not know.
    """
    names, rows = _folder(data) if data.is_dir() else _pack(data)
    places = _places(classifier.labels, names, data)
    truth: list[int] = []
    parts: list[Floats] = []
    named: list[Bools] = []
    right: list[Bools] = []
    unread = 0
    for chunk in rows:
        decoded = decode_all([picture for _, picture in chunk], LONGEST)
        good = [
            (label, each)
            for (label, _), each in zip(chunk, decoded, strict=True)
            if not isinstance(each, Failure)
        ]
        unread += len(chunk) - len(good)
        if good:
            truth += [label for label, _ in good]
            found, known = classifier.read([pixels for _, pixels in good])
            parts.append(_narrowed(found, places))
            named.append(known)
            right.append(found.argmax(1) == [places[label] for label, _ in good])
    if not truth:
        raise BadInput("{path} holds no picture that can be read.", path=data)
    probabilities = np.concatenate(parts)
    labels = [classifier.labels.rows[place][1] for place in places]
    labels += [f"another class ({n})" for n in range(1, probabilities.shape[1] - len(labels) + 1)]
    answered, hits = np.concatenate(named), np.concatenate(right)
    details = {
        "classes": len(classifier.labels),
        "unread": unread,
        "threshold": classifier.threshold,
        "answered": float(answered.mean()),
        "accuracy_answered": float(hits[answered].mean()) if answered.any() else 0.0,
    }
    return classes_report(truth, probabilities, labels, details=details)


def _narrowed(probabilities: Floats, places: list[int]) -> Floats:
    """Keep the columns of the data's classes, and of the others the five most probable of each row."""
    others = np.delete(probabilities, places, axis=1)
    most = -np.sort(-others, axis=1)[:, :BESIDE]
    return np.concatenate([probabilities[:, places], most], axis=1)


def _places(labels: Labels, names: list[str], data: Path) -> list[int]:
    found = [labels.place(name) for name in names]
    unknown = [name for name, place in zip(names, found, strict=True) if place is None]
    if unknown:
        raise BadInput(
            "{path} has a class {name!r} that the model does not know: name classes as it does, or by WordNet ids.",
            path=data,
            name=unknown[0][:100],
        )
    places = [place for place in found if place is not None]
    if len(set(places)) < len(places):
        raise BadInput("{path} has one class under two names.", path=data)
    return places


def _folder(data: Path) -> tuple[list[str], Iterator[list[Labelled]]]:
    folders = sorted(each for each in data.iterdir() if each.is_dir() and not each.name.startswith("."))
    files = [
        (label, path)
        for label, folder in enumerate(folders)
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in KINDS and path.is_file()
    ]
    if not files or len(files) > MAX_FILES:
        raise BadInput(
            "{path} needs a folder of pictures for each class, and {most:,} pictures at most.",
            path=data,
            most=MAX_FILES,
        )

    def read() -> Iterator[list[Labelled]]:
        for first in range(0, len(files), CHUNK):
            # A file that is too large is left empty, and counts as one that cannot be read.
            yield [
                (label, path.read_bytes() if path.stat().st_size <= MAX_BYTES else b"")
                for label, path in files[first : first + CHUNK]
            ]

    return [folder.name for folder in folders], read()


def _pack(data: Path) -> tuple[list[str], Iterator[list[Labelled]]]:
    pack = read_pack(data)

    def read() -> Iterator[list[Labelled]]:
        for first in range(0, len(pack), CHUNK):
            chunk = range(first, min(first + CHUNK, len(pack)))
            yield [(int(pack.labels[row]), pack.picture(row)) for row in chunk]

    return pack.names, read()
