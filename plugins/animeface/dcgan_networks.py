"""The course's DCGAN for 96 pixels (Radford et al. 2016), and what draws with it. Needs torch.

Latents of 100 values; transposed convolutions 4-2-1 with batch norm from 4 to 32 pixels, and one 5-3-1 to 96.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from plugins.animeface.generator import CHUNK, Latents, Pictures, latent, to_bytes, write_halved
from shared.errors import ModelUnavailable
from shared.model import Device

LATENT: Final = 100
SIDE: Final = 96
WEIGHTS: Final = "weights.safetensors"
WIDTH: Final = 64
MOST_WIDTH: Final = 256


class DcganGenerator(nn.Sequential):
    """Draws pictures n x 3 x 96 x 96 in -1…1 from latents n x 100 x 1 x 1."""

    def __init__(self, width: int = WIDTH) -> None:
        self.width = width
        layers: list[nn.Module] = [*_grown(LATENT, 8 * width, 4, 1, 0)]
        for before, after in ((8, 4), (4, 2), (2, 1)):
            layers += _grown(before * width, after * width, 4, 2, 1)
        super().__init__(*layers, nn.ConvTranspose2d(width, 3, 5, 3, 1, bias=False), nn.Tanh())
        self.apply(_begin)


class DcganDiscriminator(nn.Sequential):
    """Says by a logit n x 1 x 1 x 1 whether pictures n x 3 x 96 x 96 are real."""

    def __init__(self, width: int = WIDTH) -> None:
        layers: list[nn.Module] = [nn.Conv2d(3, width, 5, 3, 1, bias=False), nn.LeakyReLU(0.2)]
        for before, after in ((1, 2), (2, 4), (4, 8)):
            conv = nn.Conv2d(before * width, after * width, 4, 2, 1, bias=False)
            layers += [conv, nn.BatchNorm2d(after * width), nn.LeakyReLU(0.2)]
        super().__init__(*layers, nn.Conv2d(8 * width, 1, 4, 1, 0, bias=False))
        self.apply(_begin)


class DcganPainter:
    """A trained DCGAN, ready to draw."""

    def __init__(self, network: DcganGenerator, device: str = "cpu") -> None:
        self.network = network.eval().requires_grad_(False).to(device)
        self.device = device

    @classmethod
    def read(cls, folder: Path, device: Device) -> Self:
        """Read the weights of a folder. Raises `ModelUnavailable` where they are missing or are something else."""
        try:
            state = load_file(folder / WEIGHTS)
            # The narrowest norm is the last, as wide as the network.
            width = state["10.weight"].shape[0]
            if not 0 < width <= MOST_WIDTH:
                raise ValueError("the network would be too large")
            network = DcganGenerator(width)
            network.load_state_dict({name: value.float() for name, value in state.items()})
        except (OSError, KeyError, ValueError, RuntimeError, SafetensorError) as error:
            raise ModelUnavailable(
                "The model {model} has no weights that can be read.", model="animeface-dcgan"
            ) from error
        return cls(network, device.name)

    def write(self, folder: Path) -> None:
        """Write the weights to a folder, in half precision."""
        write_halved(self.network, folder / WEIGHTS)

    def latent(self, seed: int) -> Latents:
        """Return the latent of a seed of 0 or more."""
        return latent(seed, LATENT)

    @torch.inference_mode()
    def draw(self, latents: Sequence[Latents]) -> Pictures:
        """Draw a face (96 x 96 x 3, RGB) a latent, whatever stands beside it in the batch."""
        drawn = [np.empty((0, SIDE, SIDE, 3), np.uint8)]
        for first in range(0, len(latents), CHUNK):
            chunk = latents[first : first + CHUNK]
            padded = torch.zeros(CHUNK, LATENT, 1, 1)
            padded[: len(chunk), :, 0, 0] = torch.from_numpy(np.stack(chunk)).float()
            drawn.append(to_bytes(self.network(padded.to(self.device)))[: len(chunk)])
        return np.concatenate(drawn)


def _grown(before: int, after: int, kernel: int, stride: int, padding: int) -> list[nn.Module]:
    conv = nn.ConvTranspose2d(before, after, kernel, stride, padding, bias=False)
    return [conv, nn.BatchNorm2d(after), nn.ReLU(inplace=True)]


def _begin(module: nn.Module) -> None:
    """Set the weights as the paper does."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        assert isinstance(module.weight, Tensor)
        nn.init.normal_(module.weight, 1.0, 0.02)
