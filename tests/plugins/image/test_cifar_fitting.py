"""The networks for 32-pixel pictures learn, whichever way, and a broken training ends as a whole one."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from plugins.image.cifar_data import SIDE, Thumbnails
from plugins.image.cifar_fitting import augmented, fit
from plugins.image.cifar_networks import CourseNetwork, StrongNetwork
from plugins.image.cifar_optimizer import Optimizer, Rule
from plugins.image.cifar_reader import Calibration, CifarReader
from plugins.image.cifar_recipe import COURSE, CPU, GPU, Cycle, Recipe
from shared.errors import ModelUnavailable
from shared.model import Device
from shared.muon import orthogonal
from tests.kit.damage import DAMAGES, damage

TINY = Recipe(cycles=(Cycle(2), Cycle(1, 0.5, 8)), batch=32, micro=16, rates=0.05, widths=(8, 16, 32))


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Keep torch to one thread: two on busy cores stall each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def striped(rows: int, seed: int = 1) -> Thumbnails:
    """Invent pictures of two classes: stripes across, and stripes down, in any colours."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, rows)
    waves = 127 + 100 * np.sin(np.arange(SIDE) * 0.8 + random.uniform(0, 6, (rows, 1)))
    grid = np.where(labels[:, None, None] == 0, waves[:, :, None], waves[:, None, :])
    tint = random.uniform(0.5, 1, (rows, 1, 1, 3))
    noise = random.normal(0, 8, (rows, SIDE, SIDE, 3))
    return Thumbnails(np.clip(grid[..., None] * tint + noise, 0, 255).astype(np.uint8), labels)


def quiet(done: float, note: str = "") -> None:
    assert 0 < done <= 1


def accuracy(network: torch.nn.Module, rows: Thumbnails) -> float:
    assert isinstance(network, StrongNetwork | CourseNetwork)
    return float(
        (CifarReader(network, Calibration(), "one").logits(rows.pixels).argmax(1) == rows.labels).mean()
    )


@pytest.mark.parametrize(
    "recipe",
    [replace(TINY, cycles=(Cycle(6),)), replace(COURSE, cycles=(Cycle(6),), batch=16)],
    ids=["strong", "course"],
)
def test_both_networks_learn_what_is_there_to_learn(recipe: Recipe) -> None:
    assert accuracy(fit(striped(192), recipe, quiet), striped(64, seed=2)) > 0.9


def test_a_training_that_was_broken_off_ends_as_it_would_have(tmp_path: Path) -> None:
    rows, path = striped(96), tmp_path / "checkpoint.safetensors"
    whole = fit(rows, TINY, quiet).state_dict()

    class Killed(Exception):
        pass

    def killing(done: float, note: str = "") -> None:
        if done > 0.7:
            raise Killed

    with pytest.raises(Killed):
        fit(rows, TINY, killing, checkpoint=path, saved_every=0)
    seen: list[float] = []
    resumed = fit(rows, TINY, lambda done, note="": seen.append(done), checkpoint=path).state_dict()
    assert seen[0] > 0.6
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


@pytest.mark.parametrize("kind", ["other recipe", "other data", "junk"])
def test_a_checkpoint_of_another_training_is_passed_over(tmp_path: Path, kind: str) -> None:
    path, short = tmp_path / "checkpoint.safetensors", replace(TINY, cycles=(Cycle(1),))
    fit(striped(64), short, quiet, checkpoint=path, saved_every=0)
    if kind == "junk":
        path.write_bytes(b"\x80\x04junk")
    seen: list[float] = []
    recipe = replace(short, seed=2) if kind == "other recipe" else short
    rows = striped(64, seed=5 if kind == "other data" else 1)
    fit(rows, recipe, lambda done, note="": seen.append(done), checkpoint=path)
    assert seen == [0.5, 1.0]


def test_rates_fall_in_each_cycle_and_cutout_is_where_it_belongs() -> None:
    assert [CPU.share(epoch) for epoch in (0, 4.5, 9, 12.5, 16, 23)] == [1.0, 0.5, 0.5, 0.25, 0.4, 0.0]
    assert [CPU.cutout(epoch) for epoch in (0, 8, 9, 15, 16)] == [0, 0, 10, 10, 12]
    assert GPU.network == CPU.network
    assert GPU.widths == CPU.widths


