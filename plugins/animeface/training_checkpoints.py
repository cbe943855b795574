"""Trainings of several networks that go on in pieces, with their loss curves. Imported by the trainer only."""

import hashlib
import json
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from plugins.animeface.generator import Pictures
from shared.model import Progress
from shared.resumable import read_checkpoint, write_checkpoint

SAVED_EVERY: Final = 120.0
"""Seconds between checkpoints."""
NOTED_EVERY: Final = 25
"""Steps that a row of the loss curves stands for."""


@dataclass
class Curves:
    """Means of the losses, a row every so many steps."""

    rows: list[dict[str, float]] = field(default_factory=list)
    _since: dict[str, list[float]] = field(default_factory=dict)

    def note(self, **values: Tensor) -> None:
        """Take in the losses of a step."""
        for name, value in values.items():
            self._since.setdefault(name, []).append(float(value.detach()))

    def close_row(self, step: int) -> None:
        """Add a row of the means since the last."""
        means = {name: round(sum(values) / len(values), 4) for name, values in self._since.items()}
        self.rows.append({"step": step, **means})
        self._since = {}


def stamp(recipe: Mapping[str, object], pictures: Pictures) -> str:
    """Return a digest of what a training is of: only its own checkpoint is gone on from."""
    digest = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode())
    digest.update(np.ascontiguousarray(pictures).tobytes())
    return digest.hexdigest()


class Pieces(ABC):
    """A training in the middle, of `last` steps in all; a kind of it sets up its networks and takes the steps."""

    def __init__(self, last: int, stamp: str) -> None:
        self.step = 0
        self.curves = Curves()
        self._last, self._stamp = last, stamp

    @abstractmethod
    def advance(self) -> None:
        """Take one step. Seeded by its number, so that one after a break is the one that would have been."""

    @abstractmethod
    def parts(self) -> dict[str, nn.Module]:
        """Return all networks, by name."""

    @abstractmethod
    def optimizers(self) -> list[torch.optim.Adam]:
        """Return what steps them."""

    def words(self) -> str:
        """Say how far it is, from the last row of the curves."""
        return f"step {self.step}"

    def run(self, seconds: float, progress: Progress, checkpoint: Path | None = None) -> None:
        """Train for so many seconds, or to the last step; write `checkpoint` now and then, and at the end."""
        started = saved = time.monotonic()
        while self.step < self._last and (now := time.monotonic()) < started + seconds:
            self.advance()
            if self.step % NOTED_EVERY == 0:
                self.curves.close_row(self.step)
                share = max((now - started) / seconds, self.step / self._last)
                progress(min(1.0, share), self.words())
            if checkpoint is not None and now > saved + SAVED_EVERY:
                self.write(checkpoint)
                saved = now
        if checkpoint is not None:
            self.write(checkpoint)

    def write(self, path: Path) -> None:
        """Write a checkpoint, whole or not at all."""
        said = {"stamp": self._stamp, "step": str(self.step), "curves": json.dumps(self.curves.rows)}
        write_checkpoint(path, said, self.parts(), self.optimizers())

    def resume(self, path: Path) -> bool:
        """Go on from a checkpoint, where there is one of the same recipe and pictures."""
        said = read_checkpoint(path, self._stamp, self.parts(), self.optimizers())
        if said is None:
            return False
        self.step, self.curves.rows = int(said["step"]), json.loads(said["curves"])
        return True
