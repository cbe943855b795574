"""Reads a folder of photos: people.csv with the columns file and person, and the photos that it names."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared.errors import BadInput
from shared.rows import rows_of

TABLE: Final = "people.csv"
COLUMNS: Final = {"file": "name of a photo in the folder", "person": "whose face it is"}
MAX_TABLE_BYTES: Final = 5 * 1024 * 1024
MAX_PHOTO_BYTES: Final = 32 * 1024 * 1024
MOST: Final = 5_000
"""Photos of a folder: pairs of them are compared."""


@dataclass(frozen=True)
class Photo:
    """A photo of one person."""

    path: Path
    person: str


def read_people(folder: Path) -> list[Photo]:
    """Read the folder's table, in the order of the files' names. Raises `BadInput`, which names what is wrong."""
    table = folder / TABLE
    if not table.is_file():
        raise BadInput("{path} needs a file people.csv with the columns file and person.", path=folder)
    photos: dict[Path, Photo] = {}
    for line, row in rows_of(table, COLUMNS, MAX_TABLE_BYTES):
        name, person = (row["file"] or "").strip(), (row["person"] or "").strip()
        path = (folder / name).resolve()
        if not (name and person):
            raise BadInput("{path}, line {line}: file and person are both needed.", path=table, line=line)
        if not path.is_relative_to(folder.resolve()) or not path.is_file():
            raise BadInput(
                "{path}, line {line}: there is no photo {file!r} in the folder.",
                path=table, line=line, file=name[:80],
            )  # fmt: skip
        if path in photos:
            raise BadInput(
                "{path}, line {line}: the photo {file!r} is listed twice.",
                path=table, line=line, file=name[:80],
            )  # fmt: skip
        if path.stat().st_size > MAX_PHOTO_BYTES:
            raise BadInput("{path} is larger than {limit} MB.", path=path, limit=MAX_PHOTO_BYTES // 1024**2)
        photos[path] = Photo(path, person)
        if len(photos) > MOST:
            raise BadInput("{path} lists more than {limit} photos.", path=table, limit=MOST)
    return [photos[path] for path in sorted(photos)]
