"""What says whether there is a digit learns from pieces of pictures, and leaves alone which digit is read."""

from collections.abc import Iterator
from copy import deepcopy

import numpy as np
import pytest
import torch

from plugins.digits.beside import make_beside
from plugins.digits.centring import unit
from plugins.digits.data import NONE, Digits
from plugins.digits.mining import typed, with_digits, without_digits
from plugins.digits.model import DigitsModel
from plugins.digits.networks import DIGITS, Strong
from plugins.digits.nondigits import packaged_fonts
from plugins.digits.reader import Reader
from plugins.digits.whether import fit_whether
from shared.model import Device
from tests.plugins.digits.drawn import printed

FONTS = packaged_fonts()[:3]
PICTURE = np.random.default_rng(3).integers(0, 256, (100, 140, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield DigitsModel.load(DigitsModel.default, Device()).reader
    torch.set_num_threads(threads)


def logits(network: Strong, digits: Digits) -> torch.Tensor:
    with torch.no_grad():
        outputs: torch.Tensor = network.eval()(torch.from_numpy(unit(digits.images)).unsqueeze(1))
    return outputs[:, :DIGITS].clone()


def test_it_learns_to_tell_digits_from_pieces_and_changes_no_reading(reader: Reader) -> None:
    network = Strong()
    shipped = deepcopy(reader.network.state_dict())
    network.load_state_dict(
        {name: value for name, value in shipped.items() if "whether" not in name}, strict=False
    )
    new = Reader("strong", network, reader.calibration, Device())
    digits, random = printed(300), np.random.default_rng(4)
    beside = make_beside(300, digits, FONTS, [PICTURE], 1)
    before = logits(network, digits)
    fit_whether(network, reader, digits, beside, FONTS, [PICTURE], 1)
    assert torch.equal(logits(network, digits), before)
    none = without_digits(10, 10, FONTS, [PICTURE], random)
    held = unit(printed(60, seed=9).images)
    assert np.median(new.read(held).whether) > 0.8
    assert np.median(new.read(none).whether) < 0.2
    assert (beside.labels == NONE).any()


def test_pieces_of_pictures_of_digits_are_those_digits(reader: Reader) -> None:
    pieces = with_digits(12, 12, FONTS, printed(40), reader, np.random.default_rng(2))
    assert len(pieces) >= 20
    assert pieces.shape[1:] == (28, 28)
    assert (reader.read(pieces).whether > 0.3).all()
    assert 0.0 <= pieces.min() <= pieces.max() <= 1.0


def test_no_picture_has_no_pieces() -> None:
    assert without_digits(0, 0, FONTS, [], np.random.default_rng(1)).shape == (0, 28, 28)


def test_what_is_typed_fits_its_picture() -> None:
    for text in ("8", "12345678"):
        picture = typed(text, FONTS, np.random.default_rng(7))
        ground = int(np.median(picture))
        assert (np.abs(picture[:, -3:].astype(int) - ground) < 60).all()
        assert (np.abs(picture.astype(int) - ground) > 120).any()
