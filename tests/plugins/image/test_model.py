"""The model decodes each picture once, answers a batch item by item, and draws what chat shows."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from plugins.image import chart
from plugins.image.model import SHOWN, Guess, ImageModel, ImageRequest, ImageResult, Words
from shared.errors import BadInput
from shared.model import Device, Failure
from tests.kit import pictures
from tests.plugins.image.photographs import disc, flower, palace, scribble, written

WORDS = Words(caption="Most probable")


@pytest.fixture(scope="module")
def model() -> ImageModel:
    return ImageModel.load(ImageModel.default, Device())


def only(model: ImageModel, request: ImageRequest) -> ImageResult:
    (answer,) = model.predict([request])
    assert isinstance(answer, ImageResult)
    return answer


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def test_five_classes_are_told_in_order_with_their_probabilities(model: ImageModel) -> None:
    answer = only(model, ImageRequest(data=written(palace())))
    assert len(answer.guesses) == SHOWN
    assert answer.guesses[0].english == "palace"
    assert answer.guesses[0].chinese == "宮殿"
    probabilities = [guess.probability for guess in answer.guesses]
    assert probabilities == sorted(probabilities, reverse=True)
    assert 0 < sum(probabilities) < 1
    assert (answer.known, answer.picture, answer.small) == (True, b"", b"")


def test_noise_is_not_named(model: ImageModel) -> None:
    assert not only(model, ImageRequest(data=written(scribble(), "PNG"))).known


def test_with_words_there_is_one_image_of_picture_and_bars_and_a_small_one_to_keep(model: ImageModel) -> None:
    answer = only(model, ImageRequest(data=written(flower()), words=WORDS))
    drawn, small = opened(answer.picture), opened(answer.small)
    assert (drawn.format, small.format) == ("JPEG", "JPEG")
    assert drawn.width > drawn.height > 300
    # The left panel holds the picture, and around it the dark of the other charts.
    middle = np.asarray(drawn.convert("RGB"))[180:220, 180:220].reshape(-1, 3).mean(0)
    wanted = flower()[177:250, 284:356].reshape(-1, 3).mean(0)
    assert np.abs(middle - wanted).max() < 20
    assert np.asarray(drawn.convert("L"))[4].mean() < 50
    assert max(small.size) == 320
    assert len(answer.small) <= chart.SMALL_BYTES
    assert answer.mapped


def test_the_small_picture_is_small_however_little_it_compresses(model: ImageModel) -> None:
    answer = only(model, ImageRequest(data=written(scribble(800), "PNG"), words=WORDS))
    assert len(answer.small) <= chart.SMALL_BYTES


def test_bars_are_grey_where_nothing_is_known() -> None:
    guesses = [Guess(n, f"class {n}", f"類別 {n}", 0.5 - n / 10) for n in range(5)]
    known, unknown = (
        np.asarray(opened(chart.beside(disc(), guesses, known, WORDS)).convert("RGB")).astype(int)
        for known in (True, False)
    )
    bar = (slice(60, 120), slice(410, 560))
    assert (np.ptp(known[bar], axis=2) > 80).any()
    assert not (np.ptp(unknown[bar], axis=2) > 40).any()


@pytest.mark.parametrize(
    "guesses",
    [
        [Guess(0, "w" * 100, "一" * 100, 1.0)],
        [Guess(0, "", "", 0.0)],
        [Guess(n, "@everyone\n**x**\u202e", "😀", 1e-9) for n in range(5)],
    ],
)
def test_charts_of_odd_names_are_drawn(guesses: list[Guess]) -> None:
    assert opened(chart.beside(disc(), guesses, True, Words("標題", chinese=True))).width > 800


@pytest.mark.parametrize("shape", [(1, 1, 3), (6, 1000, 3), (900, 5, 3)])
def test_pictures_of_any_shape_are_drawn_and_mapped(model: ImageModel, shape: tuple[int, int, int]) -> None:
    data = written(np.full(shape, 120, np.uint8), "PNG")
    assert only(model, ImageRequest(data=data, words=WORDS)).picture
    assert only(model, ImageRequest(data=data, decided=3)).picture


def test_a_map_is_laid_over_what_was_looked_at_and_the_rest_is_dark(model: ImageModel) -> None:
    answer = only(model, ImageRequest(data=written(flower()), decided=985))
    assert answer.guesses[0].english == "daisy"
    assert [guess.place for guess in answer.guesses].count(985) == 1
    image = np.asarray(opened(answer.picture).convert("L")).astype(float)
    assert image.shape == (427, 640)
    plain = np.asarray(Image.fromarray(flower()).convert("L")).astype(float)
    assert image[:, :80].mean() < 0.5 * plain[:, :80].mean()
    assert image[150:280, 250:390].mean() > 2 * image[:, :80].mean()


@pytest.mark.parametrize("place", [-1, 1000, 10**9])
def test_a_class_that_is_not_there_is_refused(model: ImageModel, place: int) -> None:
    (answer,) = model.predict([ImageRequest(data=written(disc()), decided=place)])
    assert isinstance(answer, Failure)
    assert answer.refusal


@pytest.mark.parametrize(
    "make",
    [
        pictures.bomb_png,
        pictures.truncated_jpeg,
        pictures.wrong_size_png,
        pictures.svg_named_png,
        pictures.html_named_png,
        pictures.thin_png,
        lambda: b"",
    ],
)
def test_a_bad_picture_of_a_batch_fails_alone(model: ImageModel, make: Callable[[], bytes]) -> None:
    before, bad, after = model.predict(
        [
            ImageRequest(data=written(palace())),
            ImageRequest(data=make()),
            ImageRequest(data=written(palace())),
        ]
    )
    assert isinstance(bad, Failure)
    assert bad.refusal
    assert isinstance(before, ImageResult)
    assert isinstance(after, ImageResult)
    assert before.guesses[0].english == after.guesses[0].english == "palace"


@pytest.mark.parametrize(
    "make",
    [
        pictures.one_pixel_png,
        pictures.sixteen_bit_png,
        pictures.cmyk_jpeg,
        pictures.transparent_png,
        pictures.grey_png,
    ],
)
def test_every_kind_of_picture_that_people_post_is_answered(
    model: ImageModel, make: Callable[[], bytes]
) -> None:
    answer = only(model, ImageRequest(data=make(), words=WORDS))
    assert opened(answer.picture).width > 800


def test_of_an_animation_the_first_picture_is_read(model: ImageModel) -> None:
    assert only(model, ImageRequest(data=pictures.long_webp(2000))).guesses


def test_it_is_not_trained_here_and_says_what_to_do(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("none")
    with pytest.raises(BadInput, match="image-own"):
        ImageModel.train(folder, folder, lambda done, note="": None)
