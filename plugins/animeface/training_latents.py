"""Latents of real pictures by principal components: where training begins, and the rival that it must beat.

Generative latent optimisation also begins there (Bojanowski et al. 2018). Imported by the trainer only.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from plugins.animeface.generator import Pictures
from plugins.animeface.networks import SIDE, SKETCH

COMPONENTS_SIDE: Final = 32
"""Pixels at which components are found: 3,072 values a picture."""
LONGEST: Final = 1.42
"""Latents longer than this many times the root of their size are cut to it: pictures like no other."""
RIVAL_ROWS: Final = 2_000
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Components:
    """Principal components of pictures at 32 pixels in -1…1: the mean, and a picture a latent (d x 32 x 32 x 3)."""

    mean: Floats
    basis: Floats
    spreads: Floats

    @classmethod
    def of(cls, pictures: Pictures, count: int) -> "Components":
        """Find `count` components. Fewer pictures have fewer; the rest are zero."""
        rows = _small(pictures)
        mean = rows.mean(0)
        centred = rows - mean
        values, vectors = _principal(centred, count)
        spreads = np.sqrt(np.clip(values, 1e-6, None))
        basis = np.zeros((count, rows.shape[1]))
        basis[: len(spreads)] = vectors * spreads[:, None]
        side = COMPONENTS_SIDE
        return cls(
            mean.reshape(side, side, 3).astype(np.float32),
            basis.reshape(-1, side, side, 3).astype(np.float32),
            np.concatenate([spreads, np.ones(count - len(spreads))]).astype(np.float32),
        )

    def latents(self, pictures: Pictures) -> Floats:
        """Return the latents of pictures: of unit variance over those that the components were found on."""
        rows = _small(pictures) - self.mean.ravel()
        flat = self.basis.reshape(len(self.basis), -1)
        found = rows @ (flat / self.spreads[:, None] ** 2).T
        longest = LONGEST * np.sqrt(found.shape[1])
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        cut: Floats = (found * np.minimum(1, longest / np.maximum(lengths, 1e-6))).astype(np.float32)
        return cut

    def sketch(self) -> tuple[Floats, Floats]:
        """Return mean and basis at 16 pixels, channels first, as a generator's sketch begins."""
        return _shrunk(self.mean[None])[0], _shrunk(self.basis)


def gaussian_faces(pictures: Pictures, count: int, components: int, seed: int) -> Pictures:
    """Draw from a normal distribution over the principal components of the pixels of (2,000 at most) pictures."""
    random = np.random.default_rng(seed)
    chosen = random.permutation(len(pictures))[:RIVAL_ROWS]
    rows = pictures[chosen].reshape(len(chosen), -1).astype(np.float32)
    mean = rows.mean(0)
    centred = rows - mean
    # Fewer pictures than pixels: the components are combinations of the pictures.
    _, vectors = np.linalg.eigh(centred @ centred.T)
    kept = min(components, len(rows) - 1)
    mixing = vectors[:, ::-1][:, :kept] / np.sqrt(len(rows))
    drawn = mean + (random.standard_normal((count, kept)) @ mixing.T).astype(np.float32) @ centred
    found: Pictures = np.clip(np.rint(drawn), 0, 255).astype(np.uint8).reshape(count, *pictures.shape[1:])
    return found


def _principal(centred: Floats, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the largest `count` variances of rows, and a unit vector each; of the smaller of two square matrices."""
    n, size = centred.shape
    rows = centred.astype(np.float64)
    if n >= size:
        values, vectors = np.linalg.eigh(rows.T @ rows / n)
        return values[::-1][:count], vectors[:, ::-1][:, :count].T
    values, mixing = np.linalg.eigh(rows @ rows.T / n)
    kept = min(count, n - 1)
    values, mixing = values[::-1][:kept], mixing[:, ::-1][:, :kept]
    vectors = mixing.T @ rows
    return values, vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def _small(pictures: Pictures) -> Floats:
    by = SIDE // COMPONENTS_SIDE
    tiles = pictures.reshape(len(pictures), COMPONENTS_SIDE, by, COMPONENTS_SIDE, by, 3)
    found: Floats = tiles.mean((2, 4), dtype=np.float32).reshape(len(pictures), -1) / np.float32(127.5) - 1
    return found


def _shrunk(pictures: Floats) -> Floats:
    by = COMPONENTS_SIDE // SKETCH
    tiles = pictures.reshape(len(pictures), SKETCH, by, SKETCH, by, 3)
    found: Floats = tiles.mean((2, 4)).transpose(0, 3, 1, 2)
    return found
