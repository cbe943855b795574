"""Puts together what is trained on beside the data set: images without a digit, and printed digits.

Imported by the trainer only.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from plugins.digits import nondigits
from plugins.digits.data import NONE, Digits

SHARES: Final = {"letters": 0.36, "others": 0.28, "pairs": 0.12}
"""What of the images beside is of which kind; the rest are printed digits."""
LARGEST: Final = 640
MOST_PIXELS: Final = 40_000_000


def make_beside(
    count: int, rows: Digits, fonts: Sequence[Path], pictures: Sequence[NDArray[np.uint8]], seed: int
) -> Digits:
    """Return `count` images, about a quarter of them printed digits; `rows` are the digits that pairs are made of."""
    random = np.random.default_rng(seed)
    sizes = {kind: round(share * count) for kind, share in SHARES.items()}
    printed, labels = nondigits.printed_digits(count - sum(sizes.values()), fonts, random)
    digits = rows.images[rows.labels != NONE]
    images = np.concatenate(
        [
            nondigits.letters(sizes["letters"], fonts, random),
            nondigits.others(sizes["others"], pictures, random),
            nondigits.pairs(sizes["pairs"], digits, random),
            printed,
        ]
    )
    return Digits(images, np.concatenate([np.full(sum(sizes.values()), NONE, np.int64), labels]))


def packaged_pictures() -> list[NDArray[np.uint8]]:
    """Return the two photographs that scikit-learn carries."""
    from sklearn.datasets import load_sample_images

    return [np.asarray(picture) for picture in load_sample_images().images]


def read_pictures(paths: Sequence[Path]) -> list[NDArray[np.uint8]]:
    """Read pictures of a person's own folder; what is none, or too large, is passed over."""
    found = []
    for path in paths:
        try:
            with Image.open(path) as image:
                if image.width * image.height <= MOST_PIXELS:
                    image.thumbnail((LARGEST, LARGEST))
                    found.append(np.asarray(image.convert("RGB")))
        except (OSError, UnidentifiedImageError, ValueError):
            continue
    return found
