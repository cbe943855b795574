"""The face model: finds faces in a picture, describes each by 128 numbers, and names those that it knows.

The work is in `plugins.rollcall.detect`, `align`, `embed`, `match` and `judge`, which are imported where they are
needed.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Literal, Self

import msgspec

from shared.errors import ModelUnavailable
from shared.model import Device, Failure, Part, Progress, Report

if TYPE_CHECKING:
    from plugins.rollcall.detect import Detector, Found, Scored
    from plugins.rollcall.embed import Embedder
    from plugins.rollcall.match import Matched, Rule
    from shared.boxes import Box
    from shared.pictures import Pixels

VECTOR_BYTES: Final = 512
"""A face as bytes: 128 numbers, float32, little-endian."""
LONGEST: Final = 2000
"""Pixels of the longest side that a picture is decoded to."""
DRAWN: Final = 1280
SMALLEST: Final = 32.0
"""A face narrower than this (pixels of the decoded picture) is not named: see the model card."""
Verdict = Literal["known", "unknown", "ambiguous", "taken", "small"]


class Known(msgspec.Struct, frozen=True):
    """Somebody who enrolled, and the `Face.vector`s of their photos (`VECTOR_BYTES` each)."""

    user_id: int
    name: str
    vectors: list[bytes]


class FaceRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A picture as it was uploaded, and the people who may be in it.

    `unknown_label` stands at faces without a name, `unsure_label` at those that are too small or could be two people
    ("": as unknown ones), in the language of who asks. Without `draw` no picture comes back.
    """

    data: bytes
    known: list[Known] = []
    unknown_label: str = "?"
    unsure_label: str = ""
    draw: bool = True


class Near(msgspec.Struct, frozen=True):
    """How far a known person is from a face: 0 is the same photo, above the threshold is somebody else."""

    user_id: int
    name: str
    distance: float


class Face(msgspec.Struct, frozen=True, kw_only=True):
    """A face: its box in pixels, the detector's score, its 128 numbers, and who it is.

    `user_id` is None, and `name` empty, unless `verdict` is "known". `distance` is that to the nearest known person
    (None where nobody is known); `margin` is how much further the next one is (None where there is none). `near` holds
    those within the threshold, the nearest first: two of them within the margin make the face "ambiguous", as when two
    people enrolled one face. "taken": another face of the picture is more like that person. "small": too few pixels.
    """

    left: float
    top: float
    right: float
    bottom: float
    score: float
    vector: bytes
    verdict: Verdict
    user_id: int | None = None
    name: str = ""
    distance: float | None = None
    margin: float | None = None
    near: list[Near] = []


class FaceResult(msgspec.Struct, frozen=True, kw_only=True):
    """The faces from left to right, and the picture (JPEG) with their boxes; empty without `draw` or without a face.

    Boxes are in pixels of a picture of `width` × `height`, the uploaded one turned upright and shrunk. `threshold` is
    the largest distance at which a face is somebody's. `many`: there are more faces than are looked at.
    """

    faces: list[Face]
    picture: bytes
    width: int
    height: int
    threshold: float
    many: bool = False


