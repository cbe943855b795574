"""Finds faces: dlib's detector first, the course's Haar cascade where that one is in doubt; or YuNet where configured.

Imported by the worker and the trainer only: it needs dlib and OpenCV.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import cv2
import dlib
import numpy as np

from shared.errors import ModelUnavailable
from shared.pictures import Pixels

MOST: Final = 100
"""Faces of a picture that are looked at: the most certain ones."""
SURE: Final = 0.0
"""A score of dlib's detector from which on a face is a face; chosen on photographs and on pictures without any."""
DOUBTFUL: Final = -0.3
"""From here to `SURE` it is one where the Haar cascade sees one in the same place."""
OVERLAP: Final = 0.3
"""Intersection over union from which on two boxes are of one face."""
LARGEST: Final = 5_000_000
"""Pixels of the picture that is searched, whatever was uploaded: about half a second on one core."""
ENLARGED: Final = 2.5
"""A picture is searched this much larger at most: dlib sees faces of 80 pixels, and so those of 32."""
DARK: Final = 60
"""Mean grey below which a picture without a face is searched again, with its contrast evened out."""
YUNET_SCORE: Final = 0.7
YUNET_OVERLAP: Final = 0.3


class Scored(NamedTuple):
    """A face's box in pixels, which may reach over the edge, and its score."""

    left: float
    top: float
    right: float
    bottom: float
    score: float


@dataclass(frozen=True)
class Found:
    """Faces from left to right, `MOST` at most; `many` where there are more."""

    boxes: list[Scored]
    many: bool


class Haar:
    """The course's detector: OpenCV's cascade for frontal faces."""

    def __init__(self) -> None:
        folder = Path(cv2.__file__).parent / "data"
        self.cascade = cv2.CascadeClassifier(str(folder / "haarcascade_frontalface_default.xml"))
        if self.cascade.empty():
            raise ModelUnavailable("OpenCV's face cascade cannot be read.")

    def find(self, pixels: Pixels) -> list[Scored]:
        """Return the faces; the score is that of the cascade's last stage."""
        grey = cv2.equalizeHist(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY))
        boxes, _, scores = self.cascade.detectMultiScale3(
            grey, 1.1, 5, minSize=(24, 24), outputRejectLevels=True
        )
        return [
            Scored(float(x), float(y), float(x + wide), float(y + high), float(score))
            for (x, y, wide, high), score in zip(boxes, scores, strict=True)
        ]


class Detector:
    """The detector of the model; `yunet` takes its place where an operator configured it."""

    def __init__(self, yunet: Any = None) -> None:
        self.frontal = dlib.get_frontal_face_detector()
        self.haar = Haar()
        self.yunet = yunet

    @classmethod
    def open(cls, yunet: Path | None, threads: int) -> "Detector":
        """Make the detector. Raises `ModelUnavailable` where the file of YuNet cannot be used."""
        cv2.setNumThreads(threads)
        if yunet is None:
            return cls()
        try:
            return cls(cv2.FaceDetectorYN.create(str(yunet), "", (320, 320), YUNET_SCORE, YUNET_OVERLAP))
        except cv2.error as error:
            raise ModelUnavailable("{path} is not a face detector that OpenCV reads.", path=yunet) from error

    def find(self, pixels: Pixels) -> Found:
        """Return the faces of a picture."""
        found = self._by_yunet(pixels) if self.yunet is not None else self._by_dlib(pixels)
        if not found and self.yunet is None and pixels.mean() < DARK:
            found = self._by_dlib(_evened(pixels))
        kept = suppressed(found)
        boxes = sorted(kept[:MOST], key=lambda box: (box.left, box.top))
        return Found(boxes, len(kept) > MOST)

    def _by_dlib(self, pixels: Pixels) -> list[Scored]:
        high, wide = pixels.shape[:2]
        factor = min(ENLARGED, (LARGEST / (high * wide)) ** 0.5)
        # A strip of few pixels and great length would be enlarged to nothing that holds a face.
        size = (max(1, round(wide * factor)), max(1, round(high * factor)))
        searched = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)
        boxes, scores, _ = self.frontal.run(searched, 0, DOUBTFUL)
        found = [
            Scored(
                each.left() / factor,
                each.top() / factor,
                (each.right() + 1) / factor,
                (each.bottom() + 1) / factor,
                score,
            )
            for each, score in zip(boxes, scores, strict=True)
        ]
        return [box for box in found if box.score >= SURE or self._confirmed(pixels, box)]

    def _confirmed(self, pixels: Pixels, box: Scored) -> bool:
        """Tell whether the Haar cascade sees a face where `box` is."""
        room = (box.right - box.left) / 2
        left, top = max(0, int(box.left - room)), max(0, int(box.top - room))
        crop = pixels[top : int(box.bottom + room), left : int(box.right + room)]
        if min(crop.shape[:2]) < 24:
            return False
        here = Scored(box.left - left, box.top - top, box.right - left, box.bottom - top, box.score)
        return any(overlap(here, each) > OVERLAP for each in self.haar.find(np.ascontiguousarray(crop)))

    def _by_yunet(self, pixels: Pixels) -> list[Scored]:
        high, wide = pixels.shape[:2]
        self.yunet.setInputSize((wide, high))
        _, rows = self.yunet.detect(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
        # x, y, width, height, five points, score; dlib's points are made for boxes as square as its own.
        found = []
        for row in rows if rows is not None else ():
            middle_x, middle_y, side = row[0] + row[2] / 2, row[1] + row[3] * 0.55, (row[2] + row[3]) / 4
            found.append(
                Scored(
                    *map(float, (middle_x - side, middle_y - side, middle_x + side, middle_y + side, row[-1]))
                )
            )
        return found


def suppressed(boxes: Sequence[Scored]) -> list[Scored]:
    """Keep the best of boxes that overlap (non-maximum suppression), the best first."""
    kept: list[Scored] = []
    for box in sorted(boxes, key=lambda each: -each.score):
        if all(overlap(box, each) <= OVERLAP for each in kept):
            kept.append(box)
    return kept


def overlap(one: Scored, other: Scored) -> float:
    """Return intersection over union of two boxes."""
    wide = min(one.right, other.right) - max(one.left, other.left)
    high = min(one.bottom, other.bottom) - max(one.top, other.top)
    if wide <= 0 or high <= 0:
        return 0.0
    areas = [(box.right - box.left) * (box.bottom - box.top) for box in (one, other)]
    return wide * high / (sum(areas) - wide * high)


def _evened(pixels: Pixels) -> Pixels:
    lab = cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB)
    lab[..., 0] = cv2.createCLAHE(4.0, (8, 8)).apply(lab[..., 0])
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), np.uint8)
