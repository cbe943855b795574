"""A layer on features tells kinds that it was shown from others, and refuses few of those that are known."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

from plugins.image.familiar import FILE, REFUSED, Familiarity
from shared.errors import ModelUnavailable

WIDTH = 24


def seen(place: int, rows: int, seed: int) -> NDArray[np.float64]:
    """Return features of one kind: noise about a point of its own, as features are never below zero."""
    middle = np.random.default_rng(place).normal(0, 1, WIDTH)
    return np.abs(np.random.default_rng(seed).normal(0, 0.6, (rows, WIDTH)) + middle)


@pytest.fixture(scope="module")
def familiar() -> Familiarity:
    return Familiarity.fit([seen(1, 400, 1), seen(2, 80, 2)], [seen(3, 100, 3), seen(4, 300, 4)], 10.0)


def test_known_kinds_are_known_but_for_few_and_foreign_ones_are_not(familiar: Familiarity) -> None:
    known = [familiar.knows(seen(1, 2000, 11)).mean(), familiar.knows(seen(2, 2000, 12)).mean()]
    # The share is over all pictures of known kinds, most of which are of the first.
    assert known[0] == pytest.approx(1 - REFUSED, abs=0.03)
    assert known[1] > 0.85
    assert familiar.knows(seen(3, 500, 13)).mean() < 0.05
    assert familiar.knows(seen(4, 500, 14)).mean() < 0.05


def test_the_share_that_may_be_refused_is_that_of_the_guarded_kinds() -> None:
    kinds, foreign = [seen(1, 600, 1), seen(2, 600, 2)], [seen(3, 600, 3)]
    for guarded in (0, 1):
        found = Familiarity.fit(kinds, foreign, 10.0, [guarded])
        share = found.knows(seen(guarded + 1, 3000, 20 + guarded)).mean()
        assert share == pytest.approx(1 - REFUSED, abs=0.02)


def test_the_share_that_is_refused_may_be_set_on_other_pictures(familiar: Familiarity) -> None:
    others = seen(2, 1000, 40)
    assert familiar.refusing(others, 0.02).knows(others).mean() == pytest.approx(0.98, abs=0.002)


def test_how_bright_a_picture_is_does_not_matter(familiar: Familiarity) -> None:
    rows = seen(1, 5, 5)
    assert familiar.scores(rows * 7) == pytest.approx(familiar.scores(rows))
    assert np.isfinite(familiar.scores(np.zeros((1, WIDTH)))).all()
    assert familiar.scores(np.zeros((0, WIDTH))).shape == (0,)


def test_what_was_written_is_read_again(familiar: Familiarity, tmp_path: Path) -> None:
    familiar.write(tmp_path)
    rows = seen(2, 9, 6)
    assert Familiarity.read(tmp_path, WIDTH).scores(rows) == pytest.approx(familiar.scores(rows), abs=1e-5)


@pytest.mark.parametrize("what", ["width", "infinite", "bias", "names", "text"])
def test_what_is_something_else_is_refused(tmp_path: Path, what: str) -> None:
    good, bias = np.ones(WIDTH, np.float32), np.zeros(1, np.float32)
    match what:
        case "width":
            save_file({"weights": np.ones(WIDTH + 1, np.float32), "bias": bias}, tmp_path / FILE)
        case "infinite":
            save_file({"weights": good * np.inf, "bias": bias}, tmp_path / FILE)
        case "bias":
            save_file({"weights": good, "bias": np.zeros(2, np.float32)}, tmp_path / FILE)
        case "names":
            save_file({"weights": good}, tmp_path / FILE)
        case "text":
            (tmp_path / FILE).write_text("no weights")
    with pytest.raises(ModelUnavailable):
        Familiarity.read(tmp_path, WIDTH)
