"""Reads labelled texts: CSV with the columns text and label, and perhaps publisher and collection, plain or gzipped."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared.errors import BadInput
from shared.rows import rows_of

COLUMNS: Final = {
    "text": "the post or article",
    "label": "real or fake; other for a text that is neither, to learn what is unlike both",
}
LABELS: Final = ("real", "fake", "other")
MAX_BYTES: Final = 200 * 1024 * 1024
MAX_TEXT: Final = 60_000
MAX_NAME: Final = 100


@dataclass(frozen=True)
class Rows:
    """Texts with their labels, the site of each ("" where unknown), and the collection that it is from."""

    texts: list[str]
    labels: list[str]
    publishers: list[str]
    collections: list[str]

    @property
    def fake(self) -> list[bool]:
        """Return for each text whether it is labelled fake."""
        return [label == "fake" for label in self.labels]

    def chosen(self, keep: Sequence[bool]) -> "Rows":
        """Return the rows for which `keep` is true."""
        at = [index for index, each in enumerate(keep) if each]
        columns = (self.texts, self.labels, self.publishers, self.collections)
        return Rows(*([column[index] for index in at] for column in columns))

    def labelled(self, *labels: str) -> "Rows":
        """Return the rows that have one of the labels."""
        return self.chosen([label in labels for label in self.labels])


def read_rows(path: Path) -> Rows:
    """Read a file. Raises `BadInput`, which names the line and what is wrong with it."""
    rows = Rows([], [], [], [])
    for line, row in rows_of(path, COLUMNS, MAX_BYTES):
        text, label = row["text"], (row["label"] or "").strip().lower()
        if label not in LABELS:
            raise BadInput(
                "{path}, line {line}: the label is {label!r}, not real, fake or other.",
                path=path, line=line, label=label[:20],
            )  # fmt: skip
        if text and text.strip():
            rows.texts.append(text[:MAX_TEXT])
            rows.labels.append(label)
            rows.publishers.append(site_of(row.get("publisher") or ""))
            rows.collections.append((row.get("collection") or "").strip()[:MAX_NAME])
    if not {"real", "fake"} <= set(rows.labels):
        raise BadInput("{path} needs rows of both labels, real and fake.", path=path)
    return rows


def site_of(publisher: str) -> str:
    """Fold the names that one publisher has: "www.bbc.co.uk:80" and "news.bbc.co.uk" are both "bbc.co.uk"."""
    host = re.sub(r"^https?://|[:/].*$", "", publisher.strip().lower()[:MAX_NAME])
    parts = host.split(".")
    short = (
        len(parts) > 2
        and len(parts[-1]) == 2
        and parts[-2] in ("co", "com", "org", "net", "gov", "edu", "ac")
    )
    return ".".join(parts[-3 if short else -2 :])
