"""Reads and writes packs of pictures: numpy's .npz with the files end to end, and an index of offset and length.

Packs may come from anybody: nothing in one is unpickled, and each number is checked before it is used. Imported by the
worker, the trainer and the command line only: it needs numpy.
"""

import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from shared.errors import BadInput

MAX_HEADER: Final = 10_000
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Files:
    """The files of a pack: where each lies, and what else its row of the index says."""

    blob: NDArray[np.uint8]
    offsets: Integers
    lengths: Integers
    others: Integers

    def __len__(self) -> int:
        return len(self.offsets)

    def file(self, row: int) -> bytes:
        """Return the bytes of a file."""
        offset = self.offsets[row]
        return self.blob[offset : offset + self.lengths[row]].tobytes()


def files_of(
    path: Path, name: str, blob: NDArray[Any], index: NDArray[Any], columns: Sequence[int], words: str
) -> Files:
    """Check the arrays of a pack; `words` say what a row of the index has, `columns` how many. Raises `BadInput`."""
    if blob.dtype != np.uint8 or blob.ndim != 1:
        raise wrong(path, f"{name} holds no row of bytes")
    if index.dtype.kind not in "iu" or index.ndim != 2 or index.shape[1] not in columns or not len(index):
        raise wrong(path, f"index holds no rows of {words}")
    if index.dtype == np.uint64 and (index > np.iinfo(np.int64).max).any():
        raise wrong(path, f"a row of index points outside of {name}")
    rows = index.astype(np.int64)
    offsets, lengths = rows[:, 0], rows[:, 1]
    # Compared so that no sum can overflow.
    inside = (offsets >= 0) & (lengths > 0) & (lengths <= len(blob)) & (offsets <= len(blob) - lengths)
    if not inside.all():
        raise wrong(path, f"row {int(np.argmin(inside))} of index points outside of {name}")
    return Files(blob, offsets, lengths, rows[:, 2:])


def write_files(
    path: Path, name: str, files: Sequence[bytes], *others: Sequence[int], **arrays: NDArray[Any]
) -> None:
    """Write a pack: the files, further columns of its index, and further arrays."""
    lengths = np.array([len(file) for file in files], np.int64)
    columns = [np.cumsum(lengths) - lengths, lengths, *(np.array(each, np.int64) for each in others)]
    blob = np.frombuffer(b"".join(files), np.uint8)
    with path.open("wb") as out:
        every: dict[str, Any] = {name: blob, "index": np.stack(columns, 1), **arrays}
        np.savez(out, **every)


def read_arrays(path: Path, limits: Mapping[str, int]) -> dict[str, NDArray[Any]]:
    """Read the arrays of an .npz, none larger than its limit in bytes: each header is read before its data.

    Raises `BadInput`.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return {name: _array(path, archive, name, limit) for name, limit in limits.items()}
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
        raise BadInput("{path} cannot be read: {reason}", path=path, reason=str(error)[:200]) from None


def wrong(path: Path, reason: str) -> BadInput:
    """Say what is wrong with a pack."""
    return BadInput("{path} is no pack of pictures: {reason}.", path=path, reason=reason)


def _array(path: Path, archive: zipfile.ZipFile, name: str, limit: int) -> NDArray[Any]:
    try:
        file = archive.open(f"{name}.npy")
    except KeyError:
        raise wrong(path, f"it has no array {name}") from None
    with file:
        try:
            version = npy.read_magic(file)
            read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[version]
            shape, fortran, dtype = read(file, max_header_size=MAX_HEADER)
        # numpy reads a header as Python does a literal, and raises errors of as many kinds.
        except Exception as error:
            raise wrong(path, f"the array {name} cannot be read: {str(error)[:200]}") from None
        # Objects are what a pickle would hold.
        if dtype.hasobject or (fortran and len(shape) > 1):
            raise wrong(path, f"the array {name} is of a kind that is never read")
        count = 1
        for side in shape:
            count *= int(side)
        size = count * dtype.itemsize
        if min(shape, default=0) < 0 or size > limit:
            raise wrong(path, f"the array {name} is too large")
        data = file.read(size)
        if len(data) != size:
            raise wrong(path, f"the array {name} is cut short")
    return np.frombuffer(data, dtype).reshape(shape)