class FaceModel:
    """Finds, describes and names faces; see the module."""

    name: ClassVar[str] = "face"
    request: ClassVar[type[msgspec.Struct]] = FaceRequest
    result: ClassVar[type[msgspec.Struct]] = FaceResult
    max_batch: ClassVar[int] = 4
    default: ClassVar[Path | None] = Path(__file__).parent / "weights"
    data_columns: ClassVar[Mapping[str, str]] = {
        "file": "name of a photo in the folder of people.csv, with exactly one face",
        "person": "whose face it is",
    }

    def __init__(self, detector: "Detector", embedder: "Embedder", rule: "Rule") -> None:
        self.detector = detector
        self.embedder = embedder
        self.rule = rule

    @classmethod
    def load(cls, folder: Path | None, device: Device) -> Self:
        """Read dlib's networks out of their package, and the rule out of `folder`; look at a picture once."""
        if folder is None:
            raise ModelUnavailable("The model {model} has no weights that can be read.", model=cls.name)
        from shared.device import prepare_torch

        prepare_torch()
        import numpy as np

        from plugins.rollcall.detect import Detector
        from plugins.rollcall.embed import Embedder
        from plugins.rollcall.faces_settings import from_environment
        from plugins.rollcall.match import Rule

        rule = Rule.read(folder)
        detector = Detector.open(from_environment().yunet, device.threads)
        embedder = Embedder.open(device.name)
        grey = np.full((160, 160, 3), 128, np.uint8)
        detector.find(grey)
        embedder.vectors([(grey, embedder.aligner.points(grey, (20, 20, 140, 140)))])
        return cls(detector, embedder, rule)

    def predict(self, batch: Sequence[FaceRequest]) -> Sequence[FaceResult | Failure]:
        """Look at each picture; the faces of all go through the network together."""
        from shared.pictures import decode_all

        decoded = decode_all([request.data for request in batch], LONGEST)
        found = [None if isinstance(each, Failure) else self.detector.find(each) for each in decoded]
        vectors = iter(self.describe(decoded, found))
        answers: list[FaceResult | Failure] = []
        for request, pixels, faces in zip(batch, decoded, found, strict=True):
            if isinstance(pixels, Failure):
                answers.append(pixels)
            elif faces is not None:
                answers.append(self._result(request, pixels, faces, [next(vectors) for _ in faces.boxes]))
        return answers

    def describe(
        self, pictures: Sequence["Pixels | Failure"], found: Sequence["Found | None"]
    ) -> list[bytes]:
        """Return the vector of each face of each picture, in order."""
        aligner = self.embedder.aligner
        chips = [
            (pixels, aligner.points(pixels, box[:4]))
            for pixels, faces in zip(pictures, found, strict=True)
            if not isinstance(pixels, Failure) and faces is not None
            for box in faces.boxes
        ]
        return [vector.astype("<f4").tobytes() for vector in self.embedder.vectors(chips)]

    @classmethod
    def train(cls, data: Path, folder: Path, progress: Progress) -> Report:
        """Choose the threshold on a folder of photos; see `plugins.rollcall.judge`."""
        from plugins.rollcall.judge import train

        return train(cls, data, folder, progress)

    def evaluate(self, data: Path, part: Part = "all") -> Report:
        """Judge on a folder of photos with people.csv; see `plugins.rollcall.judge`."""
        from plugins.rollcall.judge import evaluate

        return evaluate(self, data, part)

    def _result(
        self, request: FaceRequest, pixels: "Pixels", found: "Found", vectors: Sequence[bytes]
    ) -> FaceResult:
        from plugins.rollcall.match import match

        large = [right - left >= SMALLEST for left, _, right, _, _ in found.boxes]
        who = match(vectors, request.known, self.rule, large)
        faces = [
            _face(box, pixels.shape[:2], vector, each, request.known)
            for box, vector, each in zip(found.boxes, vectors, who, strict=True)
        ]
        return FaceResult(
            faces=faces,
            picture=_drawn(request, pixels, faces) if request.draw and faces else b"",
            width=pixels.shape[1],
            height=pixels.shape[0],
            threshold=self.rule.threshold,
            many=found.many,
        )


def _face(
    box: "Scored", size: tuple[int, ...], vector: bytes, who: "Matched", known: Sequence[Known]
) -> Face:
    high, wide = size
    person = known[who.person] if who.person is not None else None
    return Face(
        left=max(0.0, box.left),
        top=max(0.0, box.top),
        right=min(float(wide), box.right),
        bottom=min(float(high), box.bottom),
        score=box.score,
        vector=vector,
        verdict=who.verdict,
        user_id=person.user_id if person else None,
        name=person.name if person else "",
        distance=who.distance,
        margin=who.margin,
        near=[Near(known[at].user_id, known[at].name, distance) for at, distance in who.near],
    )


def _drawn(request: FaceRequest, pixels: "Pixels", faces: Sequence[Face]) -> bytes:
    from shared.boxes import boxed
    from shared.pictures import encode

    boxes = [face_box(face, request.unknown_label, request.unsure_label) for face in faces]
    return encode(boxed(pixels, boxes, DRAWN), "jpeg")


def face_box(face: Face, unknown: str, unsure: str) -> "Box":
    """Return how a face is drawn: by its name, or by what stands at those without one."""
    from shared.boxes import Box

    corners = (face.left, face.top, face.right, face.bottom)
    match face.verdict:
        case "known":
            return Box(*corners, face.name, "good")
        case "ambiguous" | "small":
            return Box(*corners, unsure or unknown, "unsure")
        case _:
            return Box(*corners, unknown, "neutral")
