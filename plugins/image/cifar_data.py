"""Reads packs of small labelled pictures: numpy's .npz with `jpeg` (the files end to end), `index` and `classes`.

Packs may come from anybody: nothing in one is unpickled, and each number is checked before it is used. Imported by the
worker and the trainer only: it needs numpy and Pillow.
"""

import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray
from PIL import Image

from shared.errors import BadInput
from shared.model import Progress

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
MAX_HEADER: Final = 10_000
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
    arrays = _arrays(
        path, {"jpeg": MAX_BYTES, "index": MAX_ROWS * 3 * 8, "classes": MAX_CLASSES * MAX_NAME * 4}
    )
    blob, index, classes = arrays["jpeg"], arrays["index"], arrays["classes"]
    if blob.dtype != np.uint8 or blob.ndim != 1:
        raise _wrong(path, "jpeg holds no row of bytes")
    if index.dtype.kind not in "iu" or index.ndim != 2 or index.shape[1] != 3 or not len(index):
        raise _wrong(path, "index holds no rows of offset, length and class")
    if classes.dtype.kind != "U" or classes.ndim != 1:
        raise _wrong(path, "classes holds no row of names")
    places = _places(path, [str(name) for name in classes])
    if index.dtype == np.uint64 and (index > np.iinfo(np.int64).max).any():
        raise _wrong(path, "a row of index points outside of jpeg")
    index = index.astype(np.int64)
    offsets, lengths, labels = index.T
    # Compared so that no sum can overflow.
    inside = (offsets >= 0) & (lengths > 0) & (lengths <= len(blob)) & (offsets <= len(blob) - lengths)
    if not inside.all():
        raise _wrong(path, f"row {int(np.argmin(inside))} of index points outside of jpeg")
    if not ((labels >= 0) & (labels < len(places))).all():
        raise _wrong(path, "a row of index has a class that is not in classes")
    pixels = np.empty((len(index), SIDE, SIDE, 3), np.uint8)
    for row, (offset, length, _) in enumerate(index):
        pixels[row] = _picture(path, row, blob[offset : offset + length].tobytes())
        if progress is not None and row % 5000 == 0:
            progress(row / len(index), "reading")
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
        raise _wrong(path, f"picture {row} cannot be read: {str(error)[:200]}") from None


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
    lengths = np.array([len(file) for file in files], np.int64)
    index = np.stack([np.cumsum(lengths) - lengths, lengths, np.array(labels, np.int64)], 1)
    blob = np.frombuffer(b"".join(files), np.uint8)
    with path.open("wb") as file:
        np.savez(file, jpeg=blob, index=index, classes=np.array(list(names)))


def _arrays(path: Path, limits: Mapping[str, int]) -> dict[str, NDArray[Any]]:
    """Read the arrays of an .npz, none larger than its limit in bytes: each header is read before its data."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {name: _array(path, archive, name, limit) for name, limit in limits.items()}
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
        raise BadInput("{path} cannot be read: {reason}", path=path, reason=str(error)[:200]) from None


def _array(path: Path, archive: zipfile.ZipFile, name: str, limit: int) -> NDArray[Any]:
    try:
        file = archive.open(f"{name}.npy")
    except KeyError:
        raise _wrong(path, f"it has no array {name}") from None
    with file:
        try:
            version = npy.read_magic(file)
            read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[version]
            shape, fortran, dtype = read(file, max_header_size=MAX_HEADER)
        # numpy reads a header as Python does a literal, and raises errors of as many kinds.
        except Exception as error:
            raise _wrong(path, f"the array {name} cannot be read: {str(error)[:200]}") from None
        # Objects are what a pickle would hold.
        if dtype.hasobject or (fortran and len(shape) > 1):
            raise _wrong(path, f"the array {name} is of a kind that is never read")
        count = 1
        for side in shape:
            count *= int(side)
        size = count * dtype.itemsize
        if min(shape, default=0) < 0 or size > limit:
            raise _wrong(path, f"the array {name} is too large")
        data = file.read(size)
        if len(data) != size:
            raise _wrong(path, f"the array {name} is cut short")
    return np.frombuffer(data, dtype).reshape(shape)


def _wrong(path: Path, reason: str) -> BadInput:
    return BadInput("{path} is no pack of pictures: {reason}.", path=path, reason=reason)
