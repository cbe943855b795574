"""LSTMs: one on returns in spreads, and the course's on prices scaled to 0…1.

Imported by the worker and the trainer only: it needs torch.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from plugins.stock.features import CHANNELS, sequences, spread_of, targets
from plugins.stock.points import for_one_day
from plugins.stock.prices import Prices

Floats = NDArray[np.float64]
FILE: Final = "lstm.safetensors"
COURSE_FILE: Final = "course.safetensors"
SEED: Final = 1
BATCH: Final = 64
EPOCHS: Final = 40
PATIENCE: Final = 6
COURSE_DAYS: Final = 10
COURSE_COLUMNS: Final = ("open", "high", "low", "close", "trades")
COURSE_EPOCHS: Final = 60
Told = Callable[[float], None]
Watch = Callable[[float, float], None]
"""Told the losses of each epoch: of the days fitted on, and of those that say when to stop."""


class Network(nn.Module):
    """An LSTM whose last state says one figure."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(channels, hidden, batch_first=True)
        self.head = nn.Linear(hidden, 1)

    def forward(self, days: Tensor) -> Tensor:
        """Map sequences (N × days × channels) to figures (N)."""
        states, _ = self.lstm(days)
        return self.head(states[:, -1]).squeeze(-1)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class ReturnsLstm:
    """The expected next move by an LSTM on the last days' moves in spreads, and by how much it is held back."""

    network: Network
    shrink: float = 1.0

    def moves(self, prices: Prices) -> Floats:
        """Return expected moves (T × HORIZONS)."""
        return for_one_day(self.shrink * self.raw(prices) * spread_of(prices))

    def raw(self, prices: Prices) -> Floats:
        """Return what the network says of the next move (T), in spreads."""
        return _run(self.network, sequences(prices))

    @classmethod
    def fit(
        cls, prices: Prices, first: int, stop: int, told: Told, watch: Watch = lambda train, test: None
    ) -> Self:
        """Fit on days from `first` on; those from `stop` on say when to stop."""
        network = _seeded(CHANNELS, 16)
        seen, come = sequences(prices)[:-1], targets(prices).astype(np.float32)
        _fit(network, seen[first:], come[first:], stop - first, nn.functional.l1_loss, EPOCHS, told, watch)
        return cls(network)

    @classmethod
    def read(cls, folder: Path, shrink: float) -> Self:
        """Read the network of a folder."""
        network = _seeded(CHANNELS, 16)
        network.load_state_dict(load_file(folder / FILE))
        return cls(network, shrink)

    def write(self, folder: Path) -> None:
        """Write the network to a folder."""
        _write(self.network, folder / FILE)


@dataclass(frozen=True)
class CourseLstm:
    """The course's model: ten days of prices and transactions, scaled to 0…1, to the very next day's close.

    The course scales by all rows, skips a day before the label, and lets its test overlap what it trained on. Here
    `scaled_by` days at the start of a series, those before what is judged, say what 0 and 1 are.
    """

    network: Network

    def expected(self, prices: Prices, scaled_by: int) -> Floats:
        """Return the expected next close at the end of each day (T); that of the day where there are not ten yet."""
        scaled, low, high = _scaled(prices, scaled_by)
        close = COURSE_COLUMNS.index("close")
        found = prices.close.copy()
        said = _run(self.network, _windows(scaled))
        found[COURSE_DAYS - 1 :] = low[close] + said * (high[close] - low[close])
        return found

    @classmethod
    def fit(cls, prices: Prices, stop: int, told: Told, watch: Watch = lambda train, test: None) -> Self:
        """Fit on the days before `stop`; those from it on say when to stop. Only the former say what 0 and 1 are."""
        network = _seeded(len(COURSE_COLUMNS), 32)
        scaled, _, _ = _scaled(prices, stop)
        seen = _windows(scaled)[:-1]
        come = scaled[COURSE_DAYS:, COURSE_COLUMNS.index("close")].astype(np.float32)
        _fit(network, seen, come, stop - COURSE_DAYS, nn.functional.mse_loss, COURSE_EPOCHS, told, watch)
        return cls(network)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the network of a folder."""
        network = _seeded(len(COURSE_COLUMNS), 32)
        network.load_state_dict(load_file(folder / COURSE_FILE))
        return cls(network)

    def write(self, folder: Path) -> None:
        """Write the network to a folder."""
        _write(self.network, folder / COURSE_FILE)


def _scaled(prices: Prices, first: int) -> tuple[Floats, Floats, Floats]:
    """Return prices and transactions (T × 5) scaled by the lowest and highest of the first days, and these."""
    columns: Floats = np.stack([getattr(prices, name) for name in COURSE_COLUMNS], axis=1)
    low, high = columns[:first].min(0), columns[:first].max(0)
    high = np.where(high > low, high, low + 1.0)
    return (columns - low) / (high - low), low, high


def _windows(days: Floats) -> NDArray[np.float32]:
    windows = np.lib.stride_tricks.sliding_window_view(days, COURSE_DAYS, axis=0)
    return np.ascontiguousarray(windows.transpose(0, 2, 1), dtype=np.float32)


def _seeded(channels: int, hidden: int) -> Network:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        return Network(channels, hidden)


def _run(network: Network, days: NDArray[np.float32]) -> Floats:
    with torch.inference_mode():
        return network(torch.from_numpy(days)).double().numpy()  # type: ignore[no-any-return]


def _fit(
    network: Network,
    days: NDArray[np.float32],
    come: NDArray[np.float32],
    stop: int,
    loss: Callable[[Tensor, Tensor], Tensor],
    epochs: int,
    told: Told,
    watch: Watch,
) -> None:
    """Fit to the rows before `stop`, and go back to where those from `stop` on came out best; always the same."""
    seen, truth = torch.from_numpy(days), torch.from_numpy(come)
    random = torch.Generator().manual_seed(SEED)
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-2)
    best, kept, waited = float("inf"), copy.deepcopy(network.state_dict()), 0
    for epoch in range(epochs):
        network.train()
        total = 0.0
        for rows in torch.split(torch.randperm(stop, generator=random), BATCH):
            optimizer.zero_grad()
            value = loss(network(seen[rows]), truth[rows])
            value.backward()  # type: ignore[no-untyped-call]
            total += float(value.detach()) * len(rows)
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
        network.eval()
        with torch.inference_mode():
            now = float(loss(network(seen[stop:]), truth[stop:]))
        told((epoch + 1) / epochs)
        watch(total / stop, now)
        if now < best:
            best, kept, waited = now, copy.deepcopy(network.state_dict()), 0
        elif (waited := waited + 1) > PATIENCE:
            break
    network.load_state_dict(kept)
    network.eval()


def _write(network: Network, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: value.contiguous() for name, value in network.state_dict().items()}, path)
