"""The course's model: VGG-16's frozen convolutions under a layer that is trained to tell the people of a folder apart.

It knows those people and no others: a new one means training again, and a stranger is taken for one of them. That is
why roll call itself uses `plugins.rollcall.faces`. The work is in `plugins.rollcall.vgg_backbone` and `vgg_training`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Self

import msgspec

from shared.errors import ModelUnavailable
from shared.model import Device, Failure, Part, Progress, Report

if TYPE_CHECKING:
    from plugins.rollcall.align import Aligner
    from plugins.rollcall.detect import Detector
    from plugins.rollcall.vgg_backbone import Backbone
    from plugins.rollcall.vgg_head import Head
    from shared.pictures import Pixels

LONGEST: Final = 2000


class VggRequest(msgspec.Struct, frozen=True):
    """A picture, as it was uploaded."""

    data: bytes


class VggFace(msgspec.Struct, frozen=True):
    """A face: its box in pixels, the trained person that it is most like, and the probability of that one."""

    left: float
    top: float
    right: float
    bottom: float
    person: str
    probability: float


class VggResult(msgspec.Struct, frozen=True):
    """The faces from left to right, in pixels of a picture of `width` × `height`."""

    faces: list[VggFace]
    width: int
    height: int


class FaceVggModel:
    """Tells trained people apart; see the module."""

    name: ClassVar[str] = "face-vgg"
    request: ClassVar[type[msgspec.Struct]] = VggRequest
    result: ClassVar[type[msgspec.Struct]] = VggResult
    max_batch: ClassVar[int] = 4
    warm: ClassVar[bool] = False
    default: ClassVar[Path | None] = None
    data_columns: ClassVar[Mapping[str, str]] = {
        "file": "name of a photo in the folder of people.csv",
        "person": "whose face it is",
    }

    def __init__(self, detector: "Detector", aligner: "Aligner", backbone: "Backbone", head: "Head") -> None:
        self.detector = detector
        self.aligner = aligner
        self.backbone = backbone
        self.head = head

    @classmethod
    def load(cls, folder: Path | None, device: Device) -> Self:
        """Read the trained layer, and the network that it was trained on."""
        if folder is None:
            raise ModelUnavailable("The model {model} has no weights that can be read.", model=cls.name)
        from shared.device import prepare_torch

        prepare_torch()
        from plugins.rollcall.align import Aligner
        from plugins.rollcall.detect import Detector
        from plugins.rollcall.faces_settings import from_environment
        from plugins.rollcall.vgg_head import Head, read_backbone

        detector = Detector.open(from_environment().yunet, device.threads)
        return cls(detector, Aligner(), read_backbone(folder), Head.read(folder))

    def predict(self, batch: Sequence[VggRequest]) -> Sequence[VggResult | Failure]:
        """Look at each picture; the faces of all go through the network together."""
        from shared.pictures import decode_all

        decoded = decode_all([request.data for request in batch], LONGEST)
        found = [[] if isinstance(each, Failure) else self.detector.find(each).boxes for each in decoded]
        chips = [
            self.chip(pixels, box[:4])
            for pixels, boxes in zip(decoded, found, strict=True)
            if not isinstance(pixels, Failure)
            for box in boxes
        ]
        said = iter(self.head.say(self.backbone.features(chips)) if chips else ())
        return [
            pixels
            if isinstance(pixels, Failure)
            else VggResult(
                [VggFace(*box[:4], *next(said)) for box in boxes], pixels.shape[1], pixels.shape[0]
            )
            for pixels, boxes in zip(decoded, found, strict=True)
        ]

    def chip(self, pixels: "Pixels", box: Sequence[float]) -> "Pixels":
        """Return the aligned face of a box, as the network takes it."""
        from plugins.rollcall.vgg_backbone import SIDE

        return self.aligner.chip(pixels, self.aligner.points(pixels, box), SIDE)

    @classmethod
    def train(cls, data: Path, folder: Path, progress: Progress) -> Report:
        """Train on a folder of photos with people.csv; see `plugins.rollcall.vgg_training`."""
        from plugins.rollcall.vgg_training import train

        return train(data, folder, progress)

    def evaluate(self, data: Path, part: Part = "all") -> Report:
        """Judge on photos of the people that it was trained on; see `plugins.rollcall.vgg_training`."""
        from plugins.rollcall.vgg_training import evaluate

        return evaluate(self, data)
