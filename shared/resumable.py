"""Trainings that go on in pieces: checkpoints in safetensors, whole or not at all, known by a stamp; running averages.

Imported by the trainer only: it needs torch.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

Said = Mapping[str, str]
"""What a checkpoint says beside its tensors; `stamp` is a digest of the recipe and the data."""


def write_tensors(path: Path, tensors: Mapping[str, Tensor], said: Said) -> None:
    """Write a checkpoint: at no time is there half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    # Not in channels-last order, which safetensors does not know; and none shares its memory with another.
    plain = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    save_file(plain, beside, dict(said))
    os.replace(beside, path)


def read_tensors(path: Path, stamp: str) -> tuple[dict[str, Tensor], Said] | None:
    """Read a checkpoint; None where there is none, or it is of another training."""
    try:
        with safe_open(path, "pt") as file:
            said = file.metadata() or {}
            if said.get("stamp") != stamp:
                return None
            return {name: file.get_tensor(name) for name in file.keys()}, said  # noqa: SIM118
    except (OSError, SafetensorError):
        return None


def write_checkpoint(
    path: Path, said: Said, parts: Mapping[str, nn.Module], optimizers: Sequence[torch.optim.Optimizer]
) -> None:
    """Write networks, and what steps them."""
    tensors = {
        f"{name}.{key}": value for name, part in parts.items() for key, value in part.state_dict().items()
    }
    for at, optimizer in enumerate(optimizers):
        for row, values in optimizer.state_dict()["state"].items():
            tensors |= {
                f"optimizer.{at}.{row}.{key}": torch.as_tensor(value) for key, value in values.items()
            }
    write_tensors(path, tensors, said)


def read_checkpoint(
    path: Path, stamp: str, parts: Mapping[str, nn.Module], optimizers: Sequence[torch.optim.Optimizer]
) -> Said | None:
    """Fill networks, and what steps them; return what else was said, or None where `path` is of another training."""
    if (found := read_tensors(path, stamp)) is None:
        return None
    tensors, said = found
    for name, part in parts.items():
        part.load_state_dict(below(tensors, f"{name}."))
    for at, optimizer in enumerate(optimizers):
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in below(tensors, f"optimizer.{at}.").items():
            row, _, key = name.partition(".")
            state.setdefault(int(row), {})[key] = value
        optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    return said


def below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors whose names begin so, by the rest of their names."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


@torch.no_grad()
def follow(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Move an exponential average of weights on by one step."""
    for kept, now in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if kept.is_floating_point():
            kept.lerp_(now, 1 - decay)
        else:
            kept.copy_(now)
