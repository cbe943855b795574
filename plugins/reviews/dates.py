"""Reads the dates of reviews as tables write them: the year first, in our era or Taiwan's, or seconds since 1970."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final

_WRITTEN: Final = re.compile(r"(\d{2,4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})(?!\d)")
_COMPACT: Final = re.compile(r"((?:19|20)\d\d)(\d\d)(\d\d)")
_SECONDS: Final = re.compile(r"\d{10}(\d{3})?(\.\d+)?")
_AGO: Final = re.compile(
    r"(?P<count>\d+|an?|one|一|兩)?\s*個?\s*"
    r"(?P<unit>minute|hour|day|week|month|year|分鐘|小時|天|週|周|星期|月|年)s?\s*(?:ago|前)"
)
_DAYS: Final = {
    "minute": 0.0, "hour": 0.0, "day": 1.0, "week": 7.0, "month": 30.44, "year": 365.25,
    "分鐘": 0.0, "小時": 0.0, "天": 1.0, "週": 7.0, "周": 7.0, "星期": 7.0, "月": 30.44, "年": 365.25,
}  # fmt: skip
_ROC: Final = 1911
_EARLIEST, _LATEST = date(1990, 1, 1), date(2100, 1, 1)


def read_date(text: str) -> date | None:
    """Return the day that a cell names; None where it names none, or one that cannot be told, such as 3/4/2024."""
    text = text.strip()
    try:
        if _SECONDS.fullmatch(text):
            seconds = float(text) / (1000 if len(text.partition(".")[0]) == 13 else 1)
            found = datetime.fromtimestamp(seconds, UTC).date()
        elif match := _WRITTEN.match(text) or _COMPACT.match(text):
            year, month, day = (int(part) for part in match.groups())
            if len(match[1]) < 4 and (year < 60 or year > 200):
                return None
            found = date(year + _ROC if year < 1000 else year, month, day)
        else:
            return None
    except (ValueError, OverflowError, OSError):
        return None
    return found if _EARLIEST <= found < _LATEST else None


def read_ago(text: str, today: date) -> date | None:
    """Return about which day "3 weeks ago" or 「3 週前」 was."""
    if (match := _AGO.search(text[:60])) is None:
        return None
    count = {"兩": 2}.get(match["count"] or "") or (
        int(match["count"]) if (match["count"] or "").isdigit() else 1
    )
    days = count * _DAYS[match["unit"]]
    return today - timedelta(days=days) if days < 20_000 else None
