"""A session as a sheet: CSV as spreadsheets expect Chinese, and nothing in it that they run."""

from collections.abc import Sequence

from plugins.rollcall.sessions import CheckIn, Session
from shared.cells import as_sheet


def sheet(found: Session, people: Sequence[CheckIn], header: Sequence[str], yes: str, unknown: str) -> bytes:
    """Write name, date, time, late and poster, a row a person; times are of the session's time zone.

    `header` holds the five names of columns, `yes` what a late one is marked by, `unknown` what stands for a poster
    who has been forgotten, or for a camera.
    """
    rows = [tuple(header)]
    for each in people:
        at = found.local(each.at_ms)
        rows.append(
            (
                each.name,
                at.strftime("%Y-%m-%d"),
                at.strftime("%H:%M:%S"),
                yes if found.is_late(each.at_ms) else "",
                each.posted_name or unknown,
            )
        )
    return as_sheet(rows)
