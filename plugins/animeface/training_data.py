"""Reads packs of faces: numpy's .npz with `webp` (the files end to end) and `index` (offset and length, a row each).

Packs may come from anybody: nothing in one is unpickled, and each number is checked before it is used. Imported by the
trainer only.
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

from plugins.animeface.generator import Pictures
from plugins.animeface.networks import SIDE
from shared.errors import BadInput
from shared.lookalikes import held_out
from shared.model import Progress

MAX_ROWS: Final = 200_000
MAX_BYTES: Final = 1 << 30
MAX_PIXELS: Final = 512 * 512
"""Pixels of a packed picture; those of the data set have 64 x 64."""
MAX_HEADER: Final = 10_000
FEWEST: Final = 20
"""Pictures of either part."""
HOLDOUT: Final = 0.1


@dataclass(frozen=True)
class Faces:
    """The faces of a pack: those to train on, and those that are held out, near-duplicates on one side."""

    training: Pictures
    held: Pictures

    @classmethod
    def read(cls, path: Path, progress: Progress | None = None) -> "Faces":
        """Read and split a pack. Raises `BadInput` where it is none, or has too few pictures for two parts."""
        pictures = read_faces(path, progress)
        out = held_out(pictures, HOLDOUT)
        if min(out.sum(), (~out).sum()) < FEWEST:
            raise BadInput("{path} has too few pictures to train and to judge on.", path=path)
        return cls(pictures[~out], pictures[out])


def read_faces(path: Path, progress: Progress | None = None) -> Pictures:
    """Read a pack; pictures of another size are scaled. Raises `BadInput`, which says what is wrong with it."""
    arrays = _arrays(path, {"webp": MAX_BYTES, "index": MAX_ROWS * 3 * 8})
    blob, index = arrays["webp"], arrays["index"]
    if blob.dtype != np.uint8 or blob.ndim != 1:
        raise _wrong(path, "webp holds no row of bytes")
    if index.dtype.kind not in "iu" or index.ndim != 2 or not 2 <= index.shape[1] <= 3 or not len(index):
        raise _wrong(path, "index holds no rows of offset and length")
    if len(index) > MAX_ROWS:
        raise _wrong(path, "it has too many pictures")
    if index.dtype == np.uint64 and (index > np.iinfo(np.int64).max).any():
        raise _wrong(path, "a row of index points outside of webp")
    offsets, lengths = index[:, 0].astype(np.int64), index[:, 1].astype(np.int64)
    # Compared so that no sum can overflow.
    inside = (offsets >= 0) & (lengths > 0) & (lengths <= len(blob)) & (offsets <= len(blob) - lengths)
    if not inside.all():
        raise _wrong(path, f"row {int(np.argmin(inside))} of index points outside of webp")
    pictures = np.empty((len(index), SIDE, SIDE, 3), np.uint8)
    for row, (offset, length) in enumerate(zip(offsets, lengths, strict=True)):
        pictures[row] = _picture(path, row, blob[offset : offset + length].tobytes())
        if progress is not None and row % 1000 == 0:
            progress(row / len(index), "reading")
    return pictures


def write_pack(path: Path, files: Sequence[bytes]) -> None:
    """Write a pack of pictures, each given as the bytes of its file."""
    lengths = np.array([len(file) for file in files], np.int64)
    index = np.stack([np.cumsum(lengths) - lengths, lengths], 1)
    with path.open("wb") as file:
        np.savez(file, webp=np.frombuffer(b"".join(files), np.uint8), index=index)


def _picture(path: Path, row: int, data: bytes) -> NDArray[np.uint8]:
    try:
        with Image.open(io.BytesIO(data), formats=("WEBP", "PNG", "JPEG")) as image:
            if image.width * image.height > MAX_PIXELS or image.width != image.height:
                raise ValueError("it is too large, or no square")
            plain = image.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise _wrong(path, f"picture {row} cannot be read: {str(error)[:200]}") from None
    if plain.width != SIDE:
        plain = plain.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    return np.asarray(plain)


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
