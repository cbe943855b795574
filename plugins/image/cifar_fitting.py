"""The training loop for 32-pixel pictures, with checkpoints. Imported by the trainer only: it needs torch.

A training that was broken off goes on from its checkpoint and ends as it would have without the break: all chance
follows from the seed, the epoch and the step.
"""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from plugins.image.cifar_data import Thumbnails
from plugins.image.cifar_networks import StrongNetwork
from plugins.image.cifar_optimizer import Optimizer
from plugins.image.cifar_recipe import WHITENING_EPOCHS, Recipe
from shared.model import Progress
from shared.resumable import below, read_tensors, write_tensors

SAVED_EVERY: Final = 120.0
"""Seconds between checkpoints."""
WHITENED_ON: Final = 5000
"""Pictures that the whitening layer is set from, about."""
Pixels = NDArray[np.uint8]
Integers = NDArray[np.int64]


def fit(
    rows: Thumbnails,
    recipe: Recipe,
    progress: Progress,
    *,
    device: str = "cpu",
    checkpoint: Path | None = None,
    said: Callable[[str], None] = lambda line: None,
    watch: Callable[[float, nn.Module], None] = lambda loss, network: None,
    saved_every: float = SAVED_EVERY,
) -> nn.Module:
    """Train a network on `rows`.

    `checkpoint` is a file that is written every two minutes, and read first where it is of the same data and recipe.
    `watch` is told the mean loss of each epoch, and gets the network as it then is.
    """
    network, optimizer = start(rows, recipe, device)
    stamp = stamp_of(rows, recipe)
    step = 0 if checkpoint is None else resume(checkpoint, network, optimizer, stamp)
    per_epoch = max(1, len(rows) // recipe.batch)
    total = per_epoch * recipe.epochs
    labels = torch.from_numpy(rows.labels)
    saved = time.monotonic()
    loss = float("nan")
    since: list[float] = []
    order: Integers = np.zeros(0, np.int64)
    while step < total:
        epoch, at = divmod(step, per_epoch)
        if not at or not len(order):
            order = np.random.default_rng([recipe.seed, epoch]).permutation(len(rows))
        chosen = order[at * recipe.batch :][: recipe.batch]
        loss = _step(network, optimizer, rows.pixels, labels, chosen, recipe, step, per_epoch)
        step += 1
        since.append(loss)
        progress(step / total, f"epoch {epoch + 1} of {recipe.epochs}, loss {loss:.3f}")
        if checkpoint is not None and (time.monotonic() - saved > saved_every or step == total):
            save(checkpoint, network, optimizer, stamp, step)
            saved = time.monotonic()
        if step % per_epoch == 0:
            said(f"epoch {step // per_epoch} loss {loss:.4f}")
            watch(sum(since) / len(since), network)
            since = []
    return network.eval()


def start(rows: Thumbnails, recipe: Recipe, device: str) -> tuple[nn.Module, Optimizer]:
    """Return an untrained network, its first layer set from the data, and its optimizer."""
    torch.manual_seed(recipe.seed)
    network = recipe.made()
    if isinstance(network, StrongNetwork):
        # From all over the data, which may lie there class by class.
        evenly = rows.pixels[:: max(1, len(rows) // WHITENED_ON)]
        network.set_whitening(scaled(torch.from_numpy(np.ascontiguousarray(evenly))))
    network = network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network, Optimizer(network.named_parameters(), recipe.rules(network))


def _step(
    network: nn.Module,
    optimizer: Optimizer,
    pixels: Pixels,
    labels: Tensor,
    chosen: Integers,
    recipe: Recipe,
    step: int,
    per_epoch: int,
) -> float:
    """Learn from one batch; return its mean loss."""
    network.train()
    optimizer.zero_grad()
    device = next(network.parameters()).device
    epoch, at = divmod(step, per_epoch)
    random = np.random.default_rng([recipe.seed, epoch, at])
    pictures = augmented(pixels[chosen], chosen, epoch, recipe, random)
    if isinstance(network, StrongNetwork) and network.whiten.bias is not None:
        # Soon the first layer is as it should be, and to compute its gradient is dear.
        network.whiten.bias.requires_grad_(epoch < WHITENING_EPOCHS)
    total = 0.0
    for first in range(0, len(chosen), recipe.micro):
        part = slice(first, first + recipe.micro)
        x = scaled(pictures[part].to(device)).contiguous(memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.bfloat16, enabled=recipe.precision == "bfloat16"):
            logits = network(x)
        wanted = labels[chosen[part]].to(device)
        loss = functional.cross_entropy(
            logits.float(), wanted, label_smoothing=recipe.smoothing, reduction="sum"
        )
        (loss * (recipe.weight() / len(chosen))).backward()  # type: ignore[no-untyped-call]
        total += loss.item()
    optimizer.step(_shares(optimizer, recipe, step, per_epoch))
    return total / len(chosen)


def _shares(optimizer: Optimizer, recipe: Recipe, step: int, per_epoch: int) -> dict[str, float]:
    """Return what share of its rate each parameter has at a step."""
    share = recipe.share(step / per_epoch)
    whitening = max(0.0, 1 - step / (WHITENING_EPOCHS * per_epoch))
    return {name: whitening if name == "whiten.bias" else share for name in optimizer.parameters}


def scaled(pictures: Tensor) -> Tensor:
    """Return n x 3 x 32 x 32 in 0…1 of bytes n x 32 x 32 x 3."""
    return pictures.permute(0, 3, 1, 2).float() / 255


def augmented(
    pixels: Pixels, rows: Integers, epoch: int, recipe: Recipe, random: np.random.Generator
) -> Tensor:
    """Move each picture by up to `translate` pixels, mirror it every other epoch, and cut a square out of it."""
    far = recipe.translate
    padded = np.pad(pixels, ((0, 0), (far, far), (far, far), (0, 0)), "reflect") if far else pixels
    windows = np.lib.stride_tricks.sliding_window_view(padded, pixels.shape[1:3], (1, 2))
    offsets = random.integers(0, 2 * far + 1, (2, len(pixels)))
    moved = windows[np.arange(len(pixels)), offsets[0], offsets[1]].transpose(0, 2, 3, 1)
    # Each picture is seen both ways round equally often (Jordan 2024: alternating flips).
    turned = (mirrored(rows, recipe.seed) ^ bool(epoch % 2))[:, None, None, None]
    moved = np.where(turned, moved[:, :, ::-1], moved)
    if cutout := recipe.cutout(epoch):
        side = moved.shape[1]
        corner = random.integers(-(cutout // 2), side - cutout // 2, (2, len(moved), 1))
        inside = [(np.arange(side) >= c) & (np.arange(side) < c + cutout) for c in corner]
        hole = inside[0][:, :, None] & inside[1][:, None, :]
        moved = np.where(hole[..., None], np.uint8(120), moved)
    return torch.from_numpy(np.ascontiguousarray(moved))


def mirrored(rows: Integers, seed: int) -> NDArray[np.bool_]:
    """Tell which rows are mirrored in even epochs: half of them, by a hash of their place (splitmix64)."""
    x = rows.astype(np.uint64) + np.uint64(seed * 0x9E3779B97F4A7C15 % 2**64)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray((x >> np.uint64(63)).astype(bool))


def stamp_of(rows: Thumbnails, recipe: Recipe) -> str:
    """Return what tells a training from others: its recipe and its data."""
    digest = hashlib.sha256(json.dumps(asdict(recipe)).encode())
    digest.update(rows.pixels.tobytes())
    digest.update(rows.labels.tobytes())
    return digest.hexdigest()


def save(path: Path, network: nn.Module, optimizer: Optimizer, stamp: str, step: int) -> None:
    """Write a checkpoint."""
    tensors = {f"network.{name}": value for name, value in network.state_dict().items()}
    tensors |= {f"buffer.{name}": value for name, value in optimizer.buffers.items()}
    write_tensors(path, tensors, {"stamp": stamp, "step": str(step)})


def resume(path: Path, network: nn.Module, optimizer: Optimizer, stamp: str) -> int:
    """Read a checkpoint into a network and its optimizer; return the steps done, 0 without one of this stamp."""
    if (found := read_tensors(path, stamp)) is None:
        return 0
    tensors, said = found
    try:
        buffers = {name: tensors[f"buffer.{name}"] for name in optimizer.buffers}
        network.load_state_dict(below(tensors, "network."))
        for name, value in optimizer.buffers.items():
            value.copy_(buffers[name])
        return int(said["step"])
    # What is no checkpoint of this training is no reason not to train.
    except (ValueError, KeyError, RuntimeError):
        return 0
