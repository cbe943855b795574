"""A stand-in for a model on a GPU: its time grows with the batch, and it does one batch at a time."""

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Final, Self

import msgspec

from shared.model import Device, Failure

FIXED_SECONDS: Final = 0.6e-3
ITEM_SECONDS: Final = 5.2e-3 / 32
"""Together 5.8 ms a batch of 32, and 0.76 ms a batch of one."""


class Words(msgspec.Struct, frozen=True):
    """A text."""

    text: str


class Score(msgspec.Struct, frozen=True):
    """A number for it."""

    score: float


class Standin:
    """Sleeps as long as a batch would take, under a lock: threads do not make one device into several."""

    name: ClassVar[str] = "standin"
    request: ClassVar[type[msgspec.Struct]] = Words
    result: ClassVar[type[msgspec.Struct]] = Score
    max_batch: ClassVar[int] = 32
    default: ClassVar[Path | None] = None

    def __init__(self) -> None:
        self._device = threading.Lock()

    @classmethod
    def load(cls, folder: Path | None, device: Device) -> Self:
        """Be ready."""
        return cls()

    def predict(self, batch: Sequence[Words]) -> Sequence[Score | Failure]:
        """Take the batch's time."""
        with self._device:
            time.sleep(FIXED_SECONDS + ITEM_SECONDS * len(batch))
        return [Score(len(request.text) / 1000) for request in batch]
