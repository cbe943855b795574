"""Ink is brought into the form of MNIST, wherever and however it was."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.digits.centring import centred, settled
from tests.plugins.digits.drawn import printed

DIGITS = printed(40)


@given(st.integers(1, 90), st.integers(1, 90), st.integers(0, 2**32 - 1))
def test_any_ink_is_centred_by_its_mass_within_twenty_by_twenty(high: int, wide: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    ink = (random.random((high, wide)) * (random.random((high, wide)) < 0.6)).astype(np.float32)
    image = centred(ink)
    assert image.shape == (28, 28)
    assert image.min() >= 0
    assert image.max() <= 1
    if ink.max() > 0.1:
        rows, columns = np.flatnonzero(image.max(1) > 0), np.flatnonzero(image.max(0) > 0)
        assert max(np.ptp(rows), np.ptp(columns)) < 20


def test_the_centre_of_mass_comes_to_the_middle() -> None:
    for image in DIGITS.images:
        ink = centred(image.astype(np.float32) / 255)
        y, x = (np.indices(ink.shape) * ink).sum((1, 2)) / ink.sum()
        assert (y, x) == (pytest.approx(13.5, abs=1.01), pytest.approx(13.5, abs=1.01))


def test_what_was_centred_once_stays_as_it_is() -> None:
    once = np.stack([centred(image.astype(np.float32) / 255) for image in DIGITS.images])
    again = np.stack([centred(image) for image in once])
    assert np.abs(once - again).mean() < 0.01


def test_images_as_of_mnist_are_not_changed() -> None:
    full = DIGITS.at(DIGITS.images.max((1, 2)) > 250)
    assert np.abs(settled(full.images) - full.images / 255).max() < 0.03


@pytest.mark.parametrize("change", ["inverted", "dim", "both"])
def test_inverted_and_dim_images_become_what_they_were(change: str) -> None:
    full = DIGITS.at(DIGITS.images.max((1, 2)) > 250).images
    changed = full if change == "inverted" else (60 + full * 0.4).astype(np.uint8)
    changed = changed if change == "dim" else 255 - changed
    assert np.abs(settled(changed) - full / 255).max() < 0.06


def test_a_digit_in_the_corner_is_moved_to_the_middle() -> None:
    small = cv2.resize(DIGITS.images[0], (14, 14), interpolation=cv2.INTER_AREA)
    image = np.zeros((1, 28, 28), np.uint8)
    image[0, 13:27, 13:27] = small
    ink = settled(image)[0]
    y, x = (np.indices(ink.shape) * ink).sum((1, 2)) / ink.sum()
    assert (y, x) == (pytest.approx(13.5, abs=1.5), pytest.approx(13.5, abs=1.5))


@pytest.mark.parametrize("value", [0, 128, 255])
def test_an_empty_image_stays_empty(value: int) -> None:
    assert settled(np.full((2, 28, 28), value, np.uint8)).max() == 0
