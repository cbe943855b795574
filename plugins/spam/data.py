"""Reads labelled messages: CSV with the columns text and label (ham or spam), plain or gzipped."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared.errors import BadInput
from shared.rows import rows_of

COLUMNS: Final = {"text": "the message", "label": "ham or spam"}
MAX_BYTES: Final = 200 * 1024 * 1024
MAX_TEXT: Final = 20_000


@dataclass(frozen=True)
class Messages:
    """Texts, and for each whether it is spam."""

    texts: list[str]
    spam: list[bool]

    def part(self, chosen: list[bool], value: bool) -> "Messages":
        """Return the rows for which `chosen` is `value`."""
        keep = [i for i, each in enumerate(chosen) if each is value]
        return Messages([self.texts[i] for i in keep], [self.spam[i] for i in keep])


def read_messages(path: Path) -> Messages:
    """Read a file. Raises `BadInput`, which names the line and what is wrong with it."""
    texts, spam = [], []
    for line, row in rows_of(path, COLUMNS, MAX_BYTES):
        text, label = row["text"], (row["label"] or "").strip().lower()
        if label not in ("ham", "spam"):
            raise BadInput(
                "{path}, line {line}: the label is {label!r}, not ham or spam.",
                path=path, line=line, label=label[:20],
            )  # fmt: skip
        if text and text.strip():
            texts.append(text[:MAX_TEXT])
            spam.append(label == "spam")
    if len(set(spam)) < 2:
        raise BadInput("{path} needs rows of both labels, ham and spam.", path=path)
    return Messages(texts, spam)
