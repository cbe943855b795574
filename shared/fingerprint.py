"""Tells one data set from another: a checksum of its bytes, and how many rows it has."""

import csv
import gzip
import hashlib
import os
import zipfile
from collections.abc import Iterable
from pathlib import Path

import msgspec

from shared.errors import BadInput

FIELD_LIMIT = 16 * 1024 * 1024


class Fingerprint(msgspec.Struct, frozen=True):
    """What a model was trained on. `rows` counts records of a table, items of a pack, or files of a folder."""

    name: str
    sha256: str
    rows: int | None


def fingerprint(data: Path) -> Fingerprint:
    """Read a data file or folder once. Raises `BadInput` where there is none, or it cannot be read."""
    try:
        if data.is_dir():
            files = sorted(p for p in data.rglob("*") if p.is_file())
            return Fingerprint(data.name, _of_folder(data, files), len(files))
        return Fingerprint(data.name, checksum(data), _rows(data))
    except (OSError, EOFError, csv.Error, UnicodeDecodeError, zipfile.BadZipFile) as error:
        raise BadInput("{path} cannot be read: {reason}", path=data, reason=_reason(error)) from None


def checksum(path: Path) -> str:
    """Return the sha256 of a file's bytes, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _of_folder(folder: Path, files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.relative_to(folder).as_posix()}\0{checksum(path)}\n".encode())
    return digest.hexdigest()


def _rows(data: Path) -> int | None:
    match data.suffixes:
        case [*_, ".csv" | ".tsv" as kind] | [*_, ".csv" | ".tsv" as kind, ".gz"]:
            before = csv.field_size_limit(FIELD_LIMIT)
            try:
                opened = gzip.open if data.suffix == ".gz" else open
                with opened(data, "rt", encoding="utf-8-sig", newline="") as file:
                    records = csv.reader(file, delimiter="\t" if kind == ".tsv" else ",")
                    return max(0, sum(1 for record in records if record) - 1)
            finally:
                csv.field_size_limit(before)
        case [*_, ".npz"]:
            return _items(data)
        case _:
            return None


def _items(pack: Path) -> int | None:
    """Count the items of a numpy pack by its array named `index`, or its first: only headers are read."""
    from numpy.lib import format as npy

    with zipfile.ZipFile(pack) as archive:
        names = archive.namelist()
        name = "index.npy" if "index.npy" in names else next(iter(names), None)
        if name is None:
            return 0
        with archive.open(name) as file:
            try:
                version = npy.read_magic(file)
                read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
                shape = read(file)[0]
            except ValueError:
                return None
        return int(shape[0]) if shape else 1


def _reason(error: Exception) -> str:
    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
