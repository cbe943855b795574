"""The models for pictures as chat asks them: what goes in, what comes out, and the one of ImageNet's 1,000 classes.

The work is in `plugins.image.classifier`, `chart` and `heatmap`, which are imported where they are needed.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Self

import msgspec

from shared.errors import BadInput
from shared.model import Device, Failure, Part, Progress, Report

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from plugins.image.classifier import Classifier
    from shared.pictures import Pixels

SHOWN: Final = 5
LONGEST: Final = 1024
"""Pixels of the longest side that a picture is decoded to."""


class Words(msgspec.Struct, frozen=True):
    """What is written on a chart, in the asker's language; `chinese`: labels have their Chinese name first."""

    caption: str
    chinese: bool = False


class ImageRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A picture, as it was uploaded.

    With `words` the result holds a chart; with `decided`, the place of a class, a map of what speaks for that class
    in its place.
    """

    data: bytes
    words: Words | None = None
    decided: int | None = None


class Guess(msgspec.Struct, frozen=True):
    """A class: its place in the model's output, its name in both languages, and its probability."""

    place: int
    english: str
    chinese: str
    probability: float

    def name(self, chinese: bool) -> str:
        """Return its name in the language that is read."""
        return self.chinese if chinese else self.english

    def other(self, chinese: bool) -> str:
        """Return its name in the other language."""
        return self.english if chinese else self.chinese


class ImageResult(msgspec.Struct, frozen=True, kw_only=True):
    """The five most probable classes, the likeliest first; fewer where the model has fewer.

    `known`: whether they are probable enough to be named. `picture` is a JPEG of the chart or the map, empty where
    none was asked for. `small` is the picture itself as a small JPEG, of 45 kB at most, kept for the
    buttons below an answer; `mapped`: whether the network has maps that such a button can show. `network` is the one
    that settings name in place of the model's weights, else empty.
    """

    guesses: list[Guess]
    known: bool
    picture: bytes = b""
    small: bytes = b""
    mapped: bool = False
    network: str = ""


class ImageModel:
    """Names what is in a picture, of ImageNet's 1,000 classes or of those of a model that settings name."""

    name: ClassVar[str] = "image"
    request: ClassVar[type[msgspec.Struct]] = ImageRequest
    result: ClassVar[type[msgspec.Struct]] = ImageResult
    max_batch: ClassVar[int] = 32
    default: ClassVar[Path | None] = Path(__file__).parent / "weights" / "imagenet"
    data_columns: ClassVar[Mapping[str, str]] = {
        "jpeg, index, classes": "of a .npz pack: bytes, rows of (offset, length, class), names of classes",
        "folder": "or one folder a class, named as the class or by its WordNet id, with pictures in it",
    }

    def __init__(self, classifier: "Classifier") -> None:
        self.classifier = classifier

    @classmethod
    def load(cls, folder: Path | None, device: Device) -> Self:
        """Read the weights, or those that settings name, and classify once."""
        from plugins.image.choose import chosen

        return cls(chosen(folder, device))

    def predict(self, batch: Sequence[ImageRequest]) -> Sequence[ImageResult | Failure]:
        """Classify each picture, decoded once; all go through the network together."""
        from shared.pictures import decode_all

        decoded = decode_all([request.data for request in batch], LONGEST)
        pixels = [each for each in decoded if not isinstance(each, Failure)]
        found = zip(*self.classifier.read(pixels), strict=True) if pixels else iter(())
        return [
            each if isinstance(each, Failure) else self._result(request, each, *next(found))
            for request, each in zip(batch, decoded, strict=True)
        ]

    @classmethod
    def train(cls, data: Path, folder: Path, progress: Progress) -> Report:
        """Refuse: 1,000 classes are not trained here. Raises `BadInput`, which says what to do instead."""
        raise BadInput(
            "The model {model} is not trained here: train image-own on folders of your own, "
            "or name other weights in HEARTH_IMAGE_WEIGHTS.",
            model=cls.name,
        )

    def evaluate(self, data: Path, part: Part = "all") -> Report:
        """Judge on labelled pictures; see `plugins.image.judging`. All rows are held out: nothing is trained here."""
        from plugins.image.judging import judge

        return judge(self.classifier, data)

    def _result(
        self, request: ImageRequest, pixels: "Pixels", probabilities: "NDArray[np.float64]", sure: "np.bool_"
    ) -> ImageResult | Failure:
        from plugins.image.chart import beside, small

        classes = len(probabilities)
        order = probabilities.argsort()[::-1][:SHOWN].tolist()
        guesses = [self.classifier.labels.guess(place, float(probabilities[place])) for place in order]
        known = bool(sure)
        if request.decided is None:
            return ImageResult(
                guesses=guesses,
                known=known,
                picture=beside(pixels, guesses, known, request.words) if request.words else b"",
                small=small(pixels) if request.words else b"",
                mapped=self.classifier.mapped,
                network=self.classifier.name,
            )
        if not self.classifier.mapped:
            return Failure(
                "The network that answers has no map of the picture in its last layers, so this cannot be shown.",
                refusal=True,
            )
        if not 0 <= request.decided < classes:
            return Failure("The model that answers now does not know this class any more.", refusal=True)
        # Asked for by hand, one at a time: needs a gradient, which the others of the batch do not.
        from plugins.image.heatmap import heated

        wanted = self.classifier.labels.guess(request.decided, float(probabilities[request.decided]))
        heat = self.classifier.heat(pixels, request.decided)
        return ImageResult(
            guesses=[wanted, *(guess for guess in guesses if guess.place != request.decided)],
            known=known,
            picture=heated(pixels, heat, self.classifier.window(pixels)),
            mapped=True,
            network=self.classifier.name,
        )
