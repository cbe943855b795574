"""Reads labelled messages: CSV with the columns text and label (ham or spam), plain or gzipped."""

import csv
import gzip
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared.errors import BadInput

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
    try:
        with gzip.open(path, "rb") if path.name.endswith(".gz") else path.open("rb") as source:
            data = source.read(MAX_BYTES + 1)
    except (OSError, EOFError) as error:
        raise BadInput("{path} cannot be read: {reason}", path=path, reason=error) from None
    if len(data) > MAX_BYTES:
        raise BadInput("{path} is larger than {limit} MiB.", path=path, limit=MAX_BYTES // 2**20)
    try:
        reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""))
        if missing := [name for name in COLUMNS if name not in (reader.fieldnames or [])]:
            raise BadInput("{path} has no column {column}.", path=path, column=missing[0])
        texts, spam = [], []
        for row in reader:
            text, label = row["text"], (row["label"] or "").strip().lower()
            if label not in ("ham", "spam"):
                raise BadInput(
                    "{path}, line {line}: the label is {label!r}, not ham or spam.",
                    path=path, line=reader.line_num, label=label[:20],
                )  # fmt: skip
            if text and text.strip():
                texts.append(text[:MAX_TEXT])
                spam.append(label == "spam")
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput("{path} is no CSV table in UTF-8: {reason}", path=path, reason=error) from None
    if len(set(spam)) < 2:
        raise BadInput("{path} needs rows of both labels, ham and spam.", path=path)
    return Messages(texts, spam)
