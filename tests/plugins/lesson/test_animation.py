"""The film of a lesson: as many pictures as are bearable, the last one held, and the same bytes for the same seed."""

import io

import pytest
from PIL import Image

from plugins.lesson.animation import LAST_MS, MOST_FRAMES, chosen_epochs
from plugins.lesson.demonstrations import demonstrate
from plugins.lesson.perceptrons import NetworkRequest, PerceptronRequest, PictureWords

WORDS = PictureWords(title="兩層網路", epoch="回合", accuracy="準確率", loss="損失")


@pytest.mark.parametrize("last", [0, 1, 47, 48, 500, 3000])
def test_the_first_and_the_last_epoch_are_always_shown(last: int) -> None:
    shown = chosen_epochs(last)
    assert (shown[0], shown[-1]) == (0, last)
    assert len(shown) <= MOST_FRAMES
    assert shown == sorted(set(shown))


def test_a_seed_gives_one_film_whose_last_picture_is_held() -> None:
    request = NetworkRequest(
        data="circles", points=None, hidden=3, activation="tanh", rate=0.5, epochs=20, seed=7, words=WORDS
    )
    film = demonstrate(request)
    assert film.gif == demonstrate(request).gif
    assert len(film.gif) < 3_000_000
    with Image.open(io.BytesIO(film.gif)) as gif:
        frames = gif.n_frames  # type: ignore[attr-defined]
        # Pictures that do not differ are one.
        assert 10 < frames <= 21
        gif.seek(frames - 1)
        assert gif.info["duration"] >= LAST_MS


def test_a_film_shows_the_side_that_each_corner_is_on() -> None:
    request = PerceptronRequest(
        data="and", points=None, bias="textbook", rate=0.1, epochs=100, seed=0, words=WORDS
    )
    with Image.open(io.BytesIO(demonstrate(request).gif)) as gif:
        gif.seek(gif.n_frames - 1)  # type: ignore[attr-defined]
        last = gif.convert("RGB")
    # The plane is 320 pixels wide and begins at (24, 92); its corners are beyond the points of the same corners.
    corners = {
        "top right": (340, 96),
        "top left": (28, 96),
        "bottom left": (28, 408),
        "bottom right": (340, 408),
    }
    orange = {name for name, at in corners.items() if _red(last, at)}
    assert orange == {"top right"}


def _red(picture: Image.Image, at: tuple[int, int]) -> bool:
    pixel = picture.getpixel(at)
    assert isinstance(pixel, tuple)
    return pixel[0] > pixel[2]
