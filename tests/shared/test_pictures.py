"""Pictures as people and others send them become pixels, or a clear refusal."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from shared.boxes import COLOURS, Box, boxed
from shared.errors import BadInput
from shared.inputs import Upload
from shared.model import Failure
from shared.parameters import Limits, read_image
from shared.pictures import decode, decode_all, encode
from tests.kit import pictures

LIMITS = Limits(10_000_000, 40_000_000)


@pytest.mark.parametrize(
    "make",
    [
        pictures.truncated_jpeg,
        pictures.wrong_size_png,
        pictures.svg_named_png,
        pictures.html_named_png,
        pictures.thin_png,
        pictures.bomb_png,
        bytes,
    ],
)
def test_what_is_no_whole_picture_is_refused_and_disturbs_no_other(make: Callable[[], bytes]) -> None:
    data = make()
    with pytest.raises(BadInput):
        decode(data)
    good, bad, other = decode_all([pictures.grey_png(), data, pictures.cmyk_jpeg()])
    assert isinstance(bad, Failure)
    assert bad.refusal
    assert not isinstance(good, Failure)
    assert not isinstance(other, Failure)


@pytest.mark.parametrize(
    "make",
    [pictures.grey_png, pictures.cmyk_jpeg, pictures.sixteen_bit_png, pictures.one_pixel_png],
)
def test_whatever_its_colours_a_picture_becomes_red_green_and_blue(make: Callable[[], bytes]) -> None:
    pixels = decode(make())
    assert pixels.dtype == np.uint8
    assert pixels.shape[2] == 3


def test_grey_of_sixteen_bits_is_as_light_as_grey_of_eight() -> None:
    one, other = decode(pictures.grey_png()), decode(pictures.sixteen_bit_png())
    assert np.abs(one.astype(int) - other.astype(int)).max() <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photograph_is_turned_as_its_camera_was_held(orientation: int) -> None:
    turn = {3: 2, 6: 3, 8: 1}
    upright, turned = decode(pictures.turned_jpeg(1)), decode(pictures.turned_jpeg(orientation))
    if orientation in turn:
        expected = np.rot90(upright, turn[orientation])
        assert turned.shape == expected.shape
        assert np.abs(turned.astype(int) - expected.astype(int)).mean() < 4
    assert (turned.shape[0] > turned.shape[1]) == (orientation >= 5)


def test_what_is_transparent_shows_the_ground() -> None:
    assert decode(pictures.transparent_png())[10, 10].tolist() == [255, 255, 255]
    assert decode(pictures.transparent_png(), ground=(1, 2, 3))[10, 10].tolist() == [1, 2, 3]


def test_the_first_frame_of_a_long_animation_is_enough() -> None:
    assert decode(pictures.long_webp(2_000)).shape == (24, 32, 3)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_a_large_picture_is_shrunk_whatever_its_kind(kind: str) -> None:
    image = pictures.photo((900, 600))
    pixels = decode(pictures.written(image.quantize() if kind == "GIF" else image, kind), longest=300)
    assert pixels.shape == (200, 300, 3)
    small = np.asarray(image.resize((300, 200), Image.Resampling.BICUBIC))
    assert np.abs(pixels.astype(int) - small.astype(int)).mean() < 12


def test_heic_is_read_where_its_library_is(tmp_path: object) -> None:
    heif = pytest.importorskip("pillow_heif", reason="the extra `heic` is not installed")
    heif.register_heif_opener()
    data = pictures.written(pictures.photo((128, 96)), "HEIF")
    found = read_image(Upload("photo.heic", data), LIMITS)
    assert (found.format, found.width, found.height) == ("HEIF", 128, 96)
    assert decode(data).shape == (96, 128, 3)
    with pytest.raises(BadInput, match="too many pixels"):
        read_image(Upload("photo.heic", data), Limits(10_000_000, 1_000))


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=80), st.integers(0, 400), st.sampled_from(["PNG", "JPEG", "WEBP", "GIF", "BMP"]))
def test_broken_files_are_refused_and_never_more(noise: bytes, at: int, kind: str) -> None:
    whole = pictures.written(pictures.photo((24, 16)), kind)
    data = whole[:at] + noise + whole[at + len(noise) :]
    try:
        pixels = decode(data, longest=64)
    except BadInput:
        return
    assert pixels.ndim == 3
    assert max(pixels.shape[:2]) <= 64


def test_boxes_and_names_are_drawn_where_they_belong() -> None:
    plain = np.full((300, 600, 3), 120, np.uint8)
    drawn = boxed(plain, [Box(100, 100, 200, 200, "王小明", "good"), Box(-50, -50, 40, 40, "x" * 500, "bad")])
    assert drawn.shape == plain.shape
    assert drawn[150, 100].tolist() == list(COLOURS["good"])
    assert drawn[150, 150].tolist() == [120, 120, 120]
    assert (drawn[75:99, 100:160] != 120).any(), "the name stands above its box"
    assert (drawn[250:] == 120).all()


def test_a_small_picture_is_enlarged_so_that_its_labels_can_be_read() -> None:
    drawn = boxed(np.zeros((28, 56, 3), np.uint8), [Box(0, 0, 27, 27, "7")])
    assert drawn.shape == (240, 480, 3)


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_what_is_written_can_be_read(kind: str) -> None:
    pixels = np.asarray(pictures.photo())
    again = decode(encode(pixels, kind))  # type: ignore[arg-type]
    assert np.abs(again.astype(int) - pixels.astype(int)).mean() < 6
    assert Image.open(io.BytesIO(encode(pixels, kind))).format == kind.upper()  # type: ignore[arg-type]
