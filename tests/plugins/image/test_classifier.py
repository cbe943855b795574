"""The packaged network knows what two photographs show, one by one and in batches, and says where it looked."""

import numpy as np
import pytest
import torch

from plugins.image.choose import chosen
from plugins.image.classifier import Classifier, Preparation
from plugins.image.labels import Labels
from plugins.image.settings import ImageSettings
from shared.model import Device
from tests.plugins.image.photographs import Pixels, disc, flower, lettered, palace, scribble

DAISY, PALACE = 985, 698


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return chosen(None, Device(), ImageSettings())


def test_photographs_are_recognised_and_noise_is_not(classifier: Classifier) -> None:
    found, known = classifier.read([flower(), palace(), scribble()])
    assert found.shape == (3, 1000)
    assert np.allclose(found.sum(1), 1)
    assert found[:2].argmax(1).tolist() == [DAISY, PALACE]
    assert known.tolist() == [True, True, False]


def test_drawings_and_letters_are_not_named_however_probable_a_class_is(classifier: Classifier) -> None:
    drawn = [disc(), lettered("A"), lettered("我")]
    assert not classifier.read(drawn).known.any()
    # By themselves the probabilities would have it otherwise.
    assert (np.sort(classifier.probabilities(drawn), axis=1)[:, -3:].sum(1) >= classifier.threshold).any()


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
