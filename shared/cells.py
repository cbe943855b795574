"""Tables that people get back: CSV that spreadsheets read as Chinese too, and no cell of which they take for a formula.

After OWASP's "CSV injection", and stricter: signs count in every width, and whatever invisible stands before them.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

_SIGNS: Final = frozenset("=+-@|%\u2212")
_BREAKS: Final = frozenset("\t\r\n\v\f\x85\u2028\u2029")
"""What ends a cell or a line where a file is pasted, so that what follows begins a cell."""
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"})
_NUMBER: Final = re.compile(
    r" *[+-]?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?%? *"
)


def harmless(cell: str, *, numbers: bool = False) -> str:
    """Return a cell that no spreadsheet computes: one that might be a formula gets an apostrophe in front.

    With `numbers`, plain ones (-73.98, +5%) stay as they are.
    """
    if not _begins_formula(cell) or (numbers and _NUMBER.fullmatch(cell)):
        return cell
    return f"'{cell}"


def as_sheet(rows: Iterable[Sequence[str]], *, numbers: bool = False) -> bytes:
    """Write rows, the names of columns first, as CSV whose every cell is harmless.

    UTF-8 with the byte order mark by which spreadsheets know it; half of a surrogate pair becomes a question mark.
    """
    out = io.StringIO(newline="")
    csv.writer(out).writerows([harmless(cell, numbers=numbers) for cell in row] for row in rows)
    return out.getvalue().encode("utf-8-sig", "replace")


def _begins_formula(cell: str) -> bool:
    """Tell whether the first sign that is seen begins a formula, or a line ends before it."""
    for character in cell:
        if character in _BREAKS:
            return True
        if unicodedata.category(character) not in _UNSEEN:
            return not _SIGNS.isdisjoint(unicodedata.normalize("NFKC", character)[:1])
    return False