def test_augmentation_moves_mirrors_every_other_epoch_and_cuts_out() -> None:
    rows = striped(40)
    still = replace(TINY, translate=0)
    order = np.arange(40)
    even, odd = (
        augmented(rows.pixels, order, epoch, still, np.random.default_rng(1)).numpy() for epoch in (0, 1)
    )
    assert (odd == even[:, :, ::-1]).all()
    same = (even == rows.pixels).all((1, 2, 3))
    assert 0.2 < same.mean() < 0.8
    cut = augmented(rows.pixels, order, 2, still, np.random.default_rng(1)).numpy()
    grey = (cut == 120).all(3).sum((1, 2))
    assert (grey >= 16).all()
    assert grey.max() <= 70
    moved = augmented(rows.pixels, order, 0, TINY, np.random.default_rng(1)).numpy()
    assert moved.shape == rows.pixels.shape
    assert (moved != even).any()


def test_muon_makes_updates_about_orthogonal() -> None:
    torch.manual_seed(1)
    for shape in ((16, 60), (60, 16)):
        values = torch.linalg.svdvals(orthogonal(torch.randn(shape), steps=5))
        assert values.min() > 0.5
        assert values.max() < 1.3


def test_the_optimizer_steps_downhill_and_leaves_alone_what_has_no_share() -> None:
    moving, resting = torch.ones(4, requires_grad=True), torch.ones(4, requires_grad=True)
    optimizer = Optimizer(
        [("moving", moving), ("resting", resting)], {n: Rule(0.1, 0.9) for n in ("moving", "resting")}
    )
    for _ in range(30):
        optimizer.zero_grad()
        (moving.square().sum() + resting.square().sum()).backward()
        optimizer.step({"moving": 1.0})
    assert moving.detach().abs().max() < 0.5
    assert torch.equal(resting.detach(), torch.ones(4))


def test_the_first_layer_whitens_what_it_was_set_from() -> None:
    network, x = StrongNetwork(), torch.rand(64, 3, 32, 32)
    network.set_whitening(x)
    half = network.whiten(network.normalised(x))[:, :12].permute(1, 0, 2, 3).reshape(12, -1)
    covariance = half.double() @ half.double().T / half.shape[1]
    assert torch.allclose(covariance, torch.eye(12, dtype=torch.float64), atol=0.05)


@pytest.mark.parametrize("course", [False, True])
def test_weights_come_back_as_they_were_but_for_half_precision(tmp_path: Path, course: bool) -> None:
    network = CourseNetwork() if course else StrongNetwork((8, 8, 8))
    reader = CifarReader(network, Calibration(0.7, 0.4), "one" if course else "moved")
    reader.write(tmp_path)
    again = CifarReader.read(tmp_path, Device())
    assert again.calibration == reader.calibration
    pixels = striped(6).pixels
    assert np.allclose(reader.probabilities(pixels), again.probabilities(pixels), atol=5e-3)
    assert np.allclose(again.probabilities(pixels).sum(1), 1)
    assert again.probabilities(pixels[:0]).shape == (0, 10)


@pytest.mark.parametrize("kind", [*DAMAGES, "widths", "huge", "views", "threshold"])
def test_damaged_weights_are_refused_in_one_sentence(tmp_path: Path, kind: str) -> None:
    CifarReader(StrongNetwork((8, 8, 8)), Calibration()).write(tmp_path)
    rest = tmp_path / "model.json"
    said = rest.read_text()
    match kind:
        case "widths":
            rest.write_text(said.replace("8,", "9,", 1))
        case "huge":
            rest.write_text(said.replace("8,", "999999999,", 1))
        case "views":
            rest.write_text(said.replace("moved", "sideways"))
        case "threshold":
            rest.write_text(said.replace('"threshold": 0.0', '"threshold": NaN'))
        case _:
            damage(tmp_path, kind)
    with pytest.raises(ModelUnavailable, match="weights of image-cifar10 cannot be read"):
        CifarReader.read(tmp_path, Device())
