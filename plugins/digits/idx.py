"""Reads idx files, the format of MNIST, plain or gzipped; a hostile file is refused before it is believed.

Two zero bytes, a type, the number of dimensions, each dimension as four bytes, then the values
(http://yann.lecun.com/exdb/mnist). Only bytes (type 8) are read, for MNIST has nothing else.
"""

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared.errors import BadInput

MAX_VALUES: Final = 256 * 2**20
MOST_DIMENSIONS: Final = 3
_BYTES: Final = 8
_GZIP: Final = b"\x1f\x8b"


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """Return the array in a file, which must have so many `dimensions`. Raises `BadInput`, which says what is wrong.

    No more is unpacked than the header announces and `MAX_VALUES` allows.
    """
    try:
        with path.open("rb") as file:
            packed = file.read(2) == _GZIP
        with gzip.open(path, "rb") if packed else path.open("rb") as source:
            shape = _shape(source.read(4 + 4 * MOST_DIMENSIONS), path, dimensions)
            source.seek(4 + 4 * dimensions)
            size = math.prod(shape)
            values = source.read(size + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput("{path} cannot be read: {reason}", path=path, reason=error) from None
    if len(values) != size:
        raise BadInput("{path} does not hold the {size} values that it announces.", path=path, size=size)
    return np.frombuffer(values, np.uint8).reshape(shape)


def write_idx(path: Path, values: NDArray[np.uint8]) -> None:
    """Write an array as an idx file, gzipped where its name says so."""
    header = struct.pack(">BBBB", 0, 0, _BYTES, values.ndim) + struct.pack(f">{values.ndim}I", *values.shape)
    data = header + values.tobytes()
    path.write_bytes(gzip.compress(data, 6) if path.suffix == ".gz" else data)


def _shape(head: bytes, path: Path, dimensions: int) -> tuple[int, ...]:
    if len(head) < 4 + 4 * dimensions or head[:2] != b"\0\0":
        raise BadInput("{path} is no idx file.", path=path)
    if head[2] != _BYTES or head[3] != dimensions:
        raise BadInput(
            "{path} holds {found} dimensions of type {kind}, not {dimensions} of bytes.",
            path=path, found=head[3], kind=head[2], dimensions=dimensions,
        )  # fmt: skip
    shape = struct.unpack(f">{dimensions}I", head[4 : 4 + 4 * dimensions])
    if math.prod(shape) > MAX_VALUES:
        raise BadInput(
            "{path} announces {size} values; {limit} are read at most.",
            path=path, size=math.prod(shape), limit=MAX_VALUES,
        )  # fmt: skip
    return tuple(shape)
