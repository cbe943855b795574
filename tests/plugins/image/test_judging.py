"""A classifier is judged on folders and packs of labelled pictures, over all of its classes."""

from pathlib import Path

import numpy as np
import pytest

from plugins.image.cifar_data import write_pack
from plugins.image.model import ImageModel
from shared.errors import BadInput
from shared.model import Device
from tests.plugins.image.photographs import disc, flower, palace, written


@pytest.fixture(scope="module")
def model() -> ImageModel:
    return ImageModel.load(ImageModel.default, Device())


def folder_of(path: Path, **classes: list[bytes]) -> Path:
    for name, files in classes.items():
        (path / name).mkdir(parents=True)
        for number, data in enumerate(files):
            (path / name / f"{number}.jpg").write_bytes(data)
    return path


def test_folders_named_by_class_or_id_are_judged_with_what_cannot_be_read_counted(
    model: ImageModel, tmp_path: Path
) -> None:
    path = folder_of(
        tmp_path / "data",
        palace=[written(palace()), written(palace()[:, ::-1])],
        # The flower is found as a daisy, so as a bubble it is a mistake.
        n09229709=[written(flower()), b"broken"],
    )
    report = model.evaluate(path)
    assert report.n == 3
    assert report.metrics["accuracy"].value == pytest.approx(2 / 3)
    assert report.metrics["top5"].value == pytest.approx(2 / 3)
    assert report.details["unread"] == 1
    assert report.details["classes"] == 1000
    # All three are named, one of them wrongly.
    assert report.details["answered"] == 1
    assert report.details["accuracy_answered"] == pytest.approx(2 / 3)
    assert {"palace", "bubble"} <= set(report.labels)
    assert len(report.losses) == 3
    # The daisy is not among the data's classes, and counts as the answer that it is.
    assert report.losses[-1] != report.losses[0]


def test_a_pack_gives_what_the_same_pictures_in_folders_give(model: ImageModel, tmp_path: Path) -> None:
    files = [written(palace()), written(flower()), written(disc())]
    path = folder_of(tmp_path / "data", palace=files[:1], daisy=files[1:2], bubble=files[2:])
    pack = tmp_path / "data.npz"
    write_pack(pack, files, [0, 1, 2], ["palace", "daisy", "bubble"])
    one, other = model.evaluate(path), model.evaluate(pack)
    assert one.n == other.n == 3
    assert one.metrics["accuracy"].value == other.metrics["accuracy"].value
    assert sorted(one.losses) == pytest.approx(sorted(other.losses))


def test_a_class_that_the_model_does_not_know_is_named(model: ImageModel, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="unicorn"):
        model.evaluate(folder_of(tmp_path / "data", unicorn=[written(disc())], palace=[written(disc())]))


def test_one_class_under_two_names_is_refused(model: ImageModel, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="two names"):
        model.evaluate(folder_of(tmp_path / "data", palace=[written(disc())], n03877845=[written(disc())]))


def test_a_folder_without_pictures_is_refused(model: ImageModel, tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        model.evaluate(tmp_path)
    with pytest.raises(BadInput, match="can be read"):
        model.evaluate(folder_of(tmp_path / "data", palace=[b"", b"x"]))


def test_a_pack_that_lies_is_refused(model: ImageModel, tmp_path: Path) -> None:
    blob, names = np.zeros(10, np.uint8), np.array(["palace"])
    rows = {
        "outside": np.array([[5, 6, 0]]),
        "backwards": np.array([[-1, 2, 0]]),
        "classless": np.array([[0, 2, 1]]),
        "flat": np.array([0, 2, 0]),
        "objects": np.array([[0, 2, None]], object),
    }
    for name, index in rows.items():
        path = tmp_path / f"{name}.npz"
        np.savez(path, jpeg=blob, index=index, classes=names)
        with pytest.raises(BadInput, match="no pack"):
            model.evaluate(path)
    path = tmp_path / "text.npz"
    path.write_text("no archive")
    with pytest.raises(BadInput, match="no pack"):
        model.evaluate(path)
