"""The model that ships reads pictures as people post them, and refuses what cannot be read, one by one."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from PIL import Image

from plugins.digits.model import DigitsModel, DigitsRequest, DigitsResult
from shared.errors import ModelUnavailable
from shared.model import Device, Failure
from shared.pictures import decode, encode
from tests.kit import pictures
from tests.plugins.digits.drawn import written


@pytest.fixture(scope="module")
def model() -> Iterator[DigitsModel]:
    threads = torch.get_num_threads()
    yield DigitsModel.load(DigitsModel.default, Device())
    torch.set_num_threads(threads)


def numbers(result: DigitsResult) -> list[list[str]]:
    return [["".join(str(digit.value) for digit in number) for number in line] for line in result.lines]


def answer(model: DigitsModel, data: bytes) -> DigitsResult:
    (found,) = model.predict([DigitsRequest(data)])
    assert isinstance(found, DigitsResult)
    return found


def test_a_page_is_read_and_comes_back_with_its_boxes(model: DigitsModel) -> None:
    page = written(["205", "34"])
    result = answer(model, encode(page))
    assert numbers(result) == [["205"], ["34"]]
    drawn = decode(result.picture)
    assert drawn.shape[2] == 3
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(result), type=DigitsResult) == result
    first = result.lines[0][0][0]
    assert 0.0 < first.probability <= 1.0
    assert first.box[0] < first.box[2] <= page.shape[1]
    assert sum(share for _, share in first.others) <= 1 - first.probability + 1e-6


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_each_kind_of_picture_is_read(model: DigitsModel, kind: str) -> None:
    assert numbers(answer(model, encode(written(["86"]), kind))) == [["86"]]  # type: ignore[arg-type]


def test_a_transparent_drawing_is_read_on_white(model: DigitsModel, tmp_path: Path) -> None:
    page = written(["47"], (10, 10, 10), (255, 255, 255))
    alpha = 255 - page.min(2)
    drawing = np.dstack([np.zeros_like(page), alpha]).astype(np.uint8)
    Image.fromarray(drawing, "RGBA").save(tmp_path / "d.png")
    assert numbers(answer(model, (tmp_path / "d.png").read_bytes())) == [["47"]]


@pytest.mark.parametrize(
    "make",
    [
        pictures.bomb_png,
        pictures.truncated_jpeg,
        pictures.wrong_size_png,
        pictures.svg_named_png,
        pictures.html_named_png,
        lambda: b"",
    ],
    ids=["bomb", "truncated", "wrong size", "svg", "html", "empty"],
)
def test_what_cannot_be_decoded_fails_alone_in_clear_words(
    model: DigitsModel, make: Callable[[], bytes]
) -> None:
    good = DigitsRequest(encode(written(["3"])))
    before, bad, after = model.predict([good, DigitsRequest(make()), good])
    assert isinstance(bad, Failure)
    assert bad.refusal
    for found in (before, after):
        assert isinstance(found, DigitsResult)
        assert numbers(found) == [["3"]]


@pytest.mark.parametrize(
    "make",
    [
        pictures.thin_png,
        pictures.one_pixel_png,
        pictures.sixteen_bit_png,
        pictures.cmyk_jpeg,
        pictures.grey_png,
        pictures.transparent_png,
        lambda: pictures.long_webp(200),
        lambda: pictures.turned_jpeg(6),
    ],
    ids=["thin", "one pixel", "16 bit", "cmyk", "grey", "transparent", "long webp", "turned"],
)
def test_odd_pictures_get_an_answer(model: DigitsModel, make: Callable[[], bytes]) -> None:
    (found,) = model.predict([DigitsRequest(make())])
    assert isinstance(found, DigitsResult) or found.refusal


def test_a_picture_without_a_digit_has_no_lines_and_no_picture(model: DigitsModel) -> None:
    result = answer(model, encode(np.full((90, 120, 3), 255, np.uint8)))
    assert (result.lines, result.picture) == ([], b"")


def test_the_weights_that_ship_are_small() -> None:
    assert DigitsModel.default is not None
    assert sum(path.stat().st_size for path in DigitsModel.default.iterdir()) < 3 * 2**20


@pytest.mark.parametrize(
    "damage", ["no file", "cut short", "not json", "other format", "other network", "pickle"]
)
def test_damaged_weights_are_refused_in_one_sentence(tmp_path: Path, damage: str) -> None:
    assert DigitsModel.default is not None
    folder = tmp_path / "weights"
    shutil.copytree(DigitsModel.default, folder)
    tensors, words = folder / "weights.safetensors", folder / "model.json"
    match damage:
        case "no file":
            tensors.unlink()
        case "cut short":
            tensors.write_bytes(tensors.read_bytes()[:-100])
        case "not json":
            words.write_bytes(b"\xff\xfe{")
        case "other format":
            words.write_text(words.read_text().replace('"format": 2', '"format": 99'))
        case "other network":
            words.write_text(words.read_text().replace("strong", "dense"))
        case _:
            tensors.write_bytes(b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x07failure\x94.")
    with pytest.raises(ModelUnavailable, match="weights of digits cannot be read"):
        DigitsModel.load(folder, Device())


def test_importing_the_model_imports_nothing_heavy() -> None:
    code = (
        "import sys, plugins.digits\n"
        "heavy = {'numpy', 'scipy', 'sklearn', 'torch', 'torchvision', 'cv2', 'matplotlib', 'safetensors'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    root = Path(__file__).parents[3]
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert ran.stdout.strip() == "[]"
