"""Splits of pictures hang on what is in them alone, and keep near-duplicates together."""

import numpy as np

from shared.lookalikes import group_lookalikes, held_out


def scenes(count: int, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (count, 8, 8, 3))
    return coarse.repeat(4, axis=1).repeat(4, axis=2).astype(np.uint8)


def test_near_duplicates_fall_on_one_side() -> None:
    one = scenes(200)
    noise = np.random.default_rng(1).integers(-4, 5, one.shape)
    other = np.clip(one.astype(int) + noise, 0, 255).astype(np.uint8)
    both = np.concatenate([one, other])
    groups = group_lookalikes(both)
    assert groups[:200] == list(range(200))
    assert groups[200:] == groups[:200]
    held = held_out(both, 0.2)
    assert (held[:200] == held[200:]).all()
    assert 0.2 < held.mean() < 0.5


def test_the_split_does_not_hang_on_the_order_or_on_what_else_is_there() -> None:
    pictures = scenes(300)
    order = np.random.default_rng(2).permutation(300)
    held = held_out(pictures, 0.3)
    assert (held_out(pictures[order], 0.3) == held[order]).all()
    assert (held_out(pictures[:100], 0.3) == held[:100]).all()
    assert 0.2 < held.mean() < 0.4
