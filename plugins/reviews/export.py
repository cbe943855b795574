"""The table that people get back: their own rows with the topic of each, safe to open in a spreadsheet."""

import csv
import io
import re
from collections.abc import Sequence
from pathlib import PurePath
from typing import Final

from plugins.reviews.intake import Intake
from plugins.reviews.model import Clustering
from shared.columns import free_names

ADDED: Final = ("topic", "topic_words")
_FORMULA: Final = tuple("=+-@\t\r")
_NUMBER: Final = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")


def written(intake: Intake, clustering: Clustering, names: Sequence[str]) -> bytes:
    """Return the rows as CSV, with the number of each row's topic (from 1; none: empty) and its name.

    The byte order mark has Excel read it as UTF-8. A cell that a spreadsheet would take for a formula begins with an
    apostrophe; plain numbers stay as they are.
    """
    topic_of = dict(zip(intake.at, clustering.topic, strict=True))
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([*map(plain, intake.columns), *free_names(intake.columns, ADDED)])
    for row, cells in enumerate(intake.rows):
        topic = topic_of.get(row, -1)
        added = ("", "") if topic < 0 else (str(topic + 1), names[topic])
        writer.writerow([*map(plain, cells), added[0], plain(added[1])])
    return out.getvalue().encode("utf-8-sig", "replace")


def plain(cell: str) -> str:
    """Return a cell that no spreadsheet computes."""
    if cell.lstrip(" ").startswith(_FORMULA) and not _NUMBER.fullmatch(cell.strip()):
        return f"'{cell}"
    return cell


def file_name(name: str) -> str:
    """Return what the file is called."""
    return f"{PurePath(name).stem[:60] or 'reviews'}-topics.csv"
