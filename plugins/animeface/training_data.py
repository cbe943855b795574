"""Reads packs of faces: numpy's .npz with `webp` (the files end to end) and `index` (offset and length, a row each).

Packs may come from anybody: nothing in one is unpickled, and each number is checked before it is used. Imported by the
trainer only.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from plugins.animeface.generator import Pictures
from plugins.animeface.networks import SIDE
from shared.errors import BadInput
from shared.lookalikes import held_out
from shared.model import Progress
from shared.packs import files_of, read_arrays, write_files, wrong

MAX_ROWS: Final = 200_000
MAX_BYTES: Final = 1 << 30
MAX_PIXELS: Final = 512 * 512
"""Pixels of a packed picture; those of the data set have 64 x 64."""
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
    arrays = read_arrays(path, {"webp": MAX_BYTES, "index": MAX_ROWS * 3 * 8})
    files = files_of(path, "webp", arrays["webp"], arrays["index"], (2, 3), "offset and length")
    if len(files) > MAX_ROWS:
        raise wrong(path, "it has too many pictures")
    pictures = np.empty((len(files), SIDE, SIDE, 3), np.uint8)
    for row in range(len(files)):
        pictures[row] = _picture(path, row, files.file(row))
        if progress is not None and row % 1000 == 0:
            progress(row / len(files), "reading")
    return pictures


def write_pack(path: Path, files: Sequence[bytes]) -> None:
    """Write a pack of pictures, each given as the bytes of its file."""
    write_files(path, "webp", files)


def _picture(path: Path, row: int, data: bytes) -> NDArray[np.uint8]:
    try:
        with Image.open(io.BytesIO(data), formats=("WEBP", "PNG", "JPEG")) as image:
            if image.width * image.height > MAX_PIXELS or image.width != image.height:
                raise ValueError("it is too large, or no square")
            plain = image.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise wrong(path, f"picture {row} cannot be read: {str(error)[:200]}") from None
    if plain.width != SIDE:
        plain = plain.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    return np.asarray(plain)
