"""Reads CIFAR-10's own archive, `cifar-10-python.tar.gz`: a tar of pickles, which come from a stranger.

Nothing is extracted: members are read as a stream, by name, and none above its limit. A pickle can call anything, so
ours is read by an unpickler that knows four names, and these only as far as an array of bytes needs them.
"""

import io
import lzma
import pickle
import pickletools
import tarfile
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from shared.errors import BadInput

SIDE: Final = 32
ROW: Final = 3 * SIDE * SIDE
BATCHES: Final = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch")
META: Final = "batches.meta"
MAX_BATCH: Final = 64 << 20
"""Bytes of a member; a batch of the archive has 31 million, and half more where Python 3 wrote it anew."""
MAX_STEPS: Final = 500_000
"""Operations of a pickle; each makes an object at most, and a batch of the archive has a tenth of that."""
MAX_ARRAYS: Final = 4
PER_BATCH: Final = 10_000
"""Pictures of a batch."""
MAX_MEMBERS: Final = 100
MAX_UNPACKED: Final = 512 << 20
"""Bytes of all members together, unread ones too: they are unpacked to be skipped."""
MAX_CLASSES: Final = 100
Pixels = NDArray[np.uint8]
Part = Literal["train", "test"]


@dataclass(frozen=True)
class Batch:
    """A batch of the archive: its pictures (n x 32 x 32 x 3, RGB), and for each the number of its class.

    `first` is the number of the first picture in its part of the data set.
    """

    name: str
    part: Part
    first: int
    pixels: Pixels
    labels: list[int]


class Refused(pickle.UnpicklingError):
    """A pickle names something that no batch needs."""


def read_names(path: Path) -> list[str]:
    """Return the names of the classes, in the order of their numbers. Raises `BadInput` as `read_batches` does."""
    for _, data in _members(path, (META,)):
        return _names(path, data)
    raise _wrong(path, f"it has no {META}")


def read_batches(path: Path) -> Iterator[Batch]:
    """Yield the batches of an archive, in the order in which they stand there.

    Raises `BadInput` where it is no such archive, is cut short, too large, or holds what no batch needs.
    """
    for name, data in _members(path, BATCHES):
        yield _batch(path, name, data)


