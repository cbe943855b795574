"""Puts public collections together into one file to train on: `python -m plugins.fact.merge --help`.

    python -m plugins.fact.merge fact.csv.gz covid=fake_covid_train.csv politifact=fake_news_politifact.csv.gz \\
        other=imdb_train.csv.gz other=sms_spam.csv

Each file has the columns text and label, and may have publisher. Of a file named `other` every text counts as unlike
posts and articles, whatever its label says; 1,500 of them are taken, chosen by a hash of their content.
"""

import csv
import gzip
import hashlib
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import typer

OTHERS: Final = 1500
MAX_FIELD: Final = 10_000_000


class Row(NamedTuple):
    """A line of the merged file."""

    text: str
    label: str
    publisher: str
    collection: str


def merged(named: Sequence[tuple[str, Path]]) -> list[Row]:
    """Return the rows of all files, each under the name of its collection."""
    rows: list[Row] = []
    for name, path in named:
        found = list(_read(path, name))
        if name == "other":
            found = sorted(
                found, key=lambda row: hashlib.blake2b(row.text.encode("utf-8", "replace")).digest()
            )
            found = found[:OTHERS]
        rows += found
    return rows


def main(target: Path, sources: list[str]) -> None:
    """Write SOURCES, each COLLECTION=FILE, to TARGET."""
    named = []
    for source in sources:
        name, equals, path = source.partition("=")
        if not equals:
            raise typer.BadParameter(f"{source}: write COLLECTION=FILE")
        named.append((name, Path(path)))
    rows = merged(named)
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(Row._fields)
    writer.writerows(rows)
    data = out.getvalue().encode("utf-8", "replace")
    # No time in the header: the same rows give the same file.
    target.write_bytes(gzip.compress(data, mtime=0) if target.suffix == ".gz" else data)
    typer.echo(f"{len(rows)} rows")


def _read(path: Path, collection: str) -> Iterator[Row]:
    csv.field_size_limit(MAX_FIELD)
    with (
        gzip.open(path, "rt", encoding="utf-8-sig", newline="")
        if path.suffix == ".gz"
        else path.open(encoding="utf-8-sig", newline="")
    ) as source:
        for row in csv.DictReader(source):
            label = "other" if collection == "other" else row["label"].strip().lower()
            # Reviews come with the line breaks of the page that they stood on.
            text = row["text"].replace("<br />", "\n") if label == "other" else row["text"]
            yield Row(text, label, row.get("publisher") or "", "" if label == "other" else collection)


if __name__ == "__main__":
    typer.run(main)
