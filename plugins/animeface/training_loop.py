"""The training loop of the generator that ships: first it learns to redraw pictures, then to deceive as well.

Redrawing from latents of principal components takes minutes to faces that are blurred but whole (generative latent
optimisation); a projected GAN then sharpens them. It trains in pieces, each going on from a checkpoint. Imported by the
trainer only.
"""

from copy import deepcopy
from dataclasses import asdict, dataclass, field
from typing import Final, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from plugins.animeface.generator import Pictures
from plugins.animeface.networks import SIDE, Discriminators, Generator, Mixer, Shape
from plugins.animeface.networks_lite import CHANNELS, LiteFeatures
from plugins.animeface.training_checkpoints import Pieces, stamp
from plugins.animeface.training_latents import Components
from shared.resumable import follow

SHIFT: Final = 4
"""Pixels that pictures are shifted by at most, before they are judged."""

Module = TypeVar("Module", bound=nn.Module)


@dataclass(frozen=True)
class Recipe:
    """How to train: `redrawing` steps before the discriminators come in, over `ramp` steps; `steps` in all at most.

    Half of each batch are then redrawn pictures, half come from chance. `side` is what pictures are scaled to for the
    frozen network.
    """

    shape: Shape = field(default_factory=Shape)
    steps: int = 60_000
    redrawing: int = 300
    ramp: int = 200
    batch: int = 16
    side: int = 80
    mixed: tuple[int, ...] = (32, 48, 64, 96)
    width: int = 64
    redrawing_rate: float = 1e-3
    rate: float = 4e-4
    deceiving: float = 0.25
    """What deceiving weighs against redrawing."""
    averaging: float = 0.995
    seed: int = 0


