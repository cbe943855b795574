"""The table that people get back: their own rows with the topic of each, safe to open in a spreadsheet."""

from collections.abc import Sequence
from pathlib import PurePath
from typing import Final

from plugins.reviews.intake import Intake
from plugins.reviews.model import Clustering
from shared.cells import as_sheet
from shared.columns import free_names

ADDED: Final = ("topic", "topic_words")


def written(intake: Intake, clustering: Clustering, names: Sequence[str]) -> bytes:
    """Return the rows as CSV, with the number of each row's topic (from 1; none: empty) and its name.

    A cell that a spreadsheet would take for a formula begins with an apostrophe; plain numbers stay as they are.
    """
    topic_of = dict(zip(intake.at, clustering.topic, strict=True))
    rows = [(*intake.columns, *free_names(intake.columns, ADDED))]
    for row, cells in enumerate(intake.rows):
        topic = topic_of.get(row, -1)
        added = ("", "") if topic < 0 else (str(topic + 1), names[topic])
        rows.append((*cells, *added))
    return as_sheet(rows, numbers=True)


def file_name(name: str) -> str:
    """Return what the file is called."""
    return f"{PurePath(name).stem[:60] or 'reviews'}-topics.csv"
