"""Vectors of texts kept on disk by a hash of their content, so that what was embedded once is not embedded again.

One safetensors file, replaced as a whole: a reader sees the old one or the new one, never half of one. Writers take
turns, so that of two processes neither loses what it made. How old it becomes is `plugins.reviews.cache_age`'s care.
"""

import hashlib
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from plugins.reviews.cache_age import ASIDE, FILE, LOCK, begin
from shared.durable import locked, write_file

ROWS: Final = 40_000
"""Texts that are kept at most (44 MB); the longest unused go first."""
_MAX_BYTES: Final = 200 * 2**20
_KEY: Final = 16
Vectors = NDArray[np.float32]


def content_key(text: str, encoder: str) -> bytes:
    """Return what a text's vector is kept under: a hash of the text and of who made the vector."""
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=_KEY, key=encoder.encode()).digest()


class EmbeddingCache:
    """The vectors of one folder, of one size. A file that is damaged, or of another shape, counts as empty."""

    def __init__(self, folder: Path, size: int, rows: int = ROWS) -> None:
        self._folder, self._path = folder, folder / FILE
        self._size, self._rows = size, rows

    def find(self, keys: Sequence[bytes]) -> dict[bytes, Vectors]:
        """Return the vectors of those keys that are kept."""
        found: dict[bytes, Vectors] = {}
        for path in (self._folder / ASIDE, self._path):
            kept, vectors = self._read(path)
            place = {key: row for row, key in enumerate(kept)}
            found |= {key: vectors[place[key]].astype(np.float32) for key in keys if key in place}
        return found

    def add(self, found: dict[bytes, Vectors]) -> None:
        """Keep vectors; the newest and the lately used come first, and beyond the bound the others are dropped."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with locked(self._folder / LOCK):
            begin(self._folder)
            kept, vectors = self._read(self._path)
            fresh = list(found)[: self._rows]
            old = [row for row, key in enumerate(kept) if key not in found][: self._rows - len(fresh)]
            keys = b"".join([*fresh, *(kept[row] for row in old)])
            new = np.array([found[key] for key in fresh], dtype=np.float16).reshape(len(fresh), self._size)
            tensors = {
                "keys": np.frombuffer(keys, dtype=np.uint8).reshape(-1, _KEY).copy(),
                "vectors": np.concatenate([new, vectors[old]]),
            }
            beside = self._path.with_name(f".{FILE}.{secrets.token_hex(4)}")
            write_file(self._path, save(tensors), beside)

    def _read(self, path: Path) -> tuple[list[bytes], NDArray[np.float16]]:
        nothing: tuple[list[bytes], NDArray[np.float16]] = ([], np.empty((0, self._size), dtype=np.float16))
        try:
            if path.stat().st_size > _MAX_BYTES:
                return nothing
            tensors = load(path.read_bytes())
            keys, vectors = tensors["keys"], tensors["vectors"]
        except (OSError, SafetensorError, KeyError, ValueError):
            return nothing
        right = (
            keys.dtype == np.uint8
            and vectors.dtype == np.float16
            and keys.shape == (len(vectors), _KEY)
            and vectors.shape == (len(vectors), self._size)
            and bool(np.isfinite(vectors).all())
        )
        return ([row.tobytes() for row in keys], vectors) if right else nothing
