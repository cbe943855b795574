"""Kernel inception distance (Binkowski et al. 2018) between drawn and real pictures, on two kinds of features.

The first are pooled features of the packaged EfficientNet-Lite0, not of Inception, so values compare with each other
only, not with those of papers. They are partial to a generator that was trained against maps of that network; the
second, of random convolutions, which no training saw, are not. Imported by the trainer only.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from plugins.animeface.generator import Pictures
from plugins.animeface.networks_lite import LiteFeatures
from shared.model import Interval

RESAMPLES: Final = 200
SEED: Final = 20
AT_ONCE: Final = 32
SIDE: Final = 96
"""Pixels to which pictures are scaled before their features are taken."""
RANDOM_WIDTHS: Final = (32, 64, 128)
Floats = NDArray[np.float64]
Extract = Callable[[Pictures], Floats]
"""Turns pictures n x side x side x 3 into features n x d."""


def kernel(x: Floats, y: Floats) -> Floats:
    """Return the cubic polynomial kernel of the paper between all rows of `x` and `y`."""
    found: Floats = (x @ y.T / x.shape[1] + 1) ** 3
    return found


def distance(drawn: Floats, real: Floats) -> Interval:
    """Return the unbiased squared maximum mean discrepancy; it may fall below zero where both are alike.

    The interval is that of estimates on random halves of both sides, drawn without replacement: they vary about the
    estimate on all rows as that does about the truth (Politis & Romano 1994). Needs four rows a side.
    """
    xx, yy, xy = kernel(drawn, drawn), kernel(real, real), kernel(drawn, real)
    value = _unbiased(xx, yy, xy)
    random = np.random.default_rng(SEED)
    a, b = _halves(len(drawn), random), _halves(len(real), random)
    estimates = _within(a, xx) + _within(b, yy) - 2 * _means(a, xy, b)
    low, high = np.quantile(estimates, (0.025, 0.975))
    return Interval(value, float(min(low, value)), float(max(high, value)))


def row_losses(drawn: Floats, real: Floats) -> list[float]:
    """Return for each real row what it adds to the distance: their mean is it, less the term of `real` alone.

    So two generators are compared on the same real rows.
    """
    among = kernel(drawn, drawn)
    n = len(drawn)
    own = (among.sum() - np.trace(among)) / (n * (n - 1))
    return [float(value) for value in own - 2 * kernel(real, drawn).mean(1)]


def nearest(rows: Floats, others: Floats) -> Floats:
    """Return for each row the cosine distance to the nearest of `others`."""
    unit = others / np.linalg.norm(others, axis=1, keepdims=True)
    found: Floats = 1 - (rows / np.linalg.norm(rows, axis=1, keepdims=True) @ unit.T).max(1)
    return found


def pooled_features(network: LiteFeatures) -> Extract:
    """Return what extracts pooled features of the packaged network."""
    return lambda pictures: _extracted(pictures, lambda x: network.pooled(x, SIDE))


def random_features() -> Extract:
    """Return what extracts features of random convolutions: the means and spreads of their maps, by quarter."""
    network = _random_network()

    def quarters(x: torch.Tensor) -> torch.Tensor:
        x = nn.functional.interpolate(x, size=SIDE, mode="bilinear", align_corners=False)
        maps = network(x)
        mean = nn.functional.adaptive_avg_pool2d(maps, 2)
        square = nn.functional.adaptive_avg_pool2d(maps**2, 2)
        spread = (square - mean**2).clamp(min=0).sqrt()
        return torch.cat([mean.flatten(1), spread.flatten(1)], 1)

    return lambda pictures: _extracted(pictures, quarters)


def _random_network() -> nn.Sequential:
    random = torch.Generator().manual_seed(SEED)
    layers: list[nn.Module] = []
    before = 3
    for width in RANDOM_WIDTHS:
        conv = nn.Conv2d(before, width, 5, stride=2, padding=2, bias=False)
        nn.init.normal_(conv.weight, 0, (2 / (before * 25)) ** 0.5, generator=random)
        # Filters without a mean answer to edges, not to brightness.
        with torch.no_grad():
            conv.weight -= conv.weight.mean((1, 2, 3), keepdim=True)
        layers += [conv, nn.ReLU()]
        before = width
    return nn.Sequential(*layers).eval().requires_grad_(False)


@torch.inference_mode()
def _extracted(pictures: Pictures, features: Callable[[torch.Tensor], torch.Tensor]) -> Floats:
    found = []
    for first in range(0, len(pictures), AT_ONCE):
        chunk = torch.from_numpy(np.ascontiguousarray(pictures[first : first + AT_ONCE]))
        x = (chunk.permute(0, 3, 1, 2).float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)
        found.append(features(x).double().numpy())
    return np.concatenate(found)


def _halves(rows: int, random: np.random.Generator) -> Floats:
    """Return a row of weights (1 or 0) for each resample: one half of the rows."""
    lots = random.random((RESAMPLES, rows))
    return (np.argsort(np.argsort(lots, 1), 1) < rows // 2).astype(float)


def _within(weights: Floats, gram: Floats) -> Floats:
    """Return the mean of the kernel between two different rows, for each row of weights."""
    count = weights.sum(1)
    pairs = ((weights @ gram) * weights).sum(1) - weights @ np.diag(gram)
    found: Floats = pairs / (count * (count - 1))
    return found


def _means(one: Floats, gram: Floats, other: Floats) -> Floats:
    found: Floats = ((one @ gram) * other).sum(1) / (one.sum(1) * other.sum(1))
    return found


def _unbiased(xx: Floats, yy: Floats, xy: Floats) -> float:
    drawn, real = np.ones((1, len(xx))), np.ones((1, len(yy)))
    return float((_within(drawn, xx) + _within(real, yy) - 2 * _means(drawn, xy, real))[0])
