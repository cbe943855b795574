"""Images of digits with their labels: a folder of MNIST's idx files, or a numpy pack of images and labels."""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from plugins.digits.idx import MAX_VALUES, read_idx
from shared.errors import BadInput

SIDE: Final = 28
NONE: Final = -1
IMAGES: Final = "images-idx3-ubyte"
LABELS: Final = "labels-idx1-ubyte"
Which = Literal["train", "t10k"]
FONT_KINDS: Final = ("*.ttf", "*.otf")
PICTURE_KINDS: Final = ("*.jpg", "*.jpeg", "*.png", "*.webp")
MOST_FILES: Final = 500


@dataclass(frozen=True)
class Digits:
    """Images of n x 28 x 28 bytes, bright on dark, and labels 0 to 9, or -1 where there is no digit."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def at(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> "Digits":
        """Return some of the rows."""
        return Digits(self.images[rows], self.labels[rows])


def read_part(data: Path, which: Which) -> Digits | None:
    """Read the training or the test files of MNIST in a folder; None where they are not there."""
    images, labels = _file(data, f"{which}-{IMAGES}"), _file(data, f"{which}-{LABELS}")
    if images is None or labels is None:
        return None
    return _checked(read_idx(images, 3), read_idx(labels, 1).astype(np.int64), data)


def read_pack(data: Path) -> Digits:
    """Read a .npz with the arrays images and labels, and nothing that could run code. Raises `BadInput`."""
    try:
        with zipfile.ZipFile(data) as archive:
            images, labels = (_array(archive, name, data) for name in ("images", "labels"))
    except BadInput:
        raise
    # numpy reads a header as Python does a literal, and raises errors of as many kinds; the zip adds its own.
    except Exception as error:
        raise BadInput("{path} cannot be read: {reason}", path=data, reason=str(error)[:200]) from None
    if images.dtype != np.uint8 or labels.dtype.kind not in "iu":
        raise BadInput("{path}: images must be bytes, and labels whole numbers.", path=data)
    return _checked(images, labels.astype(np.int64), data)


def extra_fonts(data: Path) -> list[Path]:
    """Return the fonts in the folder `fonts` beside MNIST's files: their letters teach what is no digit."""
    return _files(data / "fonts", FONT_KINDS)


def extra_pictures(data: Path) -> list[Path]:
    """Return the pictures in the folder `pictures` beside MNIST's files, which hold no digit either."""
    return _files(data / "pictures", PICTURE_KINDS)


def _files(folder: Path, kinds: Sequence[str]) -> list[Path]:
    return sorted(path for kind in kinds for path in folder.glob(kind))[:MOST_FILES]


def _file(folder: Path, name: str) -> Path | None:
    """Find a file, gzipped or not, also by the name with a dot that some unpackers give it."""
    names = [name, name.replace("-idx", ".idx")]
    return next((p for n in names for p in (folder / n, folder / f"{n}.gz") if p.is_file()), None)


def _array(archive: zipfile.ZipFile, name: str, data: Path) -> NDArray[np.generic]:
    # The header says how large the array is, before any of it is unpacked; an array of objects would be a pickle.
    with archive.open(f"{name}.npy") as file:
        version = npy.read_magic(file)
        shape, _, kind = (
            npy.read_array_header_1_0(file) if version == (1, 0) else npy.read_array_header_2_0(file)
        )
    if kind.hasobject or np.prod(shape, dtype=object) * kind.itemsize > MAX_VALUES:
        raise BadInput("{path}: {name} is too large, or holds no numbers.", path=data, name=name)
    with archive.open(f"{name}.npy") as file:
        found: NDArray[np.generic] = npy.read_array(file, allow_pickle=False)
    return found


def _checked(images: NDArray[np.generic], labels: NDArray[np.int64], data: Path) -> Digits:
    if images.ndim != 3 or images.shape[1:] != (SIDE, SIDE) or labels.shape != images.shape[:1]:
        raise BadInput("{path}: images must be n x 28 x 28, with a label each.", path=data)
    if not len(labels):
        raise BadInput("{path} holds no images.", path=data)
    if labels.min() < NONE or labels.max() > 9:
        raise BadInput("{path}: labels must be 0 to 9, or -1 where there is no digit.", path=data)
    return Digits(np.asarray(images, np.uint8), labels)
