"""Checkpoints of trainings with several networks: one safetensors file, written whole or not at all."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from plugins.animeface.generator import Pictures


@dataclass
class Curves:
    """Means of the losses, a row every so many steps."""

    rows: list[dict[str, float]] = field(default_factory=list)
    _since: dict[str, list[float]] = field(default_factory=dict)

    def note(self, **values: Tensor) -> None:
        """Take in the losses of a step."""
        for name, value in values.items():
            self._since.setdefault(name, []).append(float(value.detach()))

    def close_row(self, step: int) -> None:
        """Add a row of the means since the last."""
        means = {name: round(sum(values) / len(values), 4) for name, values in self._since.items()}
        self.rows.append({"step": step, **means})
        self._since = {}


def stamp(recipe: Mapping[str, object], pictures: Pictures) -> str:
    """Return a digest of what a training is of: only its own checkpoint is gone on from."""
    digest = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode())
    digest.update(np.ascontiguousarray(pictures).tobytes())
    return digest.hexdigest()


def write_checkpoint(
    path: Path,
    mark: str,
    step: int,
    curves: Curves,
    parts: Mapping[str, nn.Module],
    optimizers: Sequence[torch.optim.Optimizer],
) -> None:
    """Write networks, what steps them, and the curves."""
    tensors: dict[str, Tensor] = {}
    for name, part in parts.items():
        tensors |= {f"{name}.{key}": value for key, value in part.state_dict().items()}
    for at, optimizer in enumerate(optimizers):
        for row, values in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{at}.{row}.{key}": value for key, value in values.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    said = {"stamp": mark, "step": str(step), "curves": json.dumps(curves.rows)}
    save_file({name: value.contiguous().clone() for name, value in tensors.items()}, beside, said)
    os.replace(beside, path)


def read_checkpoint(
    path: Path,
    mark: str,
    curves: Curves,
    parts: Mapping[str, nn.Module],
    optimizers: Sequence[torch.optim.Optimizer],
) -> int | None:
    """Fill networks, what steps them, and the curves; return the step, or None where `path` is of another training."""
    try:
        with safe_open(path, "pt") as file:
            said = file.metadata() or {}
            if said.get("stamp") != mark:
                return None
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError):
        return None
    for name, part in parts.items():
        part.load_state_dict(_below(tensors, f"{name}."))
    for at, optimizer in enumerate(optimizers):
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in _below(tensors, f"optimizer.{at}.").items():
            row, _, key = name.partition(".")
            state.setdefault(int(row), {})[key] = value
        optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    curves.rows = json.loads(said["curves"])
    return int(said["step"])


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
