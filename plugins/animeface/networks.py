"""The generator that ships, and the discriminators that it is trained against. Needs torch.

The generator is a light one after FastGAN (Liu et al. 2021): gated linear units, and low-resolution maps that weigh the
channels of high-resolution ones. Beside it a linear sketch carries layout and colour from the first step. The
discriminators look at frozen features of another network, mixed at random (Projected GAN; Sauer et al. 2021).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

SIDE: Final = 64
SKETCH: Final = 16
SLOPE: Final = 0.1


@dataclass(frozen=True)
class Shape:
    """Sizes of a generator: of its latents, and its channels at 4, 8, 16, 32 and 64 pixels."""

    latent: int = 128
    widths: tuple[int, int, int, int, int] = (192, 128, 80, 48, 16)


class Generator(nn.Module):
    """Draws pictures n x 3 x 64 x 64 in -1…1 from latents n x d."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        w4, w8, w16, w32, w64 = shape.widths
        self.first = nn.Linear(shape.latent, 2 * w4 * 16, bias=False)
        self.first_norm = nn.BatchNorm2d(2 * w4)
        self.up8, self.up16, self.up32 = _Up(w4, w8), _Up(w8, w16), _Up(w16, w32)
        self.mix32, self.mix64 = _Excitation(w4, w32), _Excitation(w8, w64)
        self.spread = nn.Conv2d(w32, 4 * w64, 3, padding=1)
        self.fine = nn.Conv2d(w64, w64, 3, padding=1)
        self.colour = nn.Conv2d(w64, 3, 3, padding=1)
        self.sketch = nn.Linear(shape.latent, 3 * SKETCH * SKETCH)

    def forward(self, z: Tensor) -> Tensor:
        """Draw one picture a latent; in evaluation mode none depends on the others of its batch."""
        grown = self.first(z).view(len(z), -1, 4, 4).contiguous(memory_format=torch.channels_last)
        x4 = functional.glu(self.first_norm(grown), 1)
        x8 = self.up8(x4)
        x32 = self.mix32(self.up32(self.up16(x8)), x4)
        x = functional.pixel_shuffle(functional.leaky_relu(self.spread(x32), SLOPE), 2)
        x = x + functional.leaky_relu(self.fine(x), SLOPE)
        sketch = self.sketch(z).view(-1, 3, SKETCH, SKETCH)
        base = functional.interpolate(sketch, size=SIDE, mode="bilinear", align_corners=False)
        return torch.tanh(self.colour(self.mix64(x, x8)) + base)

    @torch.no_grad()
    def begin(self, mean: Tensor, basis: Tensor) -> None:
        """Set the sketch to a linear model of pictures: mean 3 x 16 x 16 and a picture a latent, d x 3 x 16 x 16.

        So the first pictures are those of the principal components, and training adds what they lack.
        """
        self.sketch.weight.copy_(basis.flatten(1).T)
        self.sketch.bias.copy_(mean.flatten())
        self.colour.weight.mul_(0.3)
        self.colour.bias.zero_()  # type: ignore[union-attr]


class _Up(nn.Module):
    """Doubles the resolution."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        # 4 x 4 with stride 2: the work of a 2 x 2 convolution a pixel, 2.25 times less than upsampling and 3 x 3.
        self.conv = nn.ConvTranspose2d(before, 2 * after, 4, 2, 1, bias=False)
        self.norm = nn.BatchNorm2d(2 * after)

    def forward(self, x: Tensor) -> Tensor:
        return functional.glu(self.norm(self.conv(x)), 1)


class _Excitation(nn.Module):
    """Weighs channels by a map of lower resolution (skip-layer excitation)."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.gather = nn.Conv2d(before, after, 4)
        self.weigh = nn.Conv2d(after, after, 1)

    def forward(self, x: Tensor, by: Tensor) -> Tensor:
        gathered = self.gather(functional.adaptive_avg_pool2d(by, 4))
        return x * torch.sigmoid(self.weigh(functional.leaky_relu(gathered, SLOPE)))


class Mixer(nn.Module):
    """Mixes frozen maps of four scales by random, frozen convolutions: across channels, then from coarse to fine."""

    def __init__(self, channels: Sequence[int], mixed: Sequence[int], seed: int) -> None:
        super().__init__()
        self.across = nn.ModuleList(
            nn.Conv2d(*pair, 1, bias=False) for pair in zip(channels, mixed, strict=True)
        )
        self.down = nn.ModuleList(
            nn.Conv2d(coarse, fine, 3, padding=1, bias=False) for fine, coarse in pairwise(mixed)
        )
        random = torch.Generator().manual_seed(seed)
        for conv in (*self.across, *self.down):
            weight = conv.weight
            assert isinstance(weight, Tensor)
            nn.init.normal_(weight, 0, weight[0].numel() ** -0.5, generator=random)
        self.requires_grad_(False)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Mix maps, the finest first."""
        own = [conv(x) for conv, x in zip(self.across, maps, strict=True)]
        mixed = [own[-1]]
        for at in reversed(range(len(own) - 1)):
            coarse = functional.interpolate(
                mixed[0], size=own[at].shape[-2:], mode="bilinear", align_corners=False
            )
            mixed.insert(0, own[at] + 0.5 * self.down[at](coarse))
        return mixed


class Discriminators(nn.Module):
    """One small discriminator a scale, with spectral norm (Miyato et al. 2018)."""

    def __init__(self, mixed: Sequence[int], width: int) -> None:
        super().__init__()
        self.heads = nn.ModuleList(
            _head(channels, width, halvings)
            for channels, halvings in zip(mixed, reversed(range(len(mixed))), strict=True)
        )

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Return logits n x places, a scale each."""
        return [head(x).flatten(1) for head, x in zip(self.heads, maps, strict=True)]


def _head(channels: int, width: int, halvings: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for _ in range(halvings):
        layers += [spectral_norm(nn.Conv2d(channels, width, 4, 2, 1)), nn.LeakyReLU(0.2)]
        channels = width
    layers += [spectral_norm(nn.Conv2d(channels, width, 3, padding=1)), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, spectral_norm(nn.Conv2d(width, 1, 3)))
