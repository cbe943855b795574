"""Clean values that a plugin gets: made only by `shared.parameters`, which checks them first."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Upload:
    """A file from outside, its size bounded before it was read; nothing else about it is checked yet."""

    name: str
    data: bytes


@dataclass(frozen=True)
class Image:
    """A picture whose kind (by its first bytes) and size in pixels are known and allowed; not yet decoded."""

    data: bytes
    format: str
    width: int
    height: int
    name: str


@dataclass(frozen=True)
class Article:
    """A text to read, and where it came from."""

    text: str
    title: str | None = None
    url: str | None = None


@dataclass(frozen=True)
class Table:
    """A CSV table: names of columns, and rows of as many strings."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    name: str
