"""Trains the course's DCGAN in pieces, each going on from a checkpoint. Imported by the trainer only."""

from dataclasses import asdict, dataclass
from pathlib import Path

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
from plugins.animeface.training import train_in_pieces
from plugins.animeface.training_checkpoints import Pieces, stamp
from shared.model import Progress, Report


@dataclass(frozen=True)
class DcganRecipe:
    """The course's: Adam at 2e-4 with a momentum of 0.5, the generator stepped once every `generator_every`."""

    width: int = WIDTH
    steps: int = 200_000
    batch: int = 64
    rate: float = 2e-4
    generator_every: int = 1
    seed: int = 0


class DcganTraining(Pieces):
    """A training in the middle."""

    def __init__(self, recipe: DcganRecipe, pictures: Pictures) -> None:
        super().__init__(recipe.steps, stamp(asdict(recipe), pictures))
        self.recipe = recipe
        self._pictures = torch.from_numpy(pictures)
        with torch.random.fork_rng():
            torch.manual_seed(recipe.seed)
            self.generator = DcganGenerator(recipe.width)
            self.discriminator = DcganDiscriminator(recipe.width)
        self._optimizers = [
            torch.optim.Adam(part.parameters(), recipe.rate, betas=(0.5, 0.999))
            for part in (self.generator, self.discriminator)
        ]

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

    def parts(self) -> dict[str, nn.Module]:
        """Return the two networks."""
        return {"generator": self.generator, "discriminator": self.discriminator}

    def optimizers(self) -> list[torch.optim.Adam]:
        """Return what steps each."""
        return self._optimizers

    def _stepped(self, which: int, loss: Tensor) -> None:
        self._optimizers[which].zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizers[which].step()


def train_dcgan(data: Path, folder: Path, progress: Progress, recipe: DcganRecipe | None = None) -> Report:
    """Train as `plugins.animeface.training.train_in_pieces` does."""
    return train_in_pieces(
        data,
        folder,
        progress,
        "animeface-dcgan",
        lambda pictures: DcganTraining(recipe or DcganRecipe(), pictures),
        lambda training: (training.generator, DcganPainter(training.generator).write),
        DcganPainter.read,
    )


def _says(logits: Tensor, truth: float) -> Tensor:
    return functional.binary_cross_entropy_with_logits(logits, torch.full_like(logits, truth))
