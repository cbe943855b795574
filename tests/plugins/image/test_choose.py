"""Settings may name any classifier of torchvision or timm, with weights that hold no code."""

from pathlib import Path

import numpy as np
import pytest
import torch

from plugins.image.choose import chosen
from plugins.image.lite import FOLDER
from plugins.image.settings import ImageSettings
from shared.errors import ModelUnavailable
from shared.model import Device
from tests.plugins.image.photographs import disc, flower, lettered, of_timm, of_torchvision, saved, scribble

NAMES = ["tench", "unicorn", "n02510455"]


def hub(path: Path, name: str, **config: object) -> Path:
    """Return a folder as a hub has it: weights of three classes, and a config."""
    network = of_timm(name, num_classes=3)
    return saved(path, network, {"architecture": name, "num_classes": 3, "label_names": NAMES, **config})


def test_without_settings_the_weights_that_ship_answer() -> None:
    for folder in (None, FOLDER):
        found = chosen(folder, Device(), ImageSettings())
        assert (len(found.labels), found.mapped, found.preparation.side) == (1000, True, 224)


def test_a_threshold_of_settings_goes_before_the_model_s_own() -> None:
    assert chosen(None, Device(), ImageSettings(threshold=0.9)).threshold == 0.9


def test_a_threshold_that_settings_name_decides_alone() -> None:
    everything = chosen(None, Device(), ImageSettings(threshold=0))
    assert everything.read([scribble(), lettered("A")]).known.all()


def test_a_network_of_torchvision_answers_with_a_map_and_the_preparation_it_was_trained_with(
    tmp_path: Path,
) -> None:
    torch.manual_seed(0)
    folder = saved(tmp_path / "net", of_torchvision("squeezenet1_1"))
    found = chosen(None, Device(), ImageSettings(classifier="torchvision:squeezenet1_1", weights=folder))
    assert (found.preparation.side, found.preparation.bilinear) == (224, True)
    assert found.preparation.share == pytest.approx(224 / 256)
    assert found.labels.rows[388][2] == "大貓熊"
    assert found.probabilities([flower(), disc()]).shape == (2, 1000)
    assert found.name == "torchvision:squeezenet1_1"
    assert found.mapped


def test_the_weights_may_be_the_file_itself(tmp_path: Path) -> None:
    folder = saved(tmp_path / "net", of_torchvision("squeezenet1_1"))
    file = folder / "model.safetensors"
    assert chosen(None, Device(), ImageSettings(classifier="torchvision:squeezenet1_1", weights=file)).mapped


def test_a_hub_folder_of_timm_says_its_network_its_names_and_its_preparation_itself(tmp_path: Path) -> None:
    cfg = {"input_size": [3, 96, 96], "crop_pct": 1.0, "mean": [0.5] * 3, "std": [0.25] * 3}
    folder = hub(tmp_path / "hub", "test_resnet", pretrained_cfg={**cfg, "interpolation": "bicubic"})
    found = chosen(folder, Device(), ImageSettings())
    assert [row[1:] for row in found.labels.rows] == [
        ("tench", "丁鱥"),
        ("unicorn", "unicorn"),
        ("giant panda", "大貓熊"),
    ]
    assert (found.preparation.side, found.preparation.share) == (96, 1.0)
    assert found.preparation.spread == (0.25, 0.25, 0.25)
    # Its source is the hub's, which the core names.
    assert found.name == ""
    heat = found.heat(disc(), 1)
    assert heat.shape[0] == heat.shape[1] > 1
    assert np.isfinite(heat).all()


def test_its_answers_are_those_of_the_network_itself(tmp_path: Path) -> None:
    torch.manual_seed(1)
    network = of_timm("test_efficientnet", num_classes=3)
    config = {"architecture": "test_efficientnet", "label_names": NAMES, "num_classes": 3}
    found = chosen(saved(tmp_path / "net", network, config), Device(), ImageSettings())
    square = found.preparation.squares([disc()])
    mean, spread = (torch.tensor(v) for v in (found.preparation.mean, found.preparation.spread))
    x = ((torch.from_numpy(square).float() / 255 - mean) / spread).permute(0, 3, 1, 2)
    with torch.inference_mode():
        wanted = network.eval()(x).softmax(1).numpy()
    assert np.allclose(found.probabilities([disc()]), wanted, atol=1e-5)


@pytest.mark.parametrize("name", ["test_convnext", "test_mambaout", "test_efficientnet"])
def test_networks_of_many_kinds_have_a_map(tmp_path: Path, name: str) -> None:
    found = chosen(hub(tmp_path / "net", name), Device(), ImageSettings())
    assert found.mapped
    assert found.heat(disc(), 0).ndim == 2


def test_a_transformer_of_tokens_answers_but_has_no_map(tmp_path: Path) -> None:
    found = chosen(hub(tmp_path / "net", "test_vit"), Device(), ImageSettings())
    assert found.probabilities([disc()]).shape == (1, 3)
    assert not found.mapped
    with pytest.raises(ValueError, match="no feature map"):
        found.heat(disc(), 0)


def test_a_network_named_without_weights_is_refused_with_the_remedy() -> None:
    with pytest.raises(ModelUnavailable, match="HEARTH_IMAGE_WEIGHTS"):
        chosen(None, Device(), ImageSettings(classifier="timm:test_vit"))


@pytest.mark.parametrize(
    "name", ["torchvision:no_such", "timm:no_such", "torchvision:fasterrcnn_resnet50_fpn"]
)
def test_an_unknown_network_is_refused(tmp_path: Path, name: str) -> None:
    folder = saved(tmp_path / "net", torch.nn.Linear(2, 2))
    with pytest.raises(ModelUnavailable, match="has no"):
        chosen(None, Device(), ImageSettings(classifier=name, weights=folder))


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    folder = saved(tmp_path / "net", torch.nn.Linear(2, 2))
    with pytest.raises(ModelUnavailable, match="cannot be used"):
        chosen(None, Device(), ImageSettings(classifier="timm:test_resnet", weights=folder))


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    folder = tmp_path / "net"
    folder.mkdir()
    torch.save(of_timm("test_resnet").state_dict(), folder / "pytorch_model.bin")
    with pytest.raises(ModelUnavailable, match="may hold code"):
        chosen(None, Device(), ImageSettings(classifier="timm:test_resnet", weights=folder))
    settings = ImageSettings(classifier="timm:test_resnet", weights=folder / "pytorch_model.bin")
    with pytest.raises(ModelUnavailable, match="may hold code"):
        chosen(None, Device(), settings)


@pytest.mark.parametrize(
    "config",
    ["[]", "{", '{"num_classes": "many"}', '{"num_classes": -1}', '{"num_classes": 3, "label_names": ["a"]}'],
)
def test_a_broken_config_is_refused(tmp_path: Path, config: str) -> None:
    folder = hub(tmp_path / "net", "test_resnet")
    (folder / "config.json").write_text(config, encoding="utf-8")
    with pytest.raises(ModelUnavailable):
        chosen(folder, Device(), ImageSettings())


@pytest.mark.parametrize("name", ["resnet50", "timm:", "hub:resnet50", "timm:../x", "torchvision:a b"])
def test_a_setting_that_names_no_network_ends_the_start(name: str) -> None:
    with pytest.raises(ValueError, match="classifier"):
        ImageSettings(classifier=name)
