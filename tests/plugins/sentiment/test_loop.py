"""A training that broke off ends as it would have; tokens that stand alike are embedded alike."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from plugins.sentiment.embeddings import co_occurrence_embeddings
from plugins.sentiment.loop import Batch, Schedule, batches, fit
from plugins.sentiment.ngrams import Encoded


def texts(*rows: list[int]) -> Encoded:
    ids = np.array([each for row in rows for each in row], dtype=np.int64)
    return Encoded(ids, np.array([len(row) for row in rows], dtype=np.int64))


def test_tokens_that_stand_alike_are_embedded_alike() -> None:
    random = np.random.default_rng(6)
    rows = [
        [int(random.integers(1, 3)), 3, 4] if n % 2 else [int(random.integers(5, 7)), 8, 9]
        for n in range(300)
    ]
    found = co_occurrence_embeddings(texts(*rows), 9, 4, 1)
    one, other, far = found[0], found[1], found[4]
    assert one @ other > 0.9 * np.linalg.norm(one) * np.linalg.norm(other)
    assert one @ far < 0.5 * np.linalg.norm(one) * np.linalg.norm(far)


def test_every_row_is_in_one_batch_of_an_epoch_and_epochs_differ() -> None:
    schedule = Schedule(epochs=2, batch=7, rate=0.1, seed=1)
    first, second = batches([5] * 40, schedule, 0), batches([5] * 40, schedule, 1)
    assert sorted(row for batch in first for row in batch) == list(range(40))
    assert first != second
    assert first == batches([5] * 40, schedule, 0)


class Stopped(Exception):
    """The training is broken off."""


def lines(checkpoint: Path | None, stop_at: float = 2.0) -> tuple[dict[str, Tensor], int]:
    """Fit a line with dropout; return its parameters, and how many batches this call took."""
    torch.manual_seed(1)
    module = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.Linear(4, 1))
    x = torch.from_numpy(np.random.default_rng(1).normal(size=(64, 3)).astype(np.float32))
    y, taken = x.sum(1, keepdim=True), 0

    def loss(batch: Batch) -> Tensor:
        nonlocal taken
        taken += 1
        return ((module(x[batch]) - y[batch]) ** 2).mean()

    def progress(done: float, note: str = "") -> None:
        if done >= stop_at:
            raise Stopped

    with torch.random.fork_rng():
        fit(
            module, [3] * 64, loss, Schedule(6, 8, 1e-2, 2), progress,
            validate=lambda: float(((module(x) - y) ** 2).mean()), checkpoint=checkpoint, identity="lines",
        )  # fmt: skip
    return dict(module.state_dict()), taken


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def test_a_training_that_broke_off_goes_on_and_ends_as_it_would_have(tmp_path: Path) -> None:
    whole, all_batches = lines(None)
    with pytest.raises(Stopped):
        lines(tmp_path / "a.safetensors", stop_at=0.6)
    resumed, rest = lines(tmp_path / "a.safetensors")
    assert same(whole, resumed)
    assert 0 < rest < all_batches


@pytest.mark.parametrize("spoil", [lambda path: path.write_bytes(b"none"), lambda path: path.unlink()])
def test_what_is_no_checkpoint_is_passed_over(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    whole, all_batches = lines(tmp_path / "a.safetensors")
    spoil(tmp_path / "a.safetensors")
    again, taken = lines(tmp_path / "a.safetensors")
    assert same(whole, again)
    assert taken == all_batches


def test_training_stops_when_validation_gets_no_better_and_keeps_the_best() -> None:
    module = nn.Linear(1, 1)
    judged = iter([3.0, 1.0, 2.0, 2.5, 4.0, 5.0])
    seen: list[dict[str, Tensor]] = []

    def validate() -> float:
        seen.append({name: value.clone() for name, value in module.state_dict().items()})
        return next(judged)

    schedule = Schedule(epochs=6, batch=4, rate=0.1, seed=1, patience=1)
    losses = fit(
        module, [1] * 8, lambda batch: module(torch.ones(1, 1)).sum(), schedule, lambda done, note="": None,
        validate=validate,
    )  # fmt: skip
    assert losses == [3.0, 1.0, 2.0, 2.5]
    assert same(dict(module.state_dict()), seen[1])
