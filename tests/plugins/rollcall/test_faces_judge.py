"""The face models are judged and trained on a folder of photos, and say what is wrong with a folder."""

import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance, ImageOps
from safetensors.torch import save_file

from plugins.rollcall.faces import FaceModel
from plugins.rollcall.faces_data import read_people
from plugins.rollcall.judge import identified
from plugins.rollcall.match import FILE
from plugins.rollcall.vgg import FaceVggModel, VggRequest, VggResult
from shared.device import prepare_torch
from shared.errors import BadInput, ModelUnavailable
from shared.model import Device
from tests.plugins.rollcall.classroom import landscape, pair, portrait


def silent(done: float, note: str = "") -> None:
    """Take no notice of progress."""


def write_folder(folder: Path) -> Path:
    """Write three photos of a face, and three of it solarized, which stand for two people."""
    folder.mkdir()
    rows = ["file,person"]
    plain = Image.open(io.BytesIO(portrait(220).data))
    for person, picture in (("plain", plain), ("solar", ImageOps.solarize(plain, 128))):
        for at, light in enumerate((1.0, 0.8, 1.1)):
            ImageEnhance.Brightness(picture).enhance(light).save(folder / f"{person}{at}.jpg", quality=92)
            rows.append(f"{person}{at}.jpg,{person}")
    (folder / "people.csv").write_text("\n".join(rows) + "\n")
    return folder


def write_few(photos: Path, folder: Path) -> Path:
    """Write two photos of the one, and one of the other."""
    folder.mkdir()
    rows = ["file,person"]
    for name in ("plain0.jpg", "plain1.jpg", "solar0.jpg"):
        (folder / name).write_bytes((photos / name).read_bytes())
        rows.append(f"{name},{name[:5]}")
    (folder / "people.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("judge") / "photos")


@pytest.fixture(scope="module")
def model() -> FaceModel:
    return FaceModel.load(FaceModel.default, Device())


def test_photos_are_judged_with_intervals_beside_the_baseline(model: FaceModel, photos: Path) -> None:
    report = model.evaluate(photos)
    assert report.n == 6
    assert len(report.losses) == 6
    assert set(report.metrics) == {
        "accuracy", "identification_rate", "unknown_named_rate", "verification_auc", "eer",
        "false_accept_rate", "false_reject_rate",
    }  # fmt: skip
    assert report.baseline == {"accuracy": 0.5, "verification_auc": 0.5, "eer": 0.5}
    assert report.metrics["accuracy"].value == 1.0
    assert report.metrics["verification_auc"].value > 0.9
    assert report.details["pairs"] == {"of one person": 6, "of two": 9}
    assert report.details["threshold"] == model.rule.threshold


def test_photos_without_or_with_several_faces_are_counted(
    model: FaceModel, photos: Path, tmp_path: Path
) -> None:
    folder = write_folder(tmp_path / "photos")
    (folder / "empty.jpg").write_bytes(landscape().data)
    (folder / "pair.jpg").write_bytes(pair().data)
    (folder / "broken.jpg").write_bytes(b"no picture")
    with (folder / "people.csv").open("a") as table:
        table.write("empty.jpg,plain\npair.jpg,plain\nbroken.jpg,solar\n")
    report = model.evaluate(folder)
    counted = report.details["photos"]
    assert counted["without one found"] == ["empty.jpg"]
    assert counted["with several, the largest taken"] == ["pair.jpg"]
    assert counted["unreadable"] == ["broken.jpg"]
    # What was not found is a mistake.
    assert report.n == 9
    assert report.metrics["accuracy"].value == pytest.approx(7 / 9)


def test_training_writes_a_threshold_that_loads(photos: Path, tmp_path: Path) -> None:
    report = FaceModel.train(write_few(photos, tmp_path / "few"), tmp_path / "weights", silent)
    assert json.loads((tmp_path / "weights" / FILE).read_text())["threshold"] == report.details["threshold"]
    assert report.details["robustness"]["as they are"]["found"] == 1.0
    again = FaceModel.load(tmp_path / "weights", Device())
    assert again.rule.threshold == report.details["threshold"]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (None, "people.csv"),
        ("file,who\na.jpg,b\n", "person"),
        ("file,person\nmissing.jpg,a\n", "missing.jpg"),
        ("file,person\n../people.csv,a\n", "there is no photo"),
        ("file,person\n,a\n", "line 2"),
        ("file,person\nplain0.jpg,a\nplain0.jpg,b\n", "twice"),
    ],
)
def test_a_bad_folder_is_refused_by_name(photos: Path, tmp_path: Path, table: str | None, words: str) -> None:
    (tmp_path / "plain0.jpg").write_bytes((photos / "plain0.jpg").read_bytes())
    if table is not None:
        (tmp_path / "people.csv").write_text(table)
    with pytest.raises(BadInput, match=words):
        read_people(tmp_path)


