"""The models for digits: the one that ships and finds digits in a picture, and the course's two networks.

The work is in `plugins.digits.reader`, `finder` and `training`, which are imported where they are needed.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Self

import msgspec

from shared.errors import ModelUnavailable
from shared.model import Device, Failure, Part, Progress, Report

if TYPE_CHECKING:
    from plugins.digits.finder import Digit, Found
    from plugins.digits.reader import Reader
    from shared.pictures import Pixels

UNSURE: Final = 0.8
"""A digit that is less probable than this is marked as unsure."""
LONGEST: Final = 2000
"""Pixels of the longest side that a picture is decoded to."""
DRAWN: Final = 1280
SHOWN: Final = 3
"""Readings of an unsure digit that are told."""


class DigitsRequest(msgspec.Struct, frozen=True):
    """A picture to find digits in, as it was uploaded."""

    data: bytes


class ReadDigit(msgspec.Struct, frozen=True):
    """A digit: its value and probability, its other readings where it is unsure, and its box in pixels."""

    value: int
    probability: float
    others: list[tuple[int, float]]
    box: tuple[float, float, float, float]

    @property
    def unsure(self) -> bool:
        """Tell whether the digit may well be another."""
        return self.probability < UNSURE


class DigitsResult(msgspec.Struct, frozen=True):
    """The lines, each of numbers, each of digits, in reading order; none where the picture holds no digit.

    `score` is how sure it is that there are digits at all. `many`: the picture holds more than was looked at.
    `picture` is a PNG with the boxes; empty where there is none.
    """

    lines: list[list[list[ReadDigit]]]
    score: float
    many: bool
    picture: bytes


class DigitsModel:
    """Finds and reads digits; see the module."""

    name: ClassVar[str] = "digits"
    network: ClassVar[str] = "strong"
    request: ClassVar[type[msgspec.Struct]] = DigitsRequest
    result: ClassVar[type[msgspec.Struct]] = DigitsResult
    max_batch: ClassVar[int] = 8
    warm: ClassVar[bool] = True
    default: ClassVar[Path | None] = Path(__file__).parent / "weights"
    data_columns: ClassVar[Mapping[str, str]] = {
        "images": "n × 28 × 28 bytes in a .npz, or a folder with MNIST's idx files",
        "labels": "0 to 9, or -1 where there is no digit",
    }

    def __init__(self, reader: "Reader") -> None:
        self.reader = reader

    @classmethod
    def load(cls, folder: Path | None, device: Device) -> Self:
        """Read the weights, and read an image once."""
        if folder is None:
            raise ModelUnavailable("The model {model} has no weights that can be read.", model=cls.name)
        from shared.device import prepare_torch

        prepare_torch()
        import cv2
        import numpy as np

        from plugins.digits.reader import Reader

        cv2.setNumThreads(device.threads)
        reader = Reader.open(folder, cls.name, device)
        reader.read(np.zeros((32, 28, 28), np.float32))
        return cls(reader)

    def predict(self, batch: Sequence[DigitsRequest]) -> Sequence[DigitsResult | Failure]:
        """Find and read the digits of each picture; the crops of all go through the network together."""
        from plugins.digits.finder import find
        from shared.pictures import decode_all

        decoded = decode_all([request.data for request in batch], LONGEST)
        found = iter(find([each for each in decoded if not isinstance(each, Failure)], self.reader))
        return [each if isinstance(each, Failure) else self._result(each, next(found)) for each in decoded]

    @classmethod
    def train(cls, data: Path, folder: Path, progress: Progress) -> Report:
        """Train on the training part of `data`; see `plugins.digits.training`."""
        from plugins.digits.training import train

        return train(cls, data, folder, progress)

    def evaluate(self, data: Path, part: Part = "all") -> Report:
        """Judge these weights on `data`; see `plugins.digits.training`."""
        from plugins.digits.training import evaluate

        return evaluate(self.reader, data, part)

    def _result(self, pixels: "Pixels", found: "Found") -> DigitsResult:
        from plugins.digits.lines import groups, in_lines

        lines = [
            [[_read(digit) for digit in group] for group in groups(line)] for line in in_lines(found.digits)
        ]
        picture = _drawn(pixels, found.digits) if lines else b""
        return DigitsResult(lines, found.score, found.many, picture)


class DenseModel(DigitsModel):
    """The course's dense network, 784-256-128-10."""

    name: ClassVar[str] = "digits-dense"
    network: ClassVar[str] = "dense"
    warm: ClassVar[bool] = False
    default: ClassVar[Path | None] = None


class CnnModel(DigitsModel):
    """The course's small convolutional network."""

    name: ClassVar[str] = "digits-cnn"
    network: ClassVar[str] = "cnn"
    warm: ClassVar[bool] = False
    default: ClassVar[Path | None] = None


def _read(digit: "Digit") -> ReadDigit:
    shares = sorted(enumerate(digit.which), key=lambda pair: -pair[1])[:SHOWN]
    others = [(value, share * digit.whether) for value, share in shares[1:]]
    box = (digit.left, digit.top, digit.right, digit.bottom)
    return ReadDigit(digit.value, digit.probability, others, box)


def _drawn(pixels: "Pixels", digits: "Sequence[Digit]") -> bytes:
    from shared.boxes import Box, boxed
    from shared.pictures import encode

    boxes = [
        Box(
            digit.left,
            digit.top,
            digit.right,
            digit.bottom,
            str(digit.value),
            "unsure" if digit.probability < UNSURE else "good",
        )
        for digit in digits
    ]
    return encode(boxed(pixels, boxes, DRAWN))
