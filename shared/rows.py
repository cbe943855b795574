"""Reads the rows of a data file to train or to judge on: CSV with a header line, plain or gzipped.

Imported by the trainer and the command line. Each plugin checks what its own columns hold.
"""

import csv
import gzip
import io
from collections.abc import Iterable
from pathlib import Path

from shared.errors import BadInput


def rows_of(
    path: Path, columns: Iterable[str], max_bytes: int, longest_field: int | None = None
) -> list[tuple[int, dict[str, str | None]]]:
    """Return each row with the line that it ends on; a short row holds None for what it lacks.

    `longest_field` in characters, where it is not the csv module's own limit. Raises `BadInput` where the file cannot
    be read, is larger than `max_bytes` unpacked, is no CSV table in UTF-8, or lacks one of `columns`.
    """
    try:
        with gzip.open(path, "rb") if path.name.endswith(".gz") else path.open("rb") as source:
            data = source.read(max_bytes + 1)
    except (OSError, EOFError) as error:
        raise BadInput("{path} cannot be read: {reason}", path=path, reason=error) from None
    if len(data) > max_bytes:
        raise BadInput("{path} is larger than {limit} MiB.", path=path, limit=max_bytes // 2**20)
    before = csv.field_size_limit()
    try:
        csv.field_size_limit(longest_field or before)
        reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""))
        if missing := [name for name in columns if name not in (reader.fieldnames or [])]:
            raise BadInput("{path} has no column {column}.", path=path, column=missing[0])
        return [(reader.line_num, row) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput("{path} is no CSV table in UTF-8: {reason}", path=path, reason=error) from None
    finally:
        csv.field_size_limit(before)
