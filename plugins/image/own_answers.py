"""Answers requests for pictures: decodes them once, has all judged together, and makes the charts that are asked for.

For the models of CIFAR-10's ten classes and of people's own. Imported by the worker only: it needs numpy and Pillow.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from plugins.image.chart import beside, small
from plugins.image.model import LONGEST, SHOWN, Guess, ImageRequest, ImageResult
from shared.model import Failure
from shared.pictures import decode_all

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from shared.pictures import Pixels


@dataclass(frozen=True)
class Judgement:
    """The probability of each class, and whether the likeliest is to be named."""

    probabilities: "NDArray[np.float64]"
    known: bool


def answers(
    batch: Sequence[ImageRequest],
    names: Sequence[tuple[str, str]],
    judge: "Callable[[list[Pixels]], list[Judgement]]",
) -> list[ImageResult | Failure]:
    """Answer each request; `names` are the classes' English and Chinese ones, `judge` gets what could be decoded."""
    decoded = decode_all([request.data for request in batch], LONGEST)
    pixels = [each for each in decoded if not isinstance(each, Failure)]
    found = iter(judge(pixels) if pixels else [])
    return [
        each if isinstance(each, Failure) else _answer(request, names, each, next(found))
        for request, each in zip(batch, decoded, strict=True)
    ]


def _answer(
    request: ImageRequest, names: Sequence[tuple[str, str]], pixels: "Pixels", found: Judgement
) -> ImageResult | Failure:
    if request.decided is not None:
        return Failure(
            "The network that answers has no map of the picture in its last layers, so this cannot be shown.",
            refusal=True,
        )
    order = found.probabilities.argsort()[::-1][:SHOWN].tolist()
    guesses = [
        Guess(place, names[place][0], names[place][1], float(found.probabilities[place])) for place in order
    ]
    return ImageResult(
        guesses=guesses,
        known=found.known,
        picture=beside(pixels, guesses, found.known, request.words) if request.words else b"",
        small=small(pixels) if request.words else b"",
    )
