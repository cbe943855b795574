"""The training loop: bent images, Muon beside AdamW, averaged weights, and a checkpoint after every epoch.

A training that was broken off goes on from its last checkpoint and ends as it would have without the break. Imported
by the trainer only: it needs torch.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from plugins.digits.augmentation import Bending, bend, spoil
from plugins.digits.data import NONE, Digits
from plugins.digits.muon import Muon
from plugins.digits.networks import DIGITS, NETWORKS, Strong
from shared.model import Progress
from shared.resumable import follow, read_checkpoint, write_checkpoint

WARM: Final = 0.1
"""Share of the steps in which the rates rise."""
LEAST: Final = 0.005
SMOOTHING: Final = 0.1


@dataclass(frozen=True)
class Recipe:
    """How to train a network: `rate` is that of Muon for convolutions, `head_rate` that of AdamW for the rest.

    Each batch holds `batch` digits of the data set and `beside` images of those beside it; `weight` is what the
    question whether there is a digit weighs against which one it is. `averaging` is the decay of the average of the
    weights, a step.
    """

    network: str
    epochs: int
    seed: int = 1
    batch: int = 250
    beside: int = 60
    rate: float = 0.15
    head_rate: float = 2e-3
    decay: float = 0.01
    weight: float = 0.3
    averaging: float = 0.995
    bending: Bending = field(default_factory=Bending)


@dataclass
class _Training:
    """A training in the middle: the network, the average of its weights, and what steps them."""

    network: nn.Module
    average: nn.Module
    optimizers: list[torch.optim.Optimizer]
    rates: list[float]
    epoch: int = 0


def fit(
    recipe: Recipe,
    rows: Digits,
    beside: Digits,
    progress: Progress,
    checkpoint: Path | None = None,
    start: nn.Module | None = None,
    watch: Callable[[float, nn.Module], None] = lambda loss, network: None,
) -> nn.Module:
    """Train on `rows`, and on `beside` them images with and without a digit (label -1); return the averaged network.

    `checkpoint` is a file that is written after each epoch, and read first where it is of the same recipe and data.
    `start` is a network of the same kind to go on from. `watch` is told the mean loss of each epoch, and gets the
    average of the weights as it then is.
    """
    with torch.random.fork_rng():
        torch.manual_seed(recipe.seed)
        training = _begin(recipe, start)
        stamp = _stamp(recipe, rows, beside)
        if checkpoint is not None:
            _resume(training, checkpoint, stamp)
        while training.epoch < recipe.epochs:
            loss = _epoch(training, recipe, rows, beside, progress)
            training.epoch += 1
            watch(loss, training.average.eval())
            if checkpoint is not None:
                _write(training, checkpoint, stamp)
    return training.average.eval()


def _begin(recipe: Recipe, start: nn.Module | None) -> _Training:
    network = NETWORKS[recipe.network]().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if start is not None:
        network.load_state_dict(start.state_dict())
    filters = [p for p in network.parameters() if p.ndim == 4]
    rest = [p for p in network.parameters() if p.ndim != 4]
    optimizers: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(rest, recipe.head_rate, weight_decay=recipe.decay)
    ]
    # Muon sets the norm of each filter bank, which a norm after it must make good for: the course's have none.
    if any(isinstance(module, nn.BatchNorm2d) for module in network.modules()):
        optimizers.append(Muon(filters, recipe.rate))
    elif filters:
        optimizers.append(torch.optim.AdamW(filters, recipe.head_rate, weight_decay=recipe.decay))
    rates = [float(optimizer.param_groups[0]["lr"]) for optimizer in optimizers]
    return _Training(network, deepcopy(network).requires_grad_(False), optimizers, rates)


def _epoch(training: _Training, recipe: Recipe, rows: Digits, beside: Digits, progress: Progress) -> float:
    """Step through the digits once; return the mean loss of which digit it is, on bent images."""
    # Seeded by the epoch, so that one after a break is the one that would have been.
    random = torch.Generator().manual_seed(recipe.seed * 1000 + training.epoch)
    torch.manual_seed(recipe.seed * 1000 + training.epoch)
    per_epoch = max(1, len(rows) // recipe.batch)
    steps = per_epoch * recipe.epochs
    training.network.train()
    summed = 0.0
    for at, (images, labels) in enumerate(_batches(recipe, rows, beside, random)):
        step = training.epoch * per_epoch + at
        share = min(1.0, (step + 1) / (WARM * steps)) * max(LEAST, 1 - step / steps)
        for optimizer, rate in zip(training.optimizers, training.rates, strict=True):
            optimizer.param_groups[0]["lr"] = rate * share
            optimizer.zero_grad(set_to_none=True)
        network = training.network
        outputs = network.each(images) if isinstance(network, Strong) else [network(images)]
        loss = torch.stack([_loss(each, labels, recipe.weight) for each in outputs]).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        summed += plain_loss([each.detach() for each in outputs], labels)
        for optimizer in training.optimizers:
            optimizer.step()
        follow(training.average, training.network, min(recipe.averaging, (1 + step) / (10 + step)))
        progress((step + 1) / steps, f"epoch {training.epoch + 1} of {recipe.epochs}, loss {loss.item():.3f}")
    return summed / per_epoch


def _batches(
    recipe: Recipe, rows: Digits, beside: Digits, random: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    images, labels = torch.from_numpy(rows.images), torch.from_numpy(rows.labels)
    more, more_labels = torch.from_numpy(beside.images), torch.from_numpy(beside.labels)
    order = torch.randperm(len(rows), generator=random)
    for at in range(max(1, len(rows) // recipe.batch)):
        chosen = order[at * recipe.batch : (at + 1) * recipe.batch]
        x, y = images[chosen], labels[chosen]
        if len(beside) and recipe.beside:
            extra = torch.randint(len(beside), (recipe.beside,), generator=random)
            x, y = torch.cat([x, more[extra]]), torch.cat([y, more_labels[extra]])
        bent = bend(x.unsqueeze(1).float() / 255, recipe.bending, random)
        spoiled = spoil(bent, recipe.bending.spoiled, random)
        yield spoiled.contiguous(memory_format=torch.channels_last), y


def _loss(outputs: Tensor, labels: Tensor, weight: float) -> Tensor:
    digit = labels != NONE
    which = functional.cross_entropy(outputs[digit, :DIGITS], labels[digit], label_smoothing=SMOOTHING)
    whether = functional.binary_cross_entropy_with_logits(outputs[:, DIGITS], digit.float())
    return which + weight * whether


def plain_loss(outputs: Sequence[Tensor], labels: Tensor) -> float:
    """Return the mean log loss of which digit it is, over those images that hold one and all heads."""
    digit = labels != NONE
    losses = [functional.cross_entropy(each[digit, :DIGITS], labels[digit]) for each in outputs]
    return float(torch.stack(losses).mean())


def _stamp(recipe: Recipe, rows: Digits, beside: Digits) -> str:
    digest = hashlib.sha256(json.dumps(asdict(recipe), sort_keys=True).encode())
    arrays: tuple[NDArray[np.generic], ...] = (rows.images, rows.labels, beside.images, beside.labels)
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _write(training: _Training, path: Path, stamp: str) -> None:
    said = {"stamp": stamp, "epoch": str(training.epoch)}
    write_checkpoint(path, said, _parts(training), training.optimizers)


def _resume(training: _Training, path: Path, stamp: str) -> None:
    """Go on from a checkpoint, where there is one of the same training."""
    said = read_checkpoint(path, stamp, _parts(training), training.optimizers)
    if said is not None:
        training.epoch = int(said["epoch"])


def _parts(training: _Training) -> dict[str, nn.Module]:
    return {"network": training.network, "average": training.average}
