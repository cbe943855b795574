"""Columns of a table that people sent: the one that they named, how long texts in it are, and names for new ones."""

import csv
import io
import re
from collections.abc import Sequence
from typing import Final

from shared.errors import BadInput
from shared.inputs import Table

TITLES: Final = 5
"""Lines that may stand above a header."""
_LETTERS: Final = re.compile(r"[^\W\d_]{2}")


def column_named(table: Table, wanted: str) -> int:
    """Return which column is called `wanted`, in capitals or not. Raises `BadInput`, which lists the columns."""
    folded = [name.casefold() for name in table.columns]
    if wanted.strip().casefold() in folded:
        return folded.index(wanted.strip().casefold())
    raise BadInput(
        "{file} has no column {column}. Its columns: {columns}",
        file=table.name, column=wanted, columns=listed(table.columns),
    )  # fmt: skip


def listed(columns: Sequence[str]) -> str:
    """Name columns in a line, twenty at most."""
    shown = ", ".join(name[:40] for name in columns[:20])
    return shown + (", …" if len(columns) > 20 else "")


def titles_above(text: str, named: Sequence[str]) -> int:
    """Return how many lines stand above the header, which names all of `named`; 0 where none of the first does.

    Raises `csv.Error`.
    """
    if not named:
        return 0
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    above = 0
    for row in reader:
        if {cell.strip() for cell in row}.issuperset(named):
            return above
        above = reader.line_num
        if above >= TITLES:
            break
    return 0


def is_remark(row: Sequence[str], columns: int) -> bool:
    """Tell a remark, which stands alone in the first of its cells, from a row of a table of several columns."""
    return columns > 1 and len(row) < columns and not any(cell.strip() for cell in row[1:])


def mean_length(cells: Sequence[str]) -> float:
    """Return how long cells are in the mean, in characters; those without words count as empty."""
    return sum(len(cell.strip()) for cell in cells if _LETTERS.search(cell)) / max(1, len(cells))


def free_names(taken: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """Return the names `wanted` for new columns, with a number behind those that a column has already."""
    names: list[str] = []
    for name in wanted:
        number = 1
        while (free := name if number == 1 else f"{name}_{number}") in taken:
            number += 1
        names.append(free)
    return names
