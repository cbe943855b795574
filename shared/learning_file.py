"""The data file of a retraining: the rows of the base as they are, then those of feedback, each with its source.

Written in a process of its own: near-duplicates are sought in all of it.
"""

import csv
from pathlib import Path
from typing import Final

import msgspec

from shared.fingerprint import Fingerprint, fingerprint
from shared.learning import LeftOut, Vote
from shared.learning_rules import weigh
from shared.model import Progress
from shared.rows import rows_of

MAX_BYTES: Final = 300 * 1024 * 1024
LONGEST: Final = 1024 * 1024
SOURCE: Final = "source"


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What to join: the base, the votes, the labels that are learned; and the file to write."""

    base: str
    votes: list[Vote]
    labels: list[str]
    out: str


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """What was written. `times_ms` are those of the texts that people agree on, the newest first."""

    data: Fingerprint
    base: Fingerprint
    rows: int
    times_ms: list[int]
    people: int
    people_left_out: int
    left_out: LeftOut


def write(order: Order, progress: Progress) -> Made:
    """Weigh the votes, and write the file. Raises `BadInput` where the base cannot be used."""
    base = Path(order.base)
    rows = [row for _, row in rows_of(base, ("text", "label"), MAX_BYTES, LONGEST)]
    progress(0.1, "weighing what people said")
    trusted = [
        (row["text"] or "", (row["label"] or "").strip().lower())
        for row in rows
        if (row["text"] or "").strip()
    ]
    weighed = weigh(trusted, order.votes, order.labels)
    progress(0.9, "writing")
    columns = [name for name in rows[0] if name] if rows else ["text", "label"]
    # A base may have a column of that name itself.
    source = SOURCE if SOURCE not in columns else f"hearth_{SOURCE}"
    out = Path(order.out)
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*columns, source, "people"], restval="", extrasaction="ignore")
        writer.writeheader()
        for row in rows:
            writer.writerow({**row, source: "base"})
        for learned in weighed.rows:
            writer.writerow(
                {"text": learned.text, "label": learned.label, source: "feedback", "people": learned.people}
            )
    return Made(
        data=fingerprint(out),
        base=fingerprint(base),
        rows=len(weighed.rows),
        times_ms=weighed.times_ms,
        people=weighed.people,
        people_left_out=weighed.people_left_out,
        left_out=weighed.left_out,
    )
