"""Points in a plane, of two kinds or of none known: gates of logic, drawn sets, and tables that people sent."""

import math
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from shared.columns import listed
from shared.errors import BadInput
from shared.inputs import Table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Drawn = Literal["moons", "circles", "blobs"]
Gate = Literal["and", "or", "xor"]
CORNERS: Final = ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0))
GATES: Final[dict[str, tuple[int, int, int, int]]] = {
    "and": (0, 0, 0, 1),
    "or": (0, 1, 1, 1),
    "xor": (0, 1, 1, 0),
}
"""What each gate answers at the corners."""
MOST_ROWS: Final = 2000
FEWEST_ROWS: Final = 4


class Points(msgspec.Struct, frozen=True, kw_only=True):
    """Points and the kind of each, an index into `kinds`; `axes` names the two columns."""

    places: list[tuple[float, float]]
    kind_of: list[int]
    kinds: list[str]
    axes: tuple[str, str]


def gate(name: Gate) -> Points:
    """Return the four corners and what a gate answers at each."""
    return Points(places=list(CORNERS), kind_of=list(GATES[name]), kinds=["0", "1"], axes=("x₁", "x₂"))


def drawn(name: Drawn, count: int, noise: float, seed: int) -> Points:
    """Draw two interleaving half-moons, two rings, or two clouds; as many points of each kind, `count` in all."""
    import numpy as np

    random = np.random.default_rng(seed)
    kind = np.arange(count) % 2
    # One in each of as many equal parts, so that no ring has a hole by chance.
    turn = (np.arange(count) // 2 + random.uniform(0, 1, count)) / -(-count // 2)
    angle = turn * (np.pi if name == "moons" else 2 * np.pi)
    around = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    match name:
        case "moons":
            places = np.where(kind[:, None] == 0, around, np.array([1.0, 0.5]) - around)
        case "circles":
            places = around * np.where(kind == 0, 1.0, 0.5)[:, None]
        case "blobs":
            places = np.where(kind[:, None] == 0, -1.2, 1.2) * np.ones(2) + random.normal(0, 0.45, (count, 2))
    places = places + random.normal(0, noise, (count, 2))
    return Points(
        places=[(float(x), float(y)) for x, y in places],
        kind_of=kind.tolist(),
        kinds=["0", "1"],
        axes=("x₁", "x₂"),
    )


def from_table(table: Table, *, kinds: int | None) -> Points:
    """Read points from columns x, y and label, or from the first two numeric columns and the last one.

    `kinds` is how many kinds there must be; None takes the points alone. Raises `BadInput`.
    """
    count = len(table.rows)
    if not FEWEST_ROWS <= count <= MOST_ROWS:
        raise BadInput(
            "{file} has {rows:,} rows; this lesson takes {fewest} to {most:,}: send a sample.",
            file=table.name, rows=count, fewest=FEWEST_ROWS, most=MOST_ROWS,
        )  # fmt: skip
    across, up, label = _columns(table, labelled=kinds is not None)
    places = [(_number(table, row, across), _number(table, row, up)) for row in range(count)]
    axes = (table.columns[across], table.columns[up])
    if label is None:
        return Points(places=places, kind_of=[], kinds=[], axes=axes)
    cells = [row[label].strip() for row in table.rows]
    names = sorted(set(cells))
    if len(names) != kinds:
        raise BadInput(
            "Column {column} of {file} holds {found} different labels; this lesson tells {wanted} apart.",
            column=table.columns[label][:40], file=table.name, found=len(names), wanted=kinds,
        )  # fmt: skip
    return Points(places=places, kind_of=[names.index(cell) for cell in cells], kinds=names, axes=axes)


def scaled(points: Points) -> "tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]":
    """Return the places with mean 0 and spread 1 in each column, then that mean and that spread."""
    import numpy as np

    places = np.array(points.places, dtype=np.float64)
    mean, spread = places.mean(axis=0), places.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    return (places - mean) / spread, mean, spread


def _columns(table: Table, *, labelled: bool) -> tuple[int, int, int | None]:
    folded = [name.casefold() for name in table.columns]
    if {"x", "y"} <= set(folded):
        across, up = folded.index("x"), folded.index("y")
    else:
        numeric = [at for at in range(len(folded)) if _is_numeric(table, at)]
        last = len(folded) - 1
        numeric = [at for at in numeric if not labelled or at != last]
        if len(numeric) < 2:
            raise BadInput(
                "{file} needs two columns of numbers, best called x and y. Its columns: {columns}",
                file=table.name, columns=listed(table.columns),
            )  # fmt: skip
        across, up = numeric[:2]
    if not labelled:
        return across, up, None
    label = folded.index("label") if "label" in folded else len(folded) - 1
    if label in (across, up):
        raise BadInput(
            "{file} needs a third column, best called label, that says of which kind each point is.",
            file=table.name,
        )
    return across, up, label


def _is_numeric(table: Table, column: int) -> bool:
    return all(_finite(row[column]) is not None for row in table.rows)


def _number(table: Table, row: int, column: int) -> float:
    value = _finite(table.rows[row][column])
    if value is None:
        raise BadInput(
            "{file}, row {row}, column {column}: {cell} is not a number.",
            file=table.name, row=row + 1, column=table.columns[column][:40], cell=table.rows[row][column][:40],
        )  # fmt: skip
    return value


def _finite(cell: str) -> float | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) and abs(value) < 1e100 else None