def test_one_person_alone_cannot_be_judged(model: FaceModel, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "plain0.jpg").write_bytes((photos / "plain0.jpg").read_bytes())
    (tmp_path / "people.csv").write_text("file,person\nplain0.jpg,a\n")
    with pytest.raises(BadInput, match="two people"):
        model.evaluate(tmp_path)


def test_identification_leaves_photo_and_person_out() -> None:
    places = np.array([0.0, 0.1, 5.0, 5.2, 5.3])
    distance = np.abs(places[:, None] - places)
    found = identified(distance, np.array([0, 0, 1, 1, 2]), 0.15)
    assert found["possible"].tolist() == [True, True, True, True, False]
    assert found["right"].tolist() == [True, True, True, False, False]
    assert found["named"].tolist() == [True, True, False, False, False]
    assert found["mistaken"].tolist() == [False, False, False, True, True]


def test_a_layer_is_trained_on_the_packaged_network_and_answers(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A quarter of the work; convolutions take faces of any size.
    monkeypatch.setattr("plugins.rollcall.vgg_backbone.SIDE", 112)
    report = FaceVggModel.train(photos, tmp_path / "weights", silent)
    assert report.details["backbone"] == "efficientnet-lite0"
    assert report.metrics["accuracy"].value > report.baseline["accuracy"]
    assert report.reference["embeddings, nearest photo"]["accuracy"] == 1.0
    model = FaceVggModel.load(tmp_path / "weights", Device())
    (answer,) = model.predict([VggRequest((photos / "solar0.jpg").read_bytes())])
    assert isinstance(answer, VggResult)
    assert [face.person for face in answer.faces] == ["solar"]
    assert answer.faces[0].probability > 0.5
    assert model.evaluate(photos).metrics["accuracy"].value == 1.0


def test_vgg_is_read_from_the_file_that_is_set(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare_torch()
    from torchvision.models.vgg import cfgs, make_layers

    torch.manual_seed(1)
    layers = make_layers(cfgs["D"])
    state = {f"features.{name}": each for name, each in layers.state_dict().items()}
    save_file(state, tmp_path / "vgg.safetensors")
    monkeypatch.setenv("HEARTH_ROLLCALL_VGG", str(tmp_path / "vgg.safetensors"))
    # Its weights are chance: nothing would be recognised on large faces either.
    monkeypatch.setattr("plugins.rollcall.vgg_backbone.SIDE", 64)
    report = FaceVggModel.train(write_few(photos, tmp_path / "few"), tmp_path / "weights", silent)
    assert report.details["backbone"] == "vgg16"
    assert report.details["source"] == "vgg.safetensors"
    model = FaceVggModel.load(tmp_path / "weights", Device())
    (answer,) = model.predict([VggRequest((photos / "solar0.jpg").read_bytes())])
    assert isinstance(answer, VggResult)
    assert len(answer.faces) == 1


def test_weights_that_are_not_vggs_are_refused(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_file({"features.0.weight": torch.zeros(2, 2)}, tmp_path / "other.safetensors")
    (tmp_path / "evil.pth").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    for path in (tmp_path / "other.safetensors", tmp_path / "evil.pth", tmp_path / "missing.pth"):
        monkeypatch.setenv("HEARTH_ROLLCALL_VGG", str(path))
        with pytest.raises(BadInput):
            FaceVggModel.train(photos, tmp_path / "weights", silent)


def test_an_untrained_layer_says_so() -> None:
    with pytest.raises(ModelUnavailable):
        FaceVggModel.load(None, Device())


def test_the_shipped_threshold_tells_real_people_apart(model: FaceModel) -> None:
    folder = Path(os.environ.get("HEARTH_TEST_DATA", "")) / "faces"
    if not os.environ.get("HEARTH_TEST_DATA") or not folder.is_dir():
        pytest.skip("HEARTH_TEST_DATA names no folder with faces/")
    metrics = model.evaluate(folder).metrics
    assert metrics["accuracy"].value >= 0.95
    assert metrics["verification_auc"].value >= 0.98
    assert metrics["false_accept_rate"].value <= 0.02
