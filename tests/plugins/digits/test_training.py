"""Training judges on images that it never saw, writes what it judged, and says what is wrong with the data."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from plugins.digits.data import NONE, Digits
from plugins.digits.fitting import Recipe
from plugins.digits.model import CnnModel, DenseModel, DigitsModel
from plugins.digits.nondigits import packaged_fonts, printed_digits
from plugins.digits.robustness import SHOWN, SPOILED, robustness
from plugins.digits.training import train
from shared.errors import BadInput, ModelUnavailable
from shared.model import Device, Report
from shared.training_report import curves_of
from tests.plugins.digits.drawn import printed, write_mnist

QUICK = Recipe("dense", 12, batch=50, beside=20, head_rate=3e-3)


@dataclass(frozen=True)
class Trained:
    """A trained model, and what it was trained on."""

    data: Path
    folder: Path
    report: Report
    steps: list[float]

    @property
    def model(self) -> DenseModel:
        """Return the model as the worker would load it."""
        return DenseModel.load(self.folder, Device())


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Keep torch to one thread: small networks are slower on two."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder, steps = tmp_path_factory.mktemp("digits"), list[float]()
    data = write_mnist(folder / "mnist", printed(400), printed(120, seed=2))
    report = train(DenseModel, data, folder / "weights", lambda done, note="": steps.append(done), QUICK)
    return Trained(data, folder / "weights", report, steps)


def test_it_learns_more_than_the_baseline_knows(trained: Trained) -> None:
    report = trained.report
    assert {"accuracy", "top5", "macro_f1"} <= set(report.metrics)
    assert report.metrics["accuracy"].low > report.baseline["accuracy"]
    assert report.n == 120 == len(report.losses)
    assert report.details["rows"]["held out"] == 120
    (curves,) = curves_of(report)
    assert len(curves.train) == len(curves.test) >= QUICK.epochs
    assert curves.train[-1] < curves.train[0]
    assert curves.test[-1] < curves.test[0]
    assert report.labels == [str(digit) for digit in range(10)]


def test_progress_only_rises_and_ends_at_one(trained: Trained) -> None:
    assert trained.steps == sorted(trained.steps)
    assert trained.steps[-1] == 1.0


def test_what_is_written_answers_as_it_was_judged(trained: Trained) -> None:
    for part in ("all", "holdout"):
        again = trained.model.evaluate(trained.data, part)
        assert again.losses == pytest.approx(trained.report.losses, abs=1e-6)
    assert {path.name for path in trained.folder.iterdir()} == {"model.json", "weights.safetensors"}


def test_labels_of_the_test_files_change_nothing_but_the_report(trained: Trained, tmp_path: Path) -> None:
    test = printed(120, seed=2)
    turned = Digits(test.images, 9 - test.labels)
    data = write_mnist(tmp_path / "mnist", printed(400), turned)
    report = train(DenseModel, data, tmp_path / "weights", lambda done, note="": None, QUICK)
    assert (tmp_path / "weights" / "weights.safetensors").read_bytes() == (
        trained.folder / "weights.safetensors"
    ).read_bytes()
    assert report.metrics["accuracy"].value < trained.report.metrics["accuracy"].value


def test_images_without_a_digit_are_told_apart_and_count_for_nothing_else(
    trained: Trained, tmp_path: Path
) -> None:
    digits = printed(80, seed=3)
    noise = np.random.default_rng(1).integers(0, 256, (40, 28, 28)).astype(np.uint8)
    both = tmp_path / "both.npz"
    np.savez(both, images=np.concatenate([digits.images, noise]), labels=[*digits.labels, *[NONE] * 40])
    alone = tmp_path / "alone.npz"
    np.savez(alone, images=digits.images, labels=digits.labels)
    with_noise, without = trained.model.evaluate(both), trained.model.evaluate(alone)
    assert with_noise.metrics["no_digit_auroc"].value > 0.9
    assert "no_digit_auroc" not in without.metrics
    assert with_noise.metrics["accuracy"] == without.metrics["accuracy"]
    assert (with_noise.n, with_noise.details["without a digit"]["rows"]) == (80, 40)


def test_a_pack_is_trained_on_and_holds_out_the_same_images_always(tmp_path: Path) -> None:
    digits = printed(400)
    order = np.random.default_rng(1).permutation(400)
    for name, rows in (("one", digits), ("two", digits.at(order))):
        np.savez(tmp_path / f"{name}.npz", images=rows.images, labels=rows.labels)
    report = train(DenseModel, tmp_path / "one.npz", tmp_path / "w", lambda done, note="": None, QUICK)
    assert 20 < report.n < 120
    model = DenseModel.load(tmp_path / "w", Device())
    assert sorted(model.evaluate(tmp_path / "two.npz", "holdout").losses) == pytest.approx(
        sorted(report.losses), abs=1e-6
    )


@pytest.mark.parametrize("lack", ["no files", "no labels", "few", "one digit only"])
def test_data_that_does_not_suffice_is_refused(tmp_path: Path, lack: str) -> None:
    digits = printed(200)
    match lack:
        case "no files":
            (tmp_path / "mnist").mkdir()
        case "no labels":
            write_mnist(tmp_path / "mnist", digits, digits)
            (tmp_path / "mnist" / "train-labels-idx1-ubyte").unlink()
        case "few":
            write_mnist(tmp_path / "mnist", digits.at(np.arange(50)), digits)
        case _:
            write_mnist(tmp_path / "mnist", Digits(digits.images, np.full(200, 3, np.int64)), digits)
    with pytest.raises(BadInput):
        train(DenseModel, tmp_path / "mnist", tmp_path / "w", lambda done, note="": None, QUICK)


def test_what_holds_no_digit_cannot_be_judged_on(trained: Trained, tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", images=np.zeros((3, 28, 28), np.uint8), labels=[NONE] * 3)
    with pytest.raises(BadInput, match="no digit"):
        trained.model.evaluate(tmp_path / "d.npz")


def test_the_setting_says_how_many_epochs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEARTH_DIGITS_EPOCHS", "1")
    monkeypatch.setenv("HEARTH_DIGITS_CHECKPOINTS", str(tmp_path / "kept"))
    data = write_mnist(tmp_path / "mnist", printed(200), printed(50, seed=2))
    report = CnnModel.train(data, tmp_path / "w", lambda done, note="": None)
    assert report.details["epochs"] == 1
    kept = sorted(path.name for path in (tmp_path / "kept").iterdir())
    assert kept == ["digits-cnn-0.safetensors", "digits-cnn-1.safetensors"]


@pytest.mark.parametrize("model", [DenseModel, CnnModel])
def test_the_course_s_networks_ship_no_weights(model: type[DigitsModel]) -> None:
    assert model.default is None
    with pytest.raises(ModelUnavailable, match=model.name):
        model.load(None, Device())


def test_robustness_is_measured_for_each_way_to_spoil_a_digit() -> None:
    images, labels = printed_digits(60, packaged_fonts()[:4], np.random.default_rng(8))
    reader = DigitsModel.load(DigitsModel.default, Device()).reader
    rows = robustness(reader, Digits(images, labels), lambda done, note="": None, pictures=6, pages=2)
    assert [row.what for row in rows][: len(SPOILED) + len(SHOWN)] == [*SPOILED, *SHOWN]
    assert {row.door for row in rows} == {"network", "finder"}
    assert all(0 <= row.accuracy <= 1 and row.n > 0 for row in rows)
    network = {row.what: row.accuracy for row in rows if row.door == "network"}
    assert network["clean"] == network["inverted"]
    assert network["clean"] >= network["a hole of 5 x 5 pixels"]
