"""The packaged network knows what two photographs show, one by one and in batches, and says where it looked."""

from pathlib import Path

import numpy as np
import pytest
import torch

from plugins.image.choose import chosen
from plugins.image.classifier import Classifier, Preparation
from plugins.image.labels import Labels
from plugins.image.lite import LiteNetwork, SameConv, lite_network, prepared
from plugins.image.settings import ImageSettings
from shared.errors import ModelUnavailable
from shared.model import Device
from tests.plugins.image.photographs import Pixels, flower, palace, scribble

DAISY, PALACE = 985, 698


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return chosen(None, Device(), ImageSettings())


def test_photographs_are_recognised_and_noise_is_not(classifier: Classifier) -> None:
    found = classifier.probabilities([flower(), palace(), scribble()])
    assert found.shape == (3, 1000)
    assert np.allclose(found.sum(1), 1)
    assert found[:2].argmax(1).tolist() == [DAISY, PALACE]
    assert [classifier.knows(row) for row in found] == [True, True, False]


def test_a_batch_says_what_each_picture_alone_says(classifier: Classifier) -> None:
    pictures = [flower(), palace()[:, ::-1], scribble(), flower()[100:, 200:]] * 9
    together = classifier.probabilities(pictures)
    assert len(together) == 36
    for row in range(4):
        assert np.allclose(together[row], classifier.probabilities([pictures[row]])[0], atol=1e-4)
        assert np.allclose(together[row], together[row + 32], atol=1e-4)


def test_what_is_looked_at_is_the_middle_of_the_shorter_side() -> None:
    preparation = Preparation(side=32, share=0.5)
    picture: Pixels = np.zeros((100, 300, 3), np.uint8)
    picture[25:75, 125:175] = 255
    assert preparation.window(picture) == (125, 25, 175, 75)
    square = preparation.squares([picture])[0]
    assert square.shape == (32, 32, 3)
    # The filter reaches a little over the edge.
    assert (square[2:-2, 2:-2] == 255).all()
    assert (square > 200).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 1024), (1024, 1), (3, 900)])
def test_pictures_of_any_shape_are_read(classifier: Classifier, size: tuple[int, int]) -> None:
    found = classifier.probabilities([np.full((*size, 3), 90, np.uint8)])
    assert np.isfinite(found).all()


def test_the_map_of_a_class_is_on_the_thing_itself(classifier: Classifier) -> None:
    heat = classifier.heat(flower(), DAISY)
    assert heat.shape == (7, 7)
    assert (heat.min() >= 0, heat.max()) == (True, 1.0)
    # The flower fills the middle; the corners are meadow.
    corners = heat[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert heat[2:5, 2:5].mean() > 2 * corners.mean()


def test_another_class_has_another_map(classifier: Classifier) -> None:
    one, other = classifier.heat(palace(), PALACE), classifier.heat(palace(), 975)
    assert float(np.abs(one - other).mean()) > 0.05


def test_asking_for_a_map_changes_no_answer(classifier: Classifier) -> None:
    before = classifier.probabilities([palace()])
    classifier.heat(palace(), PALACE)
    assert np.array_equal(before, classifier.probabilities([palace()]))


class Toy(torch.nn.Module):
    """One channel is how red each part is; the first class is their mean, the second its opposite."""

    def __init__(self) -> None:
        super().__init__()
        self.maps = torch.nn.AvgPool2d(4)
        self.sign = torch.nn.Parameter(torch.tensor([[1.0], [-1.0]]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits n x 2."""
        found: torch.Tensor = self.maps(x)[:, :1].mean((2, 3)) @ self.sign.T
        return found


def test_the_map_is_what_the_paper_s_formula_gives() -> None:
    toy = Classifier(Toy(), Labels.of(["red", "other"]), Preparation(16, 1.0, (0.0,) * 3, (1.0,) * 3))
    picture = np.zeros((16, 16, 3), np.uint8)
    picture[:4, :4, 0] = 255
    picture[4:8, 4:8, 0] = 51
    heat = toy.heat(picture, 0)
    assert heat.shape == (4, 4)
    assert heat[0, 0] == pytest.approx(1.0)
    assert heat[1, 1] == pytest.approx(0.2)
    assert float(heat.sum()) == pytest.approx(1.2)
    # Nothing speaks for its opposite.
    assert not toy.heat(picture, 1).any()


def test_a_network_of_another_number_of_classes_is_refused() -> None:
    with pytest.raises(ValueError, match="not 1 × 3"):
        Classifier(Toy(), Labels.of(["a", "b", "c"]), Preparation(16))


def test_padding_is_tensorflow_s() -> None:
    conv = SameConv(1, 1, 3, 2, bias=False)
    torch.nn.init.ones_(conv.weight)
    # With an even side the odd pixel is below and right: the first window sees nine pixels, the last four.
    found = conv(torch.ones(1, 1, 4, 4))
    assert found[0, 0].tolist() == [[9, 6], [6, 4]]


def test_features_for_transfer_learning_are_those_below_the_last_layer() -> None:
    network = lite_network()
    x = prepared(torch.from_numpy(np.ascontiguousarray(flower()[None, 100:324, 200:424])))
    with torch.inference_mode():
        features = network.features(x)
        assert features.shape == (1, 1280)
        assert torch.equal(network.classifier(features), network(x))


def test_weights_that_are_damaged_are_refused(tmp_path: Path) -> None:
    (tmp_path / "weights.safetensors").write_bytes(b"no weights")
    with pytest.raises(ModelUnavailable):
        lite_network(tmp_path)
    assert sum(p.numel() for p in LiteNetwork().parameters()) == pytest.approx(4.63e6, rel=0.01)