class Training(Pieces):
    """A training in the middle: networks, their average, what steps them, and the loss curves."""

    def __init__(self, recipe: Recipe, pictures: Pictures) -> None:
        super().__init__(recipe.steps, stamp(asdict(recipe), pictures))
        self.recipe = recipe
        # Mirror images are pictures too, with latents of their own.
        both = np.concatenate([pictures, pictures[:, :, ::-1]])
        components = Components.of(both, recipe.shape.latent)
        self._pictures = torch.from_numpy(both)
        self._latents = torch.from_numpy(components.latents(both))
        with torch.random.fork_rng():
            torch.manual_seed(recipe.seed)
            self.network = _last(Generator(recipe.shape))
            self.discriminators = _last(Discriminators(recipe.mixed, recipe.width))
        mean, basis = components.sketch()
        self.network.begin(torch.from_numpy(mean), torch.from_numpy(basis))
        self.average = deepcopy(self.network).requires_grad_(False)
        self._features = LiteFeatures()
        self._mixer = _last(Mixer(CHANNELS, recipe.mixed, recipe.seed))
        self._scales = self._measured()
        self._optimizers = [
            torch.optim.Adam(part.parameters(), recipe.rate, betas=(0.0, 0.99))
            for part in (self.network, self.discriminators)
        ]

    def advance(self) -> None:
        """Take one step. Seeded by its number, so that one after a break is the one that would have been."""
        recipe = self.recipe
        random = torch.Generator().manual_seed(recipe.seed * 1_000_003 + self.step)
        deceives = self.step >= recipe.redrawing
        chosen = torch.randint(len(self._pictures), (recipe.batch,), generator=random)
        real = _last_tensor(self._pictures[chosen].permute(0, 3, 1, 2).float() / 127.5 - 1)
        latents = self._latents[chosen]
        redrawn = recipe.batch // 2 if deceives else recipe.batch
        noise = torch.randn(latents.shape, generator=random)
        # Around a real latent the network is to draw the same picture.
        latents = torch.cat([latents[:redrawn], noise[redrawn:]]) if deceives else latents + 0.1 * noise
        drawn = self.network(latents)
        change = _Change.drawn(recipe.batch, random)
        seen = self._features.maps(change.apply(drawn), recipe.side)
        with torch.no_grad():
            true = self._features.maps(change.apply(real), recipe.side)
        away = self._away(seen, true, redrawn)
        shift = (drawn[:redrawn] - real[:redrawn]).abs().mean()
        self.curves.note(redrawing=away, pixels=shift)
        loss = away + 2 * shift
        if deceives:
            ramp = min(1.0, (self.step - recipe.redrawing) / max(recipe.ramp, 1))
            loss = (1 - 0.8 * ramp) * loss + recipe.deceiving * ramp * self._deceive(seen, true)
        self._optimizers[0].param_groups[0]["lr"] = self._rate(deceives)
        self._optimizers[0].zero_grad(set_to_none=True)
        loss.backward()
        self._optimizers[0].step()
        self.step += 1
        follow(self.average, self.network, min(recipe.averaging, (1 + self.step) / (20 + self.step)))

    def parts(self) -> dict[str, nn.Module]:
        """Return the networks, and the average that ships."""
        return {"network": self.network, "average": self.average, "discriminators": self.discriminators}

    def optimizers(self) -> list[torch.optim.Adam]:
        """Return what steps the network, and the discriminators."""
        return self._optimizers

    def words(self) -> str:
        """Say how well pictures are redrawn."""
        return f"step {self.step}, redrawing {self.curves.rows[-1]['redrawing']:.3f}"

    def _deceive(self, seen: list[Tensor], true: list[Tensor]) -> Tensor:
        """Step the discriminators by the hinge loss; return how little the drawn pictures deceive them."""
        mixed = self._mixer([x / scale for x, scale in zip(seen, self._scales, strict=True)])
        real = self._mixer([x / scale for x, scale in zip(true, self._scales, strict=True)])
        # Real and drawn together, since each pass moves the spectral norm's estimate.
        said = self.discriminators([torch.cat([a, b.detach()]) for a, b in zip(real, mixed, strict=True)])
        n = len(real[0])
        loss = torch.stack(
            [functional.relu(1 - x[:n]).mean() + functional.relu(1 + x[n:]).mean() for x in said]
        ).sum()
        self._optimizers[1].zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizers[1].step()
        self.discriminators.requires_grad_(False)
        deceived = -torch.stack([x.mean() for x in self.discriminators(mixed)]).sum()
        self.discriminators.requires_grad_(True)
        self.curves.note(discriminators=loss, generator=deceived)
        return deceived

    def _away(self, seen: list[Tensor], true: list[Tensor], rows: int) -> Tensor:
        """Return how far the first rows' features are from those of the pictures that they redraw."""
        return torch.stack(
            [
                ((a[:rows] - b[:rows]) / scale).abs().mean()
                for a, b, scale in zip(seen, true, self._scales, strict=True)
            ]
        ).mean()

    @torch.no_grad()
    def _measured(self) -> list[Tensor]:
        """Return the spread of each channel of the frozen maps."""
        every = max(1, len(self._pictures) // 64)
        some = self._pictures[::every].permute(0, 3, 1, 2).float() / 127.5 - 1
        maps = self._features.maps(_last_tensor(some), self.recipe.side)
        return [x.std((0, 2, 3), keepdim=True) + 1e-3 for x in maps]

    def _rate(self, deceives: bool) -> float:
        if deceives:
            return self.recipe.rate
        return self.recipe.redrawing_rate * min(1.0, (self.step + 1) / 50)


@dataclass(frozen=True)
class _Change:
    """One change a row, the same for a real picture and the drawn one beside it: shifted, more or less colourful.

    Differentiable, so that the generator is trained through it (Zhao et al. 2020).
    """

    right: list[int]
    down: list[int]
    saturation: Tensor
    contrast: Tensor
    brightness: Tensor

    @classmethod
    def drawn(cls, rows: int, random: torch.Generator) -> "_Change":
        def about(middle: float, width: float) -> Tensor:
            return middle + width * (torch.rand(rows, 1, 1, 1, generator=random) - 0.5)

        right, down = torch.randint(0, 2 * SHIFT + 1, (2, rows), generator=random).tolist()
        return cls(right, down, about(1, 0.6), about(1, 0.3), about(0, 0.3))

    def apply(self, x: Tensor) -> Tensor:
        padded = functional.pad(x, (SHIFT, SHIFT, SHIFT, SHIFT), mode="replicate")
        x = _last_tensor(
            torch.stack(
                [
                    row[:, down : down + SIDE, right : right + SIDE]
                    for row, down, right in zip(padded, self.down, self.right, strict=True)
                ]
            )
        )
        mean, grey = x.mean((1, 2, 3), keepdim=True), x.mean(1, keepdim=True)
        x = (x - grey) * self.saturation + grey
        return (x - mean) * self.contrast + mean + self.brightness


def _last(module: Module) -> Module:
    return module.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _last_tensor(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last)
