"""Reads what the exchange answers for one month of one stock: its JSON, its HTML, and the pages that hold no table."""

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal

from plugins.stock.course_csv import COLUMNS, read_days
from plugins.stock.series import Day
from shared.errors import BadInput

MOST_ROWS: Final = 62
"""More than a month can have."""
LONGEST_CELL: Final = 100
_NONE: Final = ("沒有符合條件的資料", "查無資料", "休市", "大於今日", "小於")
"""What the exchange says where there is nothing: no trades, a holiday, a date that it has no table for."""
_BUSY: Final = ("人數過多", "系統忙碌", "稍候再試", "稍後再試")
_NO_TRADE: Final = frozenset({"", "-", "--", "---"})

_CODE: Final = re.compile(r"\b[0-9]{4,6}[A-Z]?\b", re.ASCII)
"""A stock's code in a title such as "109年01月 2330 台積電 各日成交資訊"."""

Response = Literal["json", "html"]


class Unreadable(Exception):
    """An answer that is not the exchange's table, nor says that there is none."""


class Overloaded(Exception):
    """The exchange says, in a page of status 200, that it has too much to do."""


def read_month(body: bytes, response: Response, code: str, month: str) -> list[Day]:
    """Return the days with a trade of `month` (2020-01), oldest first. Raises `Unreadable` and `Overloaded`.

    A page where JSON was asked for is read as well: that is how holidays and trouble are told.
    """
    text = body.decode("utf-8", "replace").removeprefix("\ufeff").lstrip()
    # On holidays a page comes in place of JSON.
    table = _from_json(text) if response == "json" and not text.startswith("<") else _from_html(text)
    if table is None:
        return []
    title, header, rows = table
    if (named := _CODE.findall(title)) and code not in named:
        raise Unreadable("the table is of another stock")
    days = _days(header, rows)
    if any(f"{day.date:%Y-%m}" != month for day in days):
        raise Unreadable("the table is of another month")
    return days


Table = tuple[str, Sequence[str], Sequence[Sequence[str]]]
"""Title, header and rows."""


def _from_json(text: str) -> Table | None:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        raise Unreadable("no JSON") from None
    if not isinstance(said, dict) or not isinstance(status := said.get("stat"), str):
        raise Unreadable("JSON without a state")
    if status != "OK":
        _nothing(status)
        return None
    fields, data = said.get("fields"), said.get("data")
    if not isinstance(fields, list) or not isinstance(data, list) or len(data) > MOST_ROWS:
        raise Unreadable("JSON without a table")
    return str(said.get("title", "")), _cells(fields), [_cells(row) for row in data]


def _from_html(text: str) -> Table | None:
    # Imported late: it loads parsers that the bot needs for nothing else.
    from bs4 import BeautifulSoup

    try:
        page = BeautifulSoup(text, "html.parser")
    # Its parser is Python's, which gives up on some broken markup by an assertion.
    except (AssertionError, RecursionError, ValueError):
        raise Unreadable("no page") from None
    for table in page.find_all("table"):
        rows = [
            [cell.get_text(" ", strip=True)[:LONGEST_CELL] for cell in row.find_all(["th", "td"])]
            for row in table.find_all("tr", limit=MOST_ROWS + 5)
        ]
        at = next((n for n, row in enumerate(rows) if COLUMNS[0] in row), None)
        if at is not None and len(rows) - at <= MOST_ROWS:
            title = " ".join(" ".join(row) for row in rows[:at])
            return title, rows[at], [row for row in rows[at + 1 :] if len(row) == len(rows[at])]
    _nothing(page.get_text(" ", strip=True))
    return None


def _nothing(said: str) -> None:
    """Return where the exchange says that there is nothing; raise where it says something else."""
    if any(words in said for words in _BUSY):
        raise Overloaded(said[:200])
    if not any(words in said for words in _NONE):
        raise Unreadable(f"no table, but: {said[:200]}")


def _cells(row: Any) -> list[str]:
    if not isinstance(row, list) or len(row) > 2 * len(COLUMNS):
        raise Unreadable("a row that is none")
    return [str(cell)[:LONGEST_CELL] for cell in row]


def _days(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[Day]:
    names = [name.strip() for name in header]
    if missing := [name for name in COLUMNS if name not in names]:
        raise Unreadable(f"no column {missing[0]}")
    close = names.index("收盤價")
    traded = [row for row in rows if len(row) > close and row[close].strip() not in _NO_TRADE]
    if not traded:
        return []
    out = io.StringIO(newline="")
    csv.writer(out).writerows((names, *traded))
    try:
        return read_days(out.getvalue().encode())
    except BadInput as error:
        raise Unreadable(str(error)) from None
