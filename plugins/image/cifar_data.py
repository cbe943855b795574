"""Reads packs of small labelled pictures: numpy's .npz with `jpeg` (the files end to end), `index` and `classes`.

Packs may come from anybody: nothing in one is unpickled, and each number is checked before it is used. Imported by the
worker and the trainer only: it needs numpy and Pillow.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shared.errors import BadInput
from shared.model import Progress
from shared.packs import files_of, read_arrays, write_files, wrong

SIDE: Final = 32
LABELS: Final = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip
MAX_ROWS: Final = 200_000
MAX_BYTES: Final = 512 << 20
MAX_CLASSES: Final = 1000
MAX_NAME: Final = 64
"""Characters of a class's name."""
MAX_PIXELS: Final = 256 * 256
"""Pixels of a packed picture; those of the data set have 32 x 32."""
Pixels = NDArray[np.uint8]
Integers = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Thumbnails:
    """Pictures (n x 32 x 32 x 3, RGB), and for each the place of its label in `LABELS`."""

    pixels: Pixels
    labels: Integers

    def __len__(self) -> int:
        return len(self.labels)

    def part(self, chosen: Bools) -> "Thumbnails":
        """Return the chosen pictures."""
        return Thumbnails(self.pixels[chosen], self.labels[chosen])


def read_thumbnails(path: Path, progress: Progress | None = None) -> Thumbnails:
    """Read a pack of the ten classes. Raises `BadInput`, which says what is wrong with it."""
    arrays = read_arrays(
        path, {"jpeg": MAX_BYTES, "index": MAX_ROWS * 3 * 8, "classes": MAX_CLASSES * MAX_NAME * 4}
    )
    classes = arrays["classes"]
    if classes.dtype.kind != "U" or classes.ndim != 1:
        raise wrong(path, "classes holds no row of names")
    places = _places(path, [str(name) for name in classes])
    files = files_of(path, "jpeg", arrays["jpeg"], arrays["index"], (3,), "offset, length and class")
    labels = files.others[:, 0]
    if not ((labels >= 0) & (labels < len(places))).all():
        raise wrong(path, "a row of index has a class that is not in classes")
    pixels = np.empty((len(files), SIDE, SIDE, 3), np.uint8)
    for row in range(len(files)):
        pixels[row] = _picture(path, row, files.file(row))
        if progress is not None and row % 5000 == 0:
            progress(row / len(files), "reading")
    return Thumbnails(pixels, np.array(places)[labels])


def _places(path: Path, names: Sequence[str]) -> list[int]:
    """Return the place in `LABELS` of each class of the pack, which may have them in another order, or fewer."""
    known = {label: place for place, label in enumerate(LABELS)}
    if wrong := [name for name in names if name not in known]:
        raise BadInput(
            "{path} has a class {name!r}, which is none of CIFAR-10's.", path=path, name=wrong[0][:MAX_NAME]
        )
    return [known[name] for name in names]


def _picture(path: Path, row: int, data: bytes) -> Pixels:
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ValueError("it is too large")
            return np.asarray(fitted(image.convert("RGB")))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise wrong(path, f"picture {row} cannot be read: {str(error)[:200]}") from None


def fitted(image: Image.Image) -> Image.Image:
    """Return the middle square of a picture at 32 x 32, each pixel the mean of those that it covers."""
    if image.size == (SIDE, SIDE):
        return image
    side = min(image.size)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    kind = Image.Resampling.BOX if side > SIDE else Image.Resampling.BICUBIC
    return image.resize((SIDE, SIDE), kind, (left, top, left + side, top + side))


def write_pack(path: Path, files: Sequence[bytes], labels: Sequence[int], names: Sequence[str]) -> None:
    """Write a pack of pictures, each given as the bytes of its file."""
    write_files(path, "jpeg", files, labels, classes=np.array(list(names)))
