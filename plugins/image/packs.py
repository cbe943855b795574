"""Reads packs of labelled pictures of any size: numpy's .npz with `jpeg`, `index` and `classes`; nothing is unpickled.

The reader of `plugins.image.cifar_data` makes 32 x 32 pixels of a pack at once; here files stay as they are.
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared.errors import BadInput

MAX_BYTES: Final = 1 << 30
MAX_CLASSES: Final = 50_000
ARRAYS: Final = ("jpeg", "index", "classes")


@dataclass(frozen=True)
class Pack:
    """Names of classes, and for each picture the place of its class and the bytes of its file."""

    names: list[str]
    labels: NDArray[np.int64]
    _blob: NDArray[np.uint8]
    _places: NDArray[np.int64]

    def picture(self, row: int) -> bytes:
        """Return the file of a picture."""
        offset, length = self._places[row]
        return self._blob[offset : offset + length].tobytes()

    def __len__(self) -> int:
        return len(self.labels)


def read_pack(path: Path) -> Pack:
    """Read a pack. Raises `BadInput`, which says what is wrong with it."""
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(archive.getinfo(f"{name}.npy").file_size for name in ARRAYS) > MAX_BYTES:
                raise ValueError("it is too large")
        with np.load(path, allow_pickle=False) as arrays:
            blob, index, classes = (arrays[name] for name in ARRAYS)
        return _checked(blob, index, classes)
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, NotImplementedError) as error:
        raise BadInput(
            "{path} is no pack of pictures: {reason}.", path=path, reason=str(error)[:200]
        ) from None


def _checked(blob: NDArray[np.uint8], index: NDArray[np.int64], classes: NDArray[np.str_]) -> Pack:
    if blob.dtype != np.uint8 or blob.ndim != 1:
        raise ValueError("jpeg holds no row of bytes")
    if index.dtype.kind not in "iu" or index.ndim != 2 or index.shape[1] != 3 or not len(index):
        raise ValueError("index holds no rows of offset, length and class")
    if classes.dtype.kind != "U" or classes.ndim != 1 or not 0 < len(classes) <= MAX_CLASSES:
        raise ValueError("classes holds no row of names")
    offsets, lengths, labels = index.astype(np.int64).T
    inside = (offsets >= 0) & (lengths > 0) & (lengths <= len(blob)) & (offsets <= len(blob) - lengths)
    if not (inside & (labels >= 0) & (labels < len(classes))).all():
        raise ValueError("a row of index points outside of jpeg or of classes")
    return Pack([str(name) for name in classes], labels, blob, np.stack([offsets, lengths], 1))
