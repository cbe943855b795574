"""Trains the course's DCGAN in pieces, each going on from a checkpoint. Imported by the trainer only."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from plugins.animeface.dcgan_networks import (
    LATENT,
    SIDE,
    WIDTH,
    DcganDiscriminator,
    DcganGenerator,
    DcganPainter,
)
from plugins.animeface.generator import Pictures
from plugins.animeface.settings import from_environment
from plugins.animeface.training import judge
from plugins.animeface.training_checkpoints import Curves, read_checkpoint, stamp, write_checkpoint
from plugins.animeface.training_data import Faces
from shared.device import choose_device
from shared.model import Progress, Report

SAVED_EVERY: Final = 120.0
NOTED_EVERY: Final = 25


@dataclass(frozen=True)
class DcganRecipe:
    """The course's: Adam at 2e-4 with a momentum of 0.5, the generator stepped once every `generator_every`."""

    width: int = WIDTH
    steps: int = 200_000
    batch: int = 64
    rate: float = 2e-4
    generator_every: int = 1
    seed: int = 0


class DcganTraining:
    """A training in the middle."""

    def __init__(self, recipe: DcganRecipe, pictures: Pictures) -> None:
        self.recipe = recipe
        self.step = 0
        self.curves = Curves()
        self._pictures = torch.from_numpy(pictures)
        self._stamp = stamp(asdict(recipe), pictures)
        with torch.random.fork_rng():
            torch.manual_seed(recipe.seed)
            self.generator = DcganGenerator(recipe.width)
            self.discriminator = DcganDiscriminator(recipe.width)
        self._optimizers = [
            torch.optim.Adam(part.parameters(), recipe.rate, betas=(0.5, 0.999))
            for part in (self.generator, self.discriminator)
        ]

    def run(self, seconds: float, progress: Progress, checkpoint: Path | None = None) -> None:
        """Train for so many seconds, or to the recipe's last step; write `checkpoint` now and then, and at the end."""
        started = saved = time.monotonic()
        while self.step < self.recipe.steps and (now := time.monotonic()) < started + seconds:
            self.advance()
            if self.step % NOTED_EVERY == 0:
                self.curves.close_row(self.step)
                progress(min(1.0, (now - started) / seconds), f"step {self.step}")
            if checkpoint is not None and now > saved + SAVED_EVERY:
                self.write(checkpoint)
                saved = now
        if checkpoint is not None:
            self.write(checkpoint)

    def advance(self) -> None:
        """Step the discriminator, and in its turn the generator."""
        recipe = self.recipe
        random = torch.Generator().manual_seed(recipe.seed * 1_000_003 + self.step)
        chosen = torch.randint(len(self._pictures), (recipe.batch,), generator=random)
        real = self._pictures[chosen].permute(0, 3, 1, 2).float() / 127.5 - 1
        real = functional.interpolate(real, size=SIDE, mode="bilinear", align_corners=False)
        drawn = self.generator(torch.randn(recipe.batch, LATENT, 1, 1, generator=random))
        loss = _says(self.discriminator(real), 1.0) + _says(self.discriminator(drawn.detach()), 0.0)
        self._stepped(1, loss)
        self.curves.note(discriminator=loss)
        if self.step % recipe.generator_every == 0:
            loss = _says(self.discriminator(drawn), 1.0)
            self._stepped(0, loss)
            self.curves.note(generator=loss)
        self.step += 1

    def write(self, path: Path) -> None:
        """Write a checkpoint, whole or not at all."""
        write_checkpoint(path, self._stamp, self.step, self.curves, self._parts(), self._optimizers)

    def resume(self, path: Path) -> bool:
        """Go on from a checkpoint, where there is one of the same recipe and pictures."""
        step = read_checkpoint(path, self._stamp, self.curves, self._parts(), self._optimizers)
        self.step = self.step if step is None else step
        return step is not None

    def _parts(self) -> dict[str, nn.Module]:
        return {"generator": self.generator, "discriminator": self.discriminator}

    def _stepped(self, which: int, loss: Tensor) -> None:
        self._optimizers[which].zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizers[which].step()


def train_dcgan(data: Path, folder: Path, progress: Progress, recipe: DcganRecipe | None = None) -> Report:
    """Train for so many minutes as the setting says, write weights to `folder`, report on the held-out part."""
    settings = from_environment()
    faces = Faces.read(data, lambda done, note="": progress(0.05 * done, note))
    training = DcganTraining(recipe or DcganRecipe(), faces.training)
    checkpoint = (
        None if settings.checkpoints is None else settings.checkpoints / "animeface-dcgan.safetensors"
    )
    resumed = checkpoint is not None and training.resume(checkpoint)
    progress(0.05, "training")
    training.run(60 * settings.minutes, lambda done, note="": progress(0.05 + 0.85 * done, note), checkpoint)
    DcganPainter(training.generator).write(folder)
    progress(0.9, "judging")
    details: Mapping[str, Any] = {
        "rows": {"training": len(faces.training), "held out": len(faces.held)},
        "parameters": sum(value.numel() for value in training.generator.parameters()),
        "steps": training.step,
        "resumed": resumed,
        "losses": training.curves.rows,
    }
    report = judge(DcganPainter.read(folder, choose_device()), faces.held, faces.training, details)
    progress(1.0, "done")
    return report


def _says(logits: Tensor, truth: float) -> Tensor:
    return functional.binary_cross_entropy_with_logits(logits, torch.full_like(logits, truth))
