"""Reads packs of labelled pictures of any size: numpy's .npz with `jpeg`, `index` and `classes`; nothing is unpickled.

The reader of `plugins.image.cifar_data` makes 32 x 32 pixels of a pack at once; here files stay as they are.
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared.packs import Files, Integers, files_of, read_arrays, wrong

MAX_BYTES: Final = 1 << 30
"""Bytes of all arrays together."""
MAX_CLASSES: Final = 50_000
ARRAYS: Final = ("jpeg", "index", "classes")


@dataclass(frozen=True)
class Pack:
    """Names of classes, and for each picture the place of its class and the bytes of its file."""

    names: list[str]
    labels: Integers
    _files: Files

    def picture(self, row: int) -> bytes:
        """Return the file of a picture."""
        return self._files.file(row)

    def __len__(self) -> int:
        return len(self.labels)


def read_pack(path: Path) -> Pack:
    """Read a pack. Raises `BadInput`, which says what is wrong with it."""
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(archive.getinfo(f"{name}.npy").file_size for name in ARRAYS)
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, NotImplementedError) as error:
        raise wrong(path, str(error)[:200]) from None
    if size > MAX_BYTES:
        raise wrong(path, "it is too large")
    arrays = read_arrays(path, dict.fromkeys(ARRAYS, MAX_BYTES))
    classes = arrays["classes"]
    files = files_of(path, "jpeg", arrays["jpeg"], arrays["index"], (3,), "offset, length and class")
    if classes.dtype.kind != "U" or classes.ndim != 1 or not 0 < len(classes) <= MAX_CLASSES:
        raise wrong(path, "classes holds no row of names")
    labels = files.others[:, 0]
    if not ((labels >= 0) & (labels < len(classes))).all():
        raise wrong(path, "a row of index points outside of jpeg or of classes")
    return Pack([str(name) for name in classes], labels, files)
