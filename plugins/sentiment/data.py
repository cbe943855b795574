"""Reads labelled reviews: CSV with the columns text and label (positive or negative), plain or gzipped."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from plugins.sentiment.features import LONGEST
from shared.errors import BadInput
from shared.language import Language, language_of
from shared.rows import rows_of

COLUMNS: Final = {"text": "the review", "label": "positive or negative"}
LABELS: Final = ("negative", "positive")
OPEN: Final = frozenset({"mixed", "unclear", "neutral"})
"""What people may call a text that is neither; such rows teach nothing here and are left out."""
MAX_BYTES: Final = 300 * 1024 * 1024


@dataclass(frozen=True)
class Reviews:
    """Texts, for each whether it is positive, and its language."""

    texts: list[str]
    positive: list[bool]
    languages: list[Language]

    def part(self, chosen: Sequence[bool], value: bool = True) -> "Reviews":
        """Return the rows for which `chosen` is `value`."""
        keep = [row for row, each in enumerate(chosen) if bool(each) is value]
        return Reviews(
            [self.texts[row] for row in keep],
            [self.positive[row] for row in keep],
            [self.languages[row] for row in keep],
        )

    def of(self, language: Language) -> "Reviews":
        """Return the rows of one language."""
        return self.part([each == language for each in self.languages])


def read_reviews(path: Path) -> Reviews:
    """Read a file. Raises `BadInput`, which names the line and what is wrong with it."""
    texts, positive = [], []
    for line, row in rows_of(path, COLUMNS, MAX_BYTES):
        text, label = row["text"], (row["label"] or "").strip().lower()
        if label in OPEN:
            continue
        if label not in LABELS:
            raise BadInput(
                "{path}, line {line}: the label is {label!r}, not positive or negative.",
                path=path, line=line, label=label[:20],
            )  # fmt: skip
        if text and text.strip():
            texts.append(text[:LONGEST])
            positive.append(label == "positive")
    if len(set(positive)) < 2:
        raise BadInput("{path} needs rows of both labels, positive and negative.", path=path)
    return Reviews(texts, positive, [language_of(text) for text in texts])
