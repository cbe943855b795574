"""The model of a person's own classes: a linear head on the features of a network that stays as it is.

It ships no weights: `hearth data folder FOLDER` makes some from a folder with one folder of pictures for each class.
The work is in `plugins.image.own_head`, `own_features` and `own_training`, which are imported where they are needed.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import msgspec

from plugins.image.model import ImageRequest, ImageResult
from shared.errors import ModelUnavailable
from shared.model import Device, Failure, Part, Progress, Report

if TYPE_CHECKING:
    import numpy as np

    from plugins.image.own_features import Features
    from plugins.image.own_head import Head


class ImageOwn:
    """Says which of a person's own classes a picture shows, or that it is unlike all that it was trained on."""

    name: ClassVar[str] = "image-own"
    request: ClassVar[type[msgspec.Struct]] = ImageRequest
    result: ClassVar[type[msgspec.Struct]] = ImageResult
    max_batch: ClassVar[int] = 32
    default: ClassVar[Path | None] = None
    warm: ClassVar[bool] = False
    data_columns: ClassVar[Mapping[str, str]] = {
        "folder": "one folder a class, named as the class, with at least five different pictures in it"
    }

    def __init__(self, head: "Head", features: "Features") -> None:
        self.head, self.features = head, features

    @classmethod
    def load(cls, folder: Path | None, device: Device) -> Self:
        """Read the head and the packaged network, and answer once."""
        if folder is None:
            raise ModelUnavailable(
                "The model {model} has not been trained yet: hearth data folder FOLDER does it.",
                model=cls.name,
            )
        import numpy as np

        from plugins.image.own_features import Features
        from plugins.image.own_head import Head

        head, features = Head.read(folder), Features.load(device)
        features(np.zeros((1, 224, 224, 3), np.uint8))
        return cls(head, features)

    def predict(self, batch: Sequence[ImageRequest]) -> Sequence[ImageResult | Failure]:
        """Classify each picture, decoded once; all go through the network together."""
        import numpy as np

        from plugins.image.own_answers import Judgement, answers
        from plugins.image.own_data import square

        def judge(pictures: list["np.typing.NDArray[np.uint8]"]) -> list[Judgement]:
            rows = self.features(np.stack([square(picture) for picture in pictures]))
            probabilities, similar = self.head.probabilities(rows), self.head.similarity(rows)
            known = (similar >= self.head.alike) & (probabilities.max(1) >= self.head.least)
            return [Judgement(row, bool(yes)) for row, yes in zip(probabilities, known, strict=True)]

        return answers(batch, [(name, name) for name in self.head.names], judge)

    @classmethod
    def train(cls, data: Path, folder: Path, progress: Progress) -> Report:
        """Train on the training part of a folder; see `plugins.image.own_training`."""
        from plugins.image.own_training import train

        return train(data, folder, progress)

    def evaluate(self, data: Path, part: Part = "all") -> Report:
        """Judge these weights on a folder; see `plugins.image.own_training`."""
        from plugins.image.own_training import evaluate

        return evaluate(self.head, self.features, data, part)
