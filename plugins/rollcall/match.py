"""Names faces: the nearest known person within a threshold, where nobody else is about as near.

Imported by the worker and the trainer only: it needs numpy.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from plugins.rollcall.faces import VECTOR_BYTES, Known, Verdict
from shared.errors import BadInput, ModelUnavailable

FORMAT: Final = 1
FILE: Final = "threshold.json"
LARGEST: Final = 2.0
"""No threshold is above this: two vectors of dlib's network are hardly ever further apart."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Rule:
    """When a face is somebody's: at most `threshold` away, and everybody else `margin` further at least."""

    threshold: float
    margin: float

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the rule. Raises `ModelUnavailable` where it is missing or nonsense."""
        try:
            document = json.loads((folder / FILE).read_text("utf-8"))
            rule = cls(float(document["threshold"]), float(document["margin"]))
            known = document["format"] == FORMAT
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelUnavailable("{path} cannot be read.", path=folder / FILE) from error
        if not (known and 0 < rule.threshold <= LARGEST and 0 <= rule.margin <= LARGEST):
            raise ModelUnavailable("{path} cannot be read.", path=folder / FILE)
        return rule

    def write(self, folder: Path) -> None:
        """Write the rule."""
        folder.mkdir(parents=True, exist_ok=True)
        document = {"format": FORMAT, **asdict(self)}
        (folder / FILE).write_text(json.dumps(document, indent=2) + "\n", "utf-8")


@dataclass(frozen=True)
class Matched:
    """Who a face is: an index into the known people where the verdict is "known"; see `faces.Face`."""

    verdict: Verdict
    person: int | None
    distance: float | None
    margin: float | None
    near: list[tuple[int, float]]


def match(
    vectors: Sequence[bytes], known: Sequence[Known], rule: Rule, large: Sequence[bool] | None = None
) -> list[Matched]:
    """Name each face of one picture; a person is in it once at most. `large`: which faces have pixels enough.

    Raises `BadInput` where a vector is not one.
    """
    distances = person_distances(vectors, known)
    found = [_judge(row, rule, large is None or large[at]) for at, row in enumerate(distances)]
    best: dict[int, int] = {}
    for at, each in enumerate(found):
        if each.person is not None and (
            each.person not in best or distances[at, each.person] < distances[best[each.person], each.person]
        ):
            best[each.person] = at
    return [
        each
        if each.person is None or best[each.person] == at
        else Matched("taken", None, each.distance, each.margin, each.near)
        for at, each in enumerate(found)
    ]


def person_distances(vectors: Sequence[bytes], known: Sequence[Known]) -> Floats:
    """Return faces × people: the distance to the nearest vector of each; infinite for one without any."""
    faces = unpacked(vectors)
    distances = np.full((len(faces), len(known)), np.inf)
    owners = np.repeat(np.arange(len(known)), [len(person.vectors) for person in known])
    theirs = unpacked([vector for person in known for vector in person.vectors])
    if len(faces) and len(theirs):
        squares = (faces**2).sum(1)[:, None] + (theirs**2).sum(1) - 2 * faces @ theirs.T
        every = np.sqrt(np.maximum(squares, 0))
        np.minimum.at(distances.T, owners, every.T)
    return distances


def unpacked(vectors: Sequence[bytes]) -> Floats:
    """Return vectors × 128. Raises `BadInput` for bytes that are no vector."""
    if any(len(vector) != VECTOR_BYTES for vector in vectors):
        raise BadInput("A stored face is damaged: enrol again.")
    found = np.frombuffer(b"".join(vectors), "<f4").reshape(len(vectors), -1 if vectors else 1).astype(float)
    if not np.isfinite(found).all():
        raise BadInput("A stored face is damaged: enrol again.")
    return found


def _judge(row: Floats, rule: Rule, large: bool) -> Matched:
    order = [int(at) for at in np.argsort(row, kind="stable") if np.isfinite(row[at])]
    if not order:
        return Matched("unknown" if large else "small", None, None, None, [])
    first = float(row[order[0]])
    margin = float(row[order[1]]) - first if len(order) > 1 else None
    near = [(at, float(row[at])) for at in order[:3] if row[at] <= rule.threshold]
    verdict: Verdict
    if not large:
        verdict = "small"
    elif first > rule.threshold:
        verdict = "unknown"
    elif margin is not None and margin < rule.margin:
        verdict = "ambiguous"
    else:
        verdict = "known"
    return Matched(verdict, order[0] if verdict == "known" else None, first, margin, near)
