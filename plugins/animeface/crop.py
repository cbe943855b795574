"""Finds anime faces in a picture with nagadomi's LBP cascade, and cuts them out as the course's data preparation does.

The cascade `lbpcascade_animeface.xml` is under the MIT licence; its notice is in the file, at the top.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

import msgspec

from shared.errors import ModelUnavailable
from shared.model import Device, Failure

if TYPE_CHECKING:
    from shared.pictures import Pixels

CASCADE: Final = Path(__file__).parent / "lbpcascade_animeface.xml"
SIDE: Final = 96
"""Pixels of a side of a crop."""
MARGIN: Final = 0.1
"""What is added to each side of a found box, as a share of it: hair and chin, which the cascade leaves out."""
MOST: Final = 60
"""Faces of one picture that are cut out: the largest."""
LONGEST: Final = 1600
"""Pixels of the longer side that are searched. One thread of an EPYC takes 0.6 to 0.7 s for 1,600 × 1,067 pixels, 0.1 s
for 640 × 427."""
SMALLEST_FACE: Final = 24
"""Pixels of a side of the smallest face that the cascade knows."""
SCALE: Final = 1.1
NEIGHBOURS: Final = 5
ROOM: Final = 0.25
"""How much the picture is widened at each side before it is searched, as a share of its longer one."""


class CropRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A picture's file; `shown` asks for the picture with boxes drawn on it."""

    data: bytes
    shown: bool = True


class CropResult(msgspec.Struct, frozen=True, kw_only=True):
    """The faces as one reads, as PNG files of 96 pixels; `found` counts also those beyond the `MOST` largest.

    `boxes` are left, top, width and height of each crop's source in pixels of the picture as it was searched, and
    `picture` a JPEG of it with them (empty unless it was asked for).
    """

    crops: list[bytes]
    boxes: list[tuple[int, int, int, int]]
    found: int
    picture: bytes = b""


class AnimeCrop:
    """Finds and cuts out anime faces; see the module."""

    name: ClassVar[str] = "animeface-crop"
    request: ClassVar[type[msgspec.Struct]] = CropRequest
    result: ClassVar[type[msgspec.Struct]] = CropResult
    max_batch: ClassVar[int] = 4
    default: ClassVar[Path | None] = None

    def __init__(self, cascade: Any) -> None:
        self.cascade = cascade

    @classmethod
    def load(cls, folder: Path | None, device: Device) -> Self:
        """Read the cascade."""
        import cv2

        cv2.setNumThreads(device.threads)
        cascade = cv2.CascadeClassifier(str(CASCADE))
        if cascade.empty():
            raise ModelUnavailable("The model {model} has no weights that can be read.", model=cls.name)
        return cls(cascade)

    def predict(self, batch: Sequence[CropRequest]) -> Sequence[CropResult | Failure]:
        """Find the faces of each picture."""
        from shared.pictures import decode_all

        pictures = decode_all([request.data for request in batch], LONGEST)
        return [
            each if isinstance(each, Failure) else self._result(each, request.shown)
            for request, each in zip(batch, pictures, strict=True)
        ]

    def find(self, pixels: "Pixels") -> list[tuple[int, int, int, int]]:
        """Return the faces' boxes as left, top, width and height in pixels, from the largest down."""
        import cv2

        grey = cv2.equalizeHist(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY))
        # A face that fills the picture has no room round it, which the cascade wants.
        room = round(max(grey.shape) * ROOM)
        grey = cv2.copyMakeBorder(grey, room, room, room, room, cv2.BORDER_REPLICATE)
        found = self.cascade.detectMultiScale(grey, SCALE, NEIGHBOURS, minSize=(SMALLEST_FACE, SMALLEST_FACE))
        boxes = [(int(x) - room, int(y) - room, int(wide), int(high)) for x, y, wide, high in found]
        return sorted(boxes, key=lambda box: -box[2] * box[3])

    def _result(self, pixels: "Pixels", shown: bool) -> CropResult:
        from shared.boxes import Box, boxed
        from shared.pictures import encode

        found = self.find(pixels)
        boxes = [with_margin(box, pixels.shape[1], pixels.shape[0]) for box in as_read(found[:MOST])]
        picture = b""
        if shown:
            drawn = [
                Box(left, top, left + wide, top + high, str(number), "good")
                for number, (left, top, wide, high) in enumerate(boxes, 1)
            ]
            picture = encode(boxed(pixels, drawn), "jpeg")
        crops = [encode(cut(pixels, box)) for box in boxes]
        return CropResult(crops=crops, boxes=boxes, found=len(found), picture=picture)


def as_read(boxes: Sequence[tuple[int, int, int, int]]) -> list[tuple[int, int, int, int]]:
    """Sort boxes as people read: by rows from the top, and from the left within a row."""
    rows: list[list[tuple[int, int, int, int]]] = []
    for box in sorted(boxes, key=lambda box: box[1] + box[3] / 2):
        _, top, _, high = rows[-1][0] if rows else (0, 0, 0, 0)
        if rows and box[1] + box[3] / 2 < top + high:
            rows[-1].append(box)
        else:
            rows.append([box])
    return [box for row in rows for box in sorted(row)]


def with_margin(box: tuple[int, int, int, int], wide: int, high: int) -> tuple[int, int, int, int]:
    """Return the square round a box with its margin, moved (and shrunk if need be) into a picture of this size."""
    x, y, width, height = box
    side = max(1, min(round(max(width, height) * (1 + 2 * MARGIN)), wide, high))
    left = min(max(0, round(x + (width - side) / 2)), wide - side)
    top = min(max(0, round(y + (height - side) / 2)), high - side)
    return left, top, side, side


def cut(pixels: "Pixels", box: tuple[int, int, int, int]) -> "Pixels":
    """Return what is in the box, as a square of `SIDE` pixels."""
    import cv2
    import numpy as np

    left, top, wide, high = box
    part = pixels[top : top + high, left : left + wide]
    shrinks = max(wide, high) > SIDE
    made = cv2.resize(part, (SIDE, SIDE), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    return np.asarray(made, dtype=np.uint8)
