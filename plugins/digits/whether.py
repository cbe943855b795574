"""Fits the part of the network that says whether there is a digit at all, on what the finished towers see.

It learns from pieces as the finder cuts them out, too. The towers stay as they are, so which digit is read does not
change. Imported by the trainer only: it needs torch.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from plugins.digits.centring import Floats, unit
from plugins.digits.data import NONE, Digits
from plugins.digits.ink import Pixels
from plugins.digits.mining import with_digits, without_digits
from plugins.digits.networks import Strong
from plugins.digits.reader import CHUNK, Reader

EPOCHS: Final = 10
BATCH: Final = 256
RATE: Final = 1e-3
DECAY: Final = 0.05
MOST: Final = 20_000
"""Images of the data set that are learned from: they are easy."""
MINED: Final = {"letters": 4000, "shapes": 2000, "printed": 3000, "shown": 1600}
"""Pictures that are made of each kind, fewer where the data set is small."""


def fit_whether(
    network: Strong,
    reader: Reader,
    digits: Digits,
    beside: Digits,
    fonts: Sequence[Path],
    pictures: Sequence[Pixels],
    seed: int,
) -> None:
    """Fit `network.whether` in place on what the towers learned from, and on pieces of pictures that are made here."""
    random = np.random.default_rng(seed)
    share = min(1.0, len(digits) / MOST)
    counts = {kind: max(10, round(count * share)) for kind, count in MINED.items()}
    chosen = random.permutation(len(digits))[:MOST]
    digit = [
        unit(digits.images[chosen]),
        unit(beside.images[beside.labels != NONE][:MOST]),
        with_digits(counts["printed"], counts["shown"], fonts, digits, reader, random),
    ]
    none = [
        unit(beside.images[beside.labels == NONE][:MOST]),
        without_digits(counts["letters"], counts["shapes"], fonts, pictures, random),
    ]
    seen = _features(network, np.concatenate([*digit, *none]))
    truth = torch.zeros(len(seen))
    truth[: sum(map(len, digit))] = 1
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        _fit(network.whether, seen, truth)


def _features(network: Strong, images: Floats) -> Tensor:
    network.eval()
    with torch.no_grad():
        chunks = [
            network.features(
                torch.from_numpy(images[at : at + CHUNK])
                .unsqueeze(1)
                .contiguous(memory_format=torch.channels_last)
            )
            for at in range(0, len(images), CHUNK)
        ]
    return torch.cat(chunks)


def _fit(whether: nn.Sequential, seen: Tensor, truth: Tensor) -> None:
    """Fit on standardised features; mean and deviation become part of the first layer's weights at the end."""
    mean, deviation = seen.mean(0), seen.std(0) + 1e-3
    first = next(layer for layer in whether if isinstance(layer, nn.Linear))
    whether.requires_grad_(True)
    optimizer = torch.optim.AdamW(whether.parameters(), RATE, weight_decay=DECAY)
    batches = max(1, len(seen) // BATCH)
    whether.train()
    for epoch in range(EPOCHS):
        order = torch.randperm(len(seen))
        for at in range(batches):
            rows = order[at * BATCH : (at + 1) * BATCH]
            optimizer.param_groups[0]["lr"] = RATE * (1 - (epoch * batches + at) / (EPOCHS * batches))
            optimizer.zero_grad(set_to_none=True)
            said = whether((seen[rows] - mean) / deviation).squeeze(1)
            functional.binary_cross_entropy_with_logits(said, truth[rows]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    whether.eval()
    with torch.no_grad():
        first.weight.div_(deviation)
        first.bias.sub_(first.weight @ mean)
