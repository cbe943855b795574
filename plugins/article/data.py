"""Reads articles with their reference summaries: CSV with the columns article and summary, plain or gzipped."""

import csv
import gzip
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared.errors import BadInput

COLUMNS: Final = {"article": "the text", "summary": "a good summary of it"}
MAX_BYTES: Final = 200 * 1024 * 1024
MAX_ARTICLE: Final = 200_000
MAX_SUMMARY: Final = 20_000


@dataclass(frozen=True)
class Pairs:
    """Articles, and for each its reference summary."""

    articles: list[str]
    summaries: list[str]

    def part(self, chosen: Sequence[bool], value: bool) -> "Pairs":
        """Return the rows for which `chosen` is `value`."""
        keep = [i for i, each in enumerate(chosen) if each is value]
        return Pairs([self.articles[i] for i in keep], [self.summaries[i] for i in keep])


def read_pairs(path: Path) -> Pairs:
    """Read a file; rows without an article or a summary are passed over.

    Raises `BadInput`, which says what is wrong.
    """
    try:
        with gzip.open(path, "rb") if path.name.endswith(".gz") else path.open("rb") as source:
            data = source.read(MAX_BYTES + 1)
    except (OSError, EOFError) as error:
        raise BadInput("{path} cannot be read: {reason}", path=path, reason=error) from None
    if len(data) > MAX_BYTES:
        raise BadInput("{path} is larger than {limit} MiB.", path=path, limit=MAX_BYTES // 2**20)
    found = Pairs([], [])
    limit = csv.field_size_limit(MAX_BYTES)
    try:
        reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""))
        if missing := [name for name in COLUMNS if name not in (reader.fieldnames or [])]:
            raise BadInput("{path} has no column {column}.", path=path, column=missing[0])
        for row in reader:
            article, summary = (row["article"] or "").strip(), (row["summary"] or "").strip()
            if article and summary:
                found.articles.append(article[:MAX_ARTICLE])
                found.summaries.append(summary[:MAX_SUMMARY])
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput("{path} is no CSV table in UTF-8: {reason}", path=path, reason=error) from None
    finally:
        csv.field_size_limit(limit)
    if not found.articles:
        raise BadInput("{path} has no row with both an article and a summary.", path=path)
    return found
