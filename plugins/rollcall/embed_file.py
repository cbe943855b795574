"""Reads the parameters out of dlib's file of its face network, so that torch can run it.

The file is dlib's own serialization: whole numbers are a byte with their length and sign, then their bytes; a tensor
is its version (2), four sizes and its float32 numbers. Layers stand from the picture on. Nothing in it can run code.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared.errors import ModelUnavailable

Floats = NDArray[np.float32]
_VERSION: Final = b"\x01\x02"
_FEWEST, _MOST = 64, 3_000_000


def tensors(data: bytes, sizes: Sequence[int]) -> list[Floats]:
    """Return the tensors of these sizes, in order. Raises `ModelUnavailable` where the file holds others."""
    found: list[Floats] = []
    place = data.find(_VERSION)
    while place >= 0 and len(found) < len(sizes):
        start, size = _header(data, place + len(_VERSION))
        if size == sizes[len(found)] and start + 4 * size <= len(data):
            tensor = np.frombuffer(data, "<f4", size, start)
            if np.isfinite(tensor).all():
                found.append(tensor.astype(np.float32))
                place = start + 4 * size - 1
        place = data.find(_VERSION, place + 1)
    if len(found) < len(sizes):
        raise ModelUnavailable("The file of the face network is not the one that is known.")
    return found


def _header(data: bytes, place: int) -> tuple[int, int]:
    """Return where the numbers of a tensor begin and how many there are; 0 where this is no tensor."""
    size = 1
    for _ in range(4):
        length = data[place] if place < len(data) else 0
        if not 1 <= length <= 4:
            return place, 0
        size *= int.from_bytes(data[place + 1 : place + 1 + length], "little")
        place += 1 + length
    return place, size if _FEWEST <= size <= _MOST else 0
