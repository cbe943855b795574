"""Reads articles with their reference summaries: CSV with the columns article and summary, plain or gzipped."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared.errors import BadInput
from shared.rows import rows_of

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
    found = Pairs([], [])
    for _, row in rows_of(path, COLUMNS, MAX_BYTES, MAX_BYTES):
        article, summary = (row["article"] or "").strip(), (row["summary"] or "").strip()
        if article and summary:
            found.articles.append(article[:MAX_ARTICLE])
            found.summaries.append(summary[:MAX_SUMMARY])
    if not found.articles:
        raise BadInput("{path} has no row with both an article and a summary.", path=path)
    return found
