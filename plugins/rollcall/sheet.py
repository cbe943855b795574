"""A session as a sheet: CSV in UTF-8 with BOM, as spreadsheets expect Chinese, and nothing in it that they run."""

import csv
import io
from collections.abc import Sequence

from plugins.rollcall.sessions import CheckIn, Session

BOM = "\ufeff"
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "|", "%")


def harmless(cell: str) -> str:
    """Make a text safe to open in a spreadsheet: what would be taken as a formula gets an apostrophe in front."""
    return f"'{cell}" if cell.lstrip(" \u3000\u200b\u2060\ufeff").startswith(_FORMULA) else cell


def sheet(found: Session, people: Sequence[CheckIn], header: Sequence[str], yes: str, unknown: str) -> bytes:
    """Write name, date, time, late and poster, a row a person; times are of the session's time zone.

    `header` holds the five names of columns, `yes` what a late one is marked by, `unknown` what stands for a poster
    who has been forgotten, or for a camera.
    """
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(header)
    for each in people:
        at = found.local(each.at_ms)
        writer.writerow(
            (
                harmless(each.name),
                at.strftime("%Y-%m-%d"),
                at.strftime("%H:%M:%S"),
                yes if found.is_late(each.at_ms) else "",
                harmless(each.posted_name or unknown),
            )
        )
    return (BOM + written.getvalue()).encode()
