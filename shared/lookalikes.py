"""Honest splits of pictures of one size: near-duplicates stay together, what was once held out stays held out.

As `shared.splits` does for texts: whether a picture is held out follows from its pixels and from those of its
near-duplicates, never from its place in the file.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared.pictures import Pixels

THUMBNAIL: Final = 8
ALIKE: Final = 0.98
"""Correlation of two thumbnails (8 × 8, RGB) from which on pictures are near-duplicates."""
ROWS: Final = 2_000
"""Pictures that are compared with all others at once: 2,000 against 50,000 are 400 MB."""


def held_out(pixels: Sequence[Pixels] | NDArray[np.uint8], share: float) -> NDArray[np.bool_]:
    """Tell for each picture (all of one size, a multiple of 8) whether it is held out.

    Each draws a lot in 0…1 by a hash of its pixels; a group of near-duplicates is held out where its lowest lot is
    below `share`.
    """
    groups = group_lookalikes(pixels)
    lowest: dict[int, float] = {}
    for picture, group in zip(pixels, groups, strict=True):
        lowest[group] = min(lowest.get(group, 1.0), _lot(picture))
    return np.array([lowest[group] < share for group in groups], dtype=bool)


def group_lookalikes(pixels: Sequence[Pixels] | NDArray[np.uint8]) -> list[int]:
    """Return a group number for each picture: the place of the first that it, or its like, resembles."""
    thumbnails = _thumbnails(pixels)
    parent = list(range(len(thumbnails)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    for start in range(0, len(thumbnails), ROWS):
        alike = thumbnails[start : start + ROWS] @ thumbnails.T > ALIKE
        for row, other in zip(*np.nonzero(alike), strict=True):
            one, two = root(start + int(row)), root(int(other))
            if one != two:
                parent[max(one, two)] = min(one, two)
    return [root(index) for index in range(len(thumbnails))]


def _thumbnails(pixels: Sequence[Pixels] | NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return each picture as a unit vector: the means of 8 × 8 tiles, less their mean."""
    rows = []
    for picture in pixels:
        high, wide = picture.shape[:2]
        tiles = picture.reshape(THUMBNAIL, high // THUMBNAIL, THUMBNAIL, wide // THUMBNAIL, -1)
        rows.append(tiles.mean((1, 3)).ravel())
    found = np.stack(rows).astype(np.float32)
    found -= found.mean(1, keepdims=True)
    unit: NDArray[np.float32] = found / (np.linalg.norm(found, axis=1, keepdims=True) + 1e-6)
    return unit


def _lot(picture: Pixels) -> float:
    digest = hashlib.blake2b(np.ascontiguousarray(picture).tobytes(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
