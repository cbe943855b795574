"""The training loop of the networks: batches of like length, a checkpoint after every epoch, and early stopping.

A training that was broken off goes on from its last checkpoint and ends as it would have without the break. Imported
by the trainer only: it needs torch.
"""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from shared.model import Progress

WARM_STEPS: Final = 100
LEAST_RATE: Final = 0.02
CLIPPED: Final = 2.0
JITTER: Final = 60.0
"""Batches hold texts of like length, give or take so many tokens, so that they differ from epoch to epoch."""
Batch = list[int]


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train; `patience`: epochs without a better validation after which it ends."""

    epochs: int
    batch: int
    rate: float
    seed: int
    patience: int | None = None


@dataclass
class _State:
    """Where a training is: epochs done, the best validation loss, and the parameters that had it."""

    epoch: int
    best: float
    best_epoch: int
    kept: dict[str, Tensor]


def fit(
    module: nn.Module,
    sizes: Sequence[int],
    loss: Callable[[Batch], Tensor],
    schedule: Schedule,
    progress: Progress,
    *,
    validate: Callable[[], float] | None = None,
    checkpoint: Path | None = None,
    identity: str = "",
    watch: Callable[[float], None] | None = None,
) -> list[float]:
    """Fit `module` in place on rows of `sizes` tokens; return the validation loss of each epoch of this call.

    `loss` gives the mean loss of a batch of rows, `validate` that of rows apart: the parameters that did best there are
    the ones that stay. `checkpoint` is a file that is written after each epoch, and read first where it is of the same
    `identity` and schedule. `watch` is told the mean training loss of each epoch of this call, with `module` at rest.
    """
    optimizer = torch.optim.AdamW(module.parameters(), lr=schedule.rate, weight_decay=0.0)
    stamp = _stamp(schedule, sizes, identity)
    state = _resume(module, optimizer, checkpoint, stamp) or _State(0, float("inf"), -1, {})
    per_epoch = -(-len(sizes) // schedule.batch)
    losses: list[float] = []
    while state.epoch < schedule.epochs:
        if schedule.patience is not None and state.epoch - state.best_epoch > schedule.patience:
            break
        trained = _epoch(module, optimizer, sizes, loss, schedule, state.epoch, per_epoch, progress)
        state.epoch += 1
        if watch is not None:
            module.eval()
            with torch.no_grad():
                watch(trained)
        if validate is not None:
            module.eval()
            with torch.no_grad():
                losses.append(validate())
            if losses[-1] < state.best:
                state.best, state.best_epoch = losses[-1], state.epoch
                state.kept = {name: value.clone() for name, value in module.state_dict().items()}
        if checkpoint is not None:
            _write(checkpoint, module, optimizer, state, stamp)
    if state.kept:
        module.load_state_dict(state.kept)
    module.eval()
    return losses


def _epoch(
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    sizes: Sequence[int],
    loss: Callable[[Batch], Tensor],
    schedule: Schedule,
    epoch: int,
    per_epoch: int,
    progress: Progress,
) -> float:
    """Step through every row once; return the mean loss of a row, dropout and all."""
    module.train()
    summed = 0.0
    # Seeded by the epoch, so that one after a break is the one that would have been.
    torch.manual_seed(schedule.seed * 1000 + epoch)
    total = per_epoch * schedule.epochs
    warm = min(WARM_STEPS, max(1, total // 10))
    for at, batch in enumerate(batches(sizes, schedule, epoch)):
        step = epoch * per_epoch + at
        rate = schedule.rate * min(1.0, (step + 1) / warm) * max(LEAST_RATE, 1 - step / total)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        value = loss(batch)
        value.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(module.parameters(), CLIPPED)
        optimizer.step()
        summed += float(value.detach()) * len(batch)
        progress((step + 1) / total, f"epoch {epoch + 1} of {schedule.epochs}")
    return summed / max(1, len(sizes))


def batches(sizes: Sequence[int], schedule: Schedule, epoch: int) -> list[Batch]:
    """Return every row once, in batches of like length, in the order of this epoch."""
    random = np.random.default_rng([schedule.seed, epoch])
    order = np.argsort(np.asarray(sizes) + random.random(len(sizes)) * JITTER)
    found = [order[at : at + schedule.batch].tolist() for at in range(0, len(order), schedule.batch)]
    return [found[at] for at in random.permutation(len(found))]


def _stamp(schedule: Schedule, sizes: Sequence[int], identity: str) -> str:
    said = json.dumps([asdict(schedule), list(sizes), identity])
    return hashlib.sha256(said.encode()).hexdigest()


def _write(
    path: Path, module: nn.Module, optimizer: torch.optim.Optimizer, state: _State, stamp: str
) -> None:
    tensors = {f"module.{name}": value for name, value in module.state_dict().items()}
    tensors |= {f"kept.{name}": value for name, value in state.kept.items()}
    for at, values in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{at}.{name}": value for name, value in values.items()}
    said = {"stamp": stamp, "epoch": state.epoch, "best": state.best, "best_epoch": state.best_epoch}
    path.parent.mkdir(parents=True, exist_ok=True)
    written = path.with_suffix(".part")
    save_file(
        {name: value.contiguous() for name, value in tensors.items()}, written, {"state": json.dumps(said)}
    )
    # At no time is there half a checkpoint.
    os.replace(written, path)


def _resume(
    module: nn.Module, optimizer: torch.optim.Optimizer, path: Path | None, stamp: str
) -> _State | None:
    if path is None or not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            said = json.loads(file.metadata()["state"])
            if said["stamp"] != stamp:
                return None
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    # What is no checkpoint of this training is no reason not to train.
    except (OSError, ValueError, KeyError, TypeError, SafetensorError):
        return None
    module.load_state_dict(_under("module.", tensors))
    values: dict[int, dict[str, Tensor]] = {}
    for name, value in _under("optimizer.", tensors).items():
        at, _, part = name.partition(".")
        values.setdefault(int(at), {})[part] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": values})
    return _State(said["epoch"], said["best"], said["best_epoch"], _under("kept.", tensors))


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
