"""Networks learn, a training that was broken off ends as if it had not been, and its images are sound."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from plugins.digits.augmentation import Bending, bend, spoil
from plugins.digits.beside import make_beside, read_pictures
from plugins.digits.centring import unit
from plugins.digits.data import NONE, Digits
from plugins.digits.fitting import Recipe, fit
from plugins.digits.networks import NETWORKS, OUTPUTS
from plugins.digits.nondigits import packaged_fonts
from plugins.digits.reader import Calibration, Reader
from shared.model import Device
from shared.muon import orthogonal
from tests.plugins.digits.drawn import printed

DIGITS = printed(300)
BESIDE = make_beside(120, DIGITS, packaged_fonts()[:3], [], 1)


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Keep torch to one thread: small networks are slower on two."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class Stopped(Exception):
    """Ends a training in the middle."""


def quiet(done: float, note: str = "") -> None:
    """Hear nothing of it."""


def same(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("kind", sorted(NETWORKS))
def test_each_network_gives_ten_digits_and_whether_there_is_one(kind: str) -> None:
    assert NETWORKS[kind]().eval()(torch.zeros(3, 1, 28, 28)).shape == (3, OUTPUTS)


def test_a_network_learns_which_digit_and_whether_there_is_one() -> None:
    network = fit(Recipe("dense", 25, batch=50, beside=30, head_rate=3e-3), DIGITS, BESIDE, quiet)
    reader = Reader("dense", network, Calibration(), Device())
    read = reader.read(unit(DIGITS.images))
    assert (read.which.argmax(1) == DIGITS.labels).mean() > 0.6
    none = reader.read(unit(BESIDE.images[BESIDE.labels == NONE]))
    assert np.median(read.whether) > np.median(none.whether) + 0.2


@pytest.mark.parametrize("kind", ["cnn", "strong"])
def test_a_training_that_was_broken_off_ends_as_if_it_had_not_been(tmp_path: Path, kind: str) -> None:
    recipe, few = Recipe(kind, 3, batch=30, beside=5), DIGITS.at(np.arange(60))

    def stop(done: float, note: str = "") -> None:
        if done > 0.8:
            raise Stopped

    whole = fit(recipe, few, BESIDE, quiet)
    checkpoint = tmp_path / "kept" / "training.safetensors"
    with pytest.raises(Stopped):
        fit(recipe, few, BESIDE, stop, checkpoint)
    steps: list[float] = []
    resumed = fit(recipe, few, BESIDE, lambda done, note="": steps.append(done), checkpoint)
    assert min(steps) > 0.6
    assert same(whole, resumed)


def test_a_checkpoint_of_another_training_is_not_used(tmp_path: Path) -> None:
    few, checkpoint = DIGITS.at(np.arange(60)), tmp_path / "training.safetensors"
    fit(Recipe("dense", 1, batch=30, beside=5), few, BESIDE, quiet, checkpoint)
    other = Recipe("dense", 1, batch=30, beside=5, seed=2)
    assert same(fit(other, few, BESIDE, quiet), fit(other, few, BESIDE, quiet, checkpoint))


@pytest.mark.parametrize("content", [b"", b"\x80\x04pickle", b"\xff" * 100], ids=["empty", "pickle", "noise"])
def test_a_damaged_checkpoint_is_no_reason_not_to_train(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "training.safetensors").write_bytes(content)
    few = DIGITS.at(np.arange(60))
    fit(Recipe("dense", 1, batch=30, beside=5), few, BESIDE, quiet, tmp_path / "training.safetensors")
    assert (tmp_path / "training.safetensors").stat().st_size > 1000


@pytest.mark.parametrize("change", [lambda x, g: bend(x, Bending(), g), lambda x, g: spoil(x, 1.0, g)])
def test_augmented_images_stay_images_and_are_the_same_for_a_seed(
    change: Callable[[torch.Tensor, torch.Generator], torch.Tensor],
) -> None:
    images = torch.from_numpy(DIGITS.images).unsqueeze(1).float() / 255
    one, two = (change(images, torch.Generator().manual_seed(4)) for _ in range(2))
    assert torch.equal(one, two)
    assert one.shape == images.shape
    assert one.min() >= 0
    assert one.max() <= 1.0001
    assert (one - images).abs().mean() > 0.005


def test_no_share_spoils_nothing() -> None:
    images = torch.rand(20, 1, 28, 28)
    assert torch.equal(spoil(images, 0.0, torch.Generator()), images)


def test_an_orthogonal_step_has_singular_values_near_one() -> None:
    for shape in ((16, 60), (60, 16)):
        values = torch.linalg.svdvals(
            orthogonal(torch.randn(shape, generator=torch.Generator().manual_seed(1)), 6)
        )
        assert 0.5 < values.min() <= values.max() < 1.4


def test_what_is_trained_on_beside_has_printed_digits_and_more_without_one() -> None:
    assert len(BESIDE) == 120
    assert 0.15 < (BESIDE.labels != NONE).mean() < 0.35
    assert set(BESIDE.labels.tolist()) <= set(range(-1, 10))
    assert (BESIDE.images.max((1, 2)) > 40).mean() > 0.95
    again = make_beside(120, DIGITS, packaged_fonts()[:3], [], 1)
    assert np.array_equal(again.images, BESIDE.images)
    assert not np.array_equal(make_beside(120, DIGITS, packaged_fonts()[:3], [], 2).images, BESIDE.images)


def test_what_is_no_picture_is_passed_over(tmp_path: Path) -> None:
    from PIL import Image

    (tmp_path / "a.png").write_bytes(b"no picture")
    Image.new("RGB", (900, 300), (9, 8, 7)).save(tmp_path / "b.png")
    (found,) = read_pictures([tmp_path / "a.png", tmp_path / "b.png"])
    assert found.shape == (213, 640, 3)


def test_weights_read_as_they_were_written(tmp_path: Path) -> None:
    reader = Reader("cnn", NETWORKS["cnn"](), Calibration(0.7, 0.4), Device())
    reader.write(tmp_path)
    again = Reader.open(tmp_path, "digits", Device())
    images = unit(DIGITS.images[:70])
    assert again.calibration == reader.calibration
    assert again.outputs(images) == pytest.approx(reader.outputs(images), abs=2e-3)


def test_a_batch_reads_as_its_images_do_alone() -> None:
    reader = Reader("strong", NETWORKS["strong"](), Calibration(), Device())
    images = unit(DIGITS.images[:9])
    alone = np.concatenate([reader.outputs(image[None]) for image in images])
    assert reader.outputs(images) == pytest.approx(alone, abs=1e-4)
    assert reader.outputs(images[:0]).shape == (0, 11)


def test_no_digits_at_all_may_be_asked_for() -> None:
    empty = Digits(np.zeros((0, 28, 28), np.uint8), np.zeros(0, np.int64))
    fit(Recipe("dense", 1, batch=30, beside=5), DIGITS.at(np.arange(30)), empty, quiet)
