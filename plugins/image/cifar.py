"""The models of CIFAR-10's ten classes: a strong small network that ships, and the course's, which is trained first.

The work is in `plugins.image.cifar_reader` and `cifar_training`, which are imported where they are needed.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Self

import msgspec

from plugins.image.model import ImageRequest, ImageResult
from shared.errors import ModelUnavailable
from shared.model import Device, Failure, Part, Progress, Report

if TYPE_CHECKING:
    from plugins.image.cifar_reader import CifarReader

NAMES: Final = (
    ("airplane", "飛機"),
    ("automobile", "汽車"),
    ("bird", "鳥"),
    ("cat", "貓"),
    ("deer", "鹿"),
    ("dog", "狗"),
    ("frog", "青蛙"),
    ("horse", "馬"),
    ("ship", "船"),
    ("truck", "卡車"),
)
COLUMNS: Final = {
    "jpeg, index, classes": "of a .npz pack: bytes, rows of (offset, length, class), names of classes"
}


class ImageCifar:
    """Says which of CIFAR-10's ten classes a picture shows, or that it is unsure; it sees 32 x 32 pixels."""

    name: ClassVar[str] = "image-cifar10"
    request: ClassVar[type[msgspec.Struct]] = ImageRequest
    result: ClassVar[type[msgspec.Struct]] = ImageResult
    max_batch: ClassVar[int] = 32
    default: ClassVar[Path | None] = Path(__file__).parent / "weights" / "cifar10"
    warm: ClassVar[bool] = False
    data_columns: ClassVar[Mapping[str, str]] = COLUMNS

    def __init__(self, reader: "CifarReader") -> None:
        self.reader = reader

    @classmethod
    def load(cls, folder: Path | None, device: Device) -> Self:
        """Read the weights, and answer once."""
        if folder is None:
            raise ModelUnavailable("The model {model} has no weights that can be read.", model=cls.name)
        import numpy as np

        from plugins.image.cifar_reader import CifarReader

        reader = CifarReader.read(folder, device)
        reader.probabilities(np.zeros((1, 32, 32, 3), np.uint8))
        return cls(reader)

    def predict(self, batch: Sequence[ImageRequest]) -> Sequence[ImageResult | Failure]:
        """Classify each picture, decoded once and averaged down to 32 x 32; all go through the network together."""
        import numpy as np
        from PIL import Image

        from plugins.image.cifar_data import fitted
        from plugins.image.own_answers import Judgement, answers

        def judge(pictures: list["np.typing.NDArray[np.uint8]"]) -> list[Judgement]:
            squares = np.stack([np.asarray(fitted(Image.fromarray(picture))) for picture in pictures])
            probabilities, known = self.reader.judge(squares)
            return [Judgement(row, bool(each)) for row, each in zip(probabilities, known, strict=True)]

        return answers(batch, NAMES, judge)

    @classmethod
    def train(cls, data: Path, folder: Path, progress: Progress) -> Report:
        """Train on the training part of `data`; see `plugins.image.cifar_training`."""
        from plugins.image.cifar_training import train

        return train(data, folder, progress)

    def evaluate(self, data: Path, part: Part = "all") -> Report:
        """Judge these weights on `data`; see `plugins.image.cifar_training`."""
        from plugins.image.cifar_training import evaluate

        return evaluate(self.reader, data, part)


class ImageCifarCourse(ImageCifar):
    """Says the same by the course's network, a LeNet in colour."""

    name: ClassVar[str] = "image-cifar10-course"
    default: ClassVar[Path | None] = None

    @classmethod
    def train(cls, data: Path, folder: Path, progress: Progress) -> Report:
        """Train on the training part of `data`; see `plugins.image.cifar_training`."""
        from plugins.image.cifar_training import train_course

        return train_course(data, folder, progress)
