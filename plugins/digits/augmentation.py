"""Bends, moves and spoils training images, as hands, cameras and screens do.

All in batches, on images of n x 1 x 28 x 28 in 0…1, ink bright on dark. Imported by the trainer only: it needs torch.
"""

from dataclasses import dataclass
from math import pi
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

SIDE: Final = 28


@dataclass(frozen=True)
class Bending:
    """How much images are bent: standard deviations of the turn (degrees), of scale, shear and move (pixels).

    `elastic` in pixels is the size of a smooth random field of displacements (Simard, Steinkraus & Platt 2003), and
    `spoiled` the share of images that are blurred, thinned, thickened, dimmed, made noisy or struck through.
    """

    turn: float = 7.0
    scale: float = 0.07
    shear: float = 0.1
    move: float = 0.7
    elastic: float = 0.5
    spoiled: float = 0.15


def bend(images: Tensor, bending: Bending, random: torch.Generator) -> Tensor:
    """Turn, scale, shear, move and bend each image by its own random amounts."""
    rows = len(images)

    def normal(deviation: float, *shape: int) -> Tensor:
        # Beyond two deviations a 6 becomes a 9 and a digit leaves its picture.
        return torch.randn(rows, *shape, generator=random).clamp(-2, 2) * deviation

    turn = normal(bending.turn * pi / 180)
    wide, high = torch.exp(normal(bending.scale)), torch.exp(normal(bending.scale))
    cosine, sine, shear = turn.cos(), turn.sin(), normal(bending.shear)
    move = normal(bending.move, 2) * 2 / SIDE
    matrices = torch.stack(
        [
            torch.stack([cosine / wide, (shear * cosine - sine) / wide, move[:, 0]], 1),
            torch.stack([sine / high, (shear * sine + cosine) / high, move[:, 1]], 1),
        ],
        1,
    )
    grid = functional.affine_grid(matrices, [rows, 1, SIDE, SIDE], align_corners=False)
    if bending.elastic:
        coarse = torch.randn(rows, 2, 6, 6, generator=random) * (bending.elastic * 2 / SIDE)
        field = functional.interpolate(coarse, (SIDE, SIDE), mode="bicubic", align_corners=True)
        grid = grid + field.permute(0, 2, 3, 1)
    return functional.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def spoil(images: Tensor, share: float, random: torch.Generator) -> Tensor:
    """Spoil a `share` of the images, each in one of seven ways and to its own degree."""
    rows = len(images)
    kinds = torch.randint(0, 7, (rows,), generator=random)
    kinds[torch.rand(rows, generator=random) >= share] = -1
    degree = torch.rand(rows, 1, 1, 1, generator=random)
    out = images.clone()
    for kind in range(7):
        if (rows_of_kind := torch.nonzero(kinds == kind).flatten()).numel():
            out[rows_of_kind] = _spoiled(images[rows_of_kind], kind, degree[rows_of_kind], random)
    return out.clamp_(0, 1)


def _spoiled(x: Tensor, kind: int, degree: Tensor, random: torch.Generator) -> Tensor:
    match kind:
        case 0:  # a noisy sensor
            return x + torch.randn(x.shape, generator=random) * (0.05 + 0.3 * degree)
        case 1:  # out of focus
            blurred = functional.avg_pool2d(functional.avg_pool2d(x, 3, 1, 1), 3, 1, 1)
            return x + (blurred - x) * (0.3 + 0.9 * degree)
        case 2:  # a thick pen
            return x + (functional.max_pool2d(x, 3, 1, 1) - x) * (0.2 + 0.8 * degree)
        case 3:  # a thin pen; never so thin that nothing is left
            thin = -functional.max_pool2d(-x, 3, 1, 1)
            return x + (thin - x) * (0.2 + 0.5 * degree)
        case 4:  # cut at a threshold
            return ((x - 0.25 - 0.3 * degree) * 8 + 0.5).clamp(0, 1)
        case 5:  # faint ink on a ground that is not quite dark
            ground = torch.linspace(-1, 1, SIDE).reshape(1, 1, 1, SIDE) * 0.1 * degree
            return x * (1 - 0.5 * degree) + 0.15 * degree + ground
        case _:  # specks, as dust and a rough threshold leave
            specks = torch.rand(x.shape, generator=random) < 0.05 * degree
            return torch.where(specks, 1 - x, x)
