"""The distance between drawn and real pictures, and what stands beside it."""

import numpy as np
import pytest

from plugins.animeface.kid import distance, kernel, nearest, pooled_features, random_features, row_losses
from plugins.animeface.networks_lite import LiteFeatures
from plugins.animeface.training_latents import gaussian_faces


def rows(
    seed: int, count: int = 120, shift: float = 0.0
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.random.default_rng(seed).normal(shift, 1, (count, 16))


def test_rows_of_one_distribution_are_at_no_distance_on_average() -> None:
    found = [distance(rows(seed), rows(seed + 1000)).value for seed in range(30)]
    assert abs(np.mean(found)) < 3 * np.std(found) / 30**0.5
    assert min(found) < 0


def test_the_distance_is_that_of_the_paper_counted_pair_by_pair() -> None:
    x, y = rows(1, 6), rows(2, 7, 0.5)
    within_x = np.mean([kernel(x[[i]], x[[j]])[0, 0] for i in range(6) for j in range(6) if i != j])
    within_y = np.mean([kernel(y[[i]], y[[j]])[0, 0] for i in range(7) for j in range(7) if i != j])
    across = np.mean([(a @ b / 16 + 1) ** 3 for a in x for b in y])
    assert distance(x, y).value == pytest.approx(within_x + within_y - 2 * across)


def test_a_shift_is_seen_and_lies_in_the_interval() -> None:
    near, far = distance(rows(1, shift=0.3), rows(2)), distance(rows(1, shift=1.0), rows(2))
    assert near.low <= near.value <= near.high < far.low


def test_the_losses_of_rows_differ_between_two_generators_as_their_distances_do() -> None:
    real, good, bad = rows(3), rows(4, shift=0.1), rows(5, shift=0.8)
    difference = np.mean(row_losses(bad, real)) - np.mean(row_losses(good, real))
    assert difference == pytest.approx(distance(bad, real).value - distance(good, real).value)


def test_a_copy_is_at_no_distance_from_what_it_was_copied_from() -> None:
    known = rows(6)
    assert np.allclose(nearest(known[:5], known), 0)
    assert nearest(rows(7, 5), known).min() > 0.01


def test_both_kinds_of_features_tell_blurred_pictures_from_sharp_ones() -> None:
    random = np.random.default_rng(0)
    sharp = random.integers(0, 256, (40, 64, 64, 3)).astype(np.uint8)
    smooth = np.repeat(np.repeat(sharp[:, ::8, ::8], 8, 1), 8, 2)
    pooled, convolved = pooled_features(LiteFeatures()), random_features()
    assert pooled(sharp).shape == (40, 1280)
    for extract in (pooled, convolved):
        assert distance(extract(sharp[:20]), extract(sharp[20:])).value < (
            0.1 * distance(extract(sharp[:20]), extract(smooth[20:])).value
        )
        assert np.array_equal(extract(sharp[:4]), extract(sharp[:4]))


def test_the_rival_has_the_mean_and_spread_of_the_pictures() -> None:
    random = np.random.default_rng(1)
    colours = random.integers(60, 200, (300, 1, 1, 3))
    pictures = (colours + random.integers(-5, 6, (300, 64, 64, 3))).astype(np.uint8)
    drawn = gaussian_faces(pictures, 400, 8, 3)
    assert drawn.shape == (400, 64, 64, 3)
    assert abs(drawn.mean() - pictures.mean()) < 5
    assert abs(drawn.mean((1, 2)).std() / pictures.mean((1, 2)).std() - 1) < 0.15
    assert np.array_equal(drawn[:5], gaussian_faces(pictures, 400, 8, 3)[:5])
