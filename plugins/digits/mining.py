"""Makes pieces as the finder cuts them out of whole pictures, with a digit in them and without.

A patch of a photograph that was thresholded and centred looks like no patch that was not, so what refuses must learn
from these. Imported by the trainer only.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from plugins.digits.centring import Floats, unit
from plugins.digits.components import clear, pieces_of
from plugins.digits.data import Digits
from plugins.digits.finder import CLEAR
from plugins.digits.ink import Pixels, prepared, ways
from plugins.digits.nondigits import drawn_shape
from plugins.digits.pages import photographed
from plugins.digits.reader import Reader

PLAIN: Final = "abcdefghjkmnprtuvwxyACDEFGHJKLMNPQRTUVWXY"
"""Letters that are a digit in no usual hand or font."""
LARGER: Final = (1, 2, 4, 7, 10)
"""By how much small pictures are enlarged, as screens and people do."""
SMALL: Final = 128
TEXT: Final = (40, 160)
"""Pixels of the height of letters."""
OF_A_PICTURE: Final = 25
OF_A_LETTER: Final = 3
LIKELY: Final = 0.3
"""Pieces of a picture of a digit are taken for it only where the network reads that digit, this surely."""
Random = np.random.Generator


def without_digits(
    letters: int, shapes: int, fonts: Sequence[Path], pictures: Sequence[Pixels], random: Random
) -> Floats:
    """Return the pieces (n x 28 x 28) of so many pictures of a letter, of a shape, and of each of `pictures`."""
    made: list[Floats] = []
    for picture in pictures:
        made += _pieces(_resized(picture, random), OF_A_PICTURE)
    for _ in range(letters):
        made += _pieces(typed(str(random.choice(list(PLAIN))), fonts, random), OF_A_LETTER)
    for _ in range(shapes):
        drawn = cv2.resize(255 - np.rint(drawn_shape(random) * 255).astype(np.uint8), (300, 300))
        made += _pieces(np.repeat(drawn[..., None], 3, 2), OF_A_LETTER)
    return np.stack(made) if made else np.zeros((0, 28, 28), np.float32)


def with_digits(
    printed: int, shown: int, fonts: Sequence[Path], digits: Digits, reader: Reader, random: Random
) -> Floats:
    """Return the pieces of so many pictures of a printed digit, and of a handwritten one in uneven light."""
    made: list[Floats] = []
    labels: list[int] = []

    def add(picture: Pixels, label: int) -> None:
        pieces = _pieces(picture, OF_A_LETTER)
        made.extend(pieces)
        labels.extend([label] * len(pieces))

    for _ in range(printed):
        label = int(random.integers(10))
        add(typed(str(label), fonts, random), label)
    for chosen in random.integers(len(digits), size=shown).tolist():
        add(_photo(digits.images[chosen], random), int(digits.labels[chosen]))
    if not made:
        return np.zeros((0, 28, 28), np.float32)
    images = np.stack(made)
    read = reader.read(images)
    right = (read.which.argmax(1) == np.array(labels)) & (read.whether > LIKELY)
    return np.asarray(images[right], np.float32)


def _photo(image: NDArray[np.uint8], random: Random) -> Pixels:
    side = int(random.integers(28, 320))
    ink = np.clip(cv2.resize(unit(image), (side, side), interpolation=cv2.INTER_CUBIC), 0, 1)
    if random.random() < 0.4:
        ink = cv2.GaussianBlur(ink, (0, 0), side * random.uniform(0.005, 0.025))
    return photographed(np.asarray(ink, np.float32), random)


def typed(text: str, fonts: Sequence[Path], random: Random) -> Pixels:
    """Return a picture of a text in a random font: dark on bright or the other way round, with a little noise."""
    size = int(random.integers(*TEXT))
    face = ImageFont.truetype(str(fonts[int(random.integers(len(fonts)))]), size)
    wide = max(int(random.integers(200, 700)), round(face.getlength(text)) + 40)
    image = Image.new("L", (wide, int(size * 1.8)), 245)
    ImageDraw.Draw(image).text((15, 10), text, fill=20, font=face)
    grey: NDArray[np.float64] = np.asarray(image) + random.normal(0, 4, (image.height, image.width))
    picture = np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[..., None], 3, 2)
    return picture if random.random() < 0.8 else 255 - picture


def _resized(picture: Pixels, random: Random) -> Pixels:
    scale = int(random.choice(LARGER)) if max(picture.shape[:2]) <= SMALL else 1
    return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale), np.uint8) if scale > 1 else picture


def _pieces(picture: Pixels, most: int) -> list[Floats]:
    """Return what each way to see a picture makes of its largest components, as the finder would have it read."""
    grey, _ = prepared(picture)
    found = [pieces_of(ink) for ink in ways(grey)]
    return [
        pieces.image(each)
        for pieces in found
        for each in pieces.components[:most]
        if clear(pieces, each) >= CLEAR
    ]
