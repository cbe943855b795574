"""Parts rows into those to train on and those held out: publishers whole, near-duplicates on one side.

A hash of the publisher's name, or of the text where there is none, decides; so what is held out stays so in every later
training, whatever else comes into the file.
"""

import hashlib
from collections.abc import Sequence
from typing import Final, Literal

from plugins.fact.data import Rows
from shared.splits import group_near_duplicates, holdout

HOLDOUT: Final = 0.15
Side = Literal["fit", "judge", "neither"]


def sides(rows: Rows, duplicates: Sequence[int]) -> list[Side]:
    """Return each row's side. `duplicates` are the groups of `group_near_duplicates`.

    A row to train on with a near-duplicate on the other side is on neither.
    """
    held = holdout(rows.texts, HOLDOUT, duplicates)
    held = [_lot(name) < HOLDOUT if name else out for name, out in zip(rows.publishers, held, strict=True)]
    tainted = {group for group, out in zip(duplicates, held, strict=True) if out}
    return [
        "judge" if out else "neither" if group in tainted else "fit"
        for out, group in zip(held, duplicates, strict=True)
    ]


def groups_of(rows: Rows) -> list[int]:
    """Return a number for each row; rows of one publisher, and near-duplicates, and theirs, have the same."""
    duplicates = group_near_duplicates(rows.texts)
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    keys = []
    for group, publisher in zip(duplicates, rows.publishers, strict=True):
        key = f"text {group}"
        if publisher:
            parent[root(key)] = root(f"site {publisher}")
        keys.append(key)
    numbers: dict[str, int] = {}
    return [numbers.setdefault(root(key), len(numbers)) for key in keys]


def _lot(name: str) -> float:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big") / 2**64