def _members(path: Path, wanted: Collection[str]) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of the wanted files of a tar, each name once."""
    seen: set[str] = set()
    total = 0
    try:
        with tarfile.open(path, "r|*") as archive:
            for count, member in enumerate(archive):
                total += member.size
                if count >= MAX_MEMBERS or total > MAX_UNPACKED:
                    raise _wrong(path, "it is too large")
                name = member.name.rpartition("/")[2]
                if not member.isreg() or name not in wanted or name in seen:
                    continue
                if member.size > MAX_BATCH:
                    raise _wrong(path, f"{name} is too large")
                seen.add(name)
                file = archive.extractfile(member)
                yield name, b"" if file is None else file.read(member.size)
    except (OSError, EOFError, tarfile.TarError, zlib.error, lzma.LZMAError) as error:
        raise BadInput("{path} cannot be read: {reason}", path=path, reason=str(error)[:200]) from None
    if not seen:
        raise _wrong(path, f"it has no {sorted(wanted)[0]}")


def _batch(path: Path, name: str, data: bytes) -> Batch:
    found = _unpickled(path, name, data)
    rows, labels = _entry(found, "data"), _entry(found, "labels")
    if not isinstance(rows, np.ndarray) or rows.dtype != np.uint8 or rows.ndim != 2 or rows.shape[1] != ROW:
        raise _wrong(path, f"the data of {name} are no pictures of 32 x 32")
    if not isinstance(labels, list) or len(labels) != len(rows) or not 0 < len(rows) <= PER_BATCH:
        raise _wrong(path, f"{name} has not one label for each picture")
    if not all(type(label) is int and 0 <= label < MAX_CLASSES for label in labels):
        raise _wrong(path, f"a label of {name} is no number of a class")
    pixels = np.ascontiguousarray(rows.reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1))
    if name == "test_batch":
        return Batch(name, "test", 0, pixels, labels)
    return Batch(name, "train", (int(name[-1]) - 1) * PER_BATCH, pixels, labels)


def _names(path: Path, data: bytes) -> list[str]:
    names = _entry(_unpickled(path, META, data), "label_names")
    if not isinstance(names, list) or not 0 < len(names) <= MAX_CLASSES:
        raise _wrong(path, f"{META} names no classes")
    words = [name.decode("ascii", "replace") if isinstance(name, bytes) else str(name) for name in names]
    # They become names of folders.
    if len(set(words)) < len(words) or not all(
        word.replace("_", "").replace("-", "").isalnum() and word.isascii() and len(word) <= 64
        for word in words
    ):
        raise _wrong(path, f"{META} names a class that cannot be a folder")
    return words


def _entry(found: dict[Any, Any], key: str) -> Any:
    """Return an entry whose key Python 2 wrote as bytes, and others as text."""
    return found.get(key.encode(), found.get(key))


def _unpickled(path: Path, name: str, data: bytes) -> dict[Any, Any]:
    try:
        # Short operations can make many objects: so they are counted before any is done.
        if any(step >= MAX_STEPS for step, _ in enumerate(pickletools.genops(data))):
            raise _wrong(path, f"{name} is too large")
        found = Unpickler(data).load()
    except BadInput:
        raise
    except Refused as error:
        raise BadInput(
            "{path}: {name} is refused: it asks for {what}, which no batch of CIFAR-10 needs.",
            path=path, name=name, what=str(error)[:120],
        ) from None  # fmt: skip
    # The unpickler raises errors of many kinds on bytes that are no pickle.
    except Exception as error:
        raise _wrong(path, f"{name} cannot be read ({type(error).__name__})") from None
    if not isinstance(found, dict):
        raise _wrong(path, f"{name} holds no dictionary")
    return found


class Unpickler(pickle.Unpickler):
    """Reads dictionaries, lists, bytes, texts, numbers and arrays of bytes; raises `Refused` on any other name."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data), encoding="bytes")
        self._arrays = MAX_ARRAYS
        self._encoded = 2 * MAX_BATCH

    def find_class(self, module: str, name: str, /) -> Any:
        """Return our own stand-in for one of the names that an array of bytes needs."""
        match module, name:
            case ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct"):
                return self._reconstruct
            case "numpy", "ndarray":
                return _Array
            case "numpy", "dtype":
                return _Bytes
            case "_codecs", "encode":
                return self._encode
            case _:
                raise Refused(f"{module}.{name}")

    def persistent_load(self, pid: Any, /) -> Any:
        """Refuse."""
        raise Refused("a persistent object")

    def _reconstruct(self, kind: Any, shape: Any, typecode: Any) -> "_Pending":
        self._arrays -= 1
        if kind is not _Array or self._arrays < 0:
            raise Refused("an array of another class, or one too many")
        return np.empty(0, np.uint8).view(_Pending)

    def _encode(self, text: Any, encoding: Any = "latin1") -> bytes:
        """Encode as Python 3 has it done, where it writes bytes in an old pickle."""
        if not isinstance(text, str) or encoding not in ("latin1", b"latin1", "latin-1"):
            raise Refused("another encoding")
        # One long text may be encoded again and again.
        self._encoded -= len(text)
        if self._encoded < 0:
            raise Refused("too many bytes")
        return text.encode("latin1")


class _Array:
    """Stands for numpy.ndarray while it is unpickled; `_reconstruct` makes a `_Pending` in its place."""


class _Bytes:
    """Stands for numpy.dtype: that of unsigned bytes, and no other."""

    def __init__(self, kind: Any = None, align: Any = False, copy: Any = False) -> None:
        if kind not in ("u1", b"u1"):
            raise Refused(f"arrays of {kind!r:.40}")

    def __setstate__(self, state: Any) -> None:
        # Byte order and alignment, of which a byte has none; a dtype of fields would come with them.
        if not isinstance(state, tuple) or any(part is not None for part in state[2:5]):
            raise Refused("arrays of records")


class _Pending(np.ndarray[Any, np.dtype[np.uint8]]):
    """An array that is filled from its pickled state, whose parts are checked first."""

    def __setstate__(self, state: Any) -> None:
        version, shape, kind, fortran, raw = state
        if not isinstance(kind, _Bytes) or not isinstance(raw, bytes) or not isinstance(shape, tuple):
            raise Refused("an array of another kind")
        if version not in (0, 1) or not all(type(side) is int and side >= 0 for side in shape):
            raise Refused("an array of another shape")
        filled: Any = (1, shape, np.dtype(np.uint8), bool(fortran), raw)
        super().__setstate__(filled)


def _wrong(path: Path, reason: str) -> BadInput:
    return BadInput("{path} is no archive of CIFAR-10: {reason}.", path=path, reason=reason)
