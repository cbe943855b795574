"""Reads and writes days of trading in the course's columns, which are the exchange's own: ROC dates, quoted thousands.

A file as the exchange hands it out, Big5 with a title above the header and remarks below the rows, reads as well.
"""

import csv
import datetime
import io
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from plugins.stock.series import Day
from shared.charsets import decode
from shared.errors import BadInput

COLUMNS: Final = (
    "日期", "成交股數", "成交金額", "開盤價", "最高價", "最低價", "收盤價", "漲跌價差", "成交筆數",
)  # fmt: skip
MEANING: Final = dict(
    zip(
        COLUMNS,
        (
            "date, ROC (99/01/04) or Gregorian (2010-01-04)",
            "shares traded",
            "their value",
            "open",
            "high",
            "low",
            "close",
            "change; X0.00 on an ex-dividend day",
            "transactions",
        ),
        strict=True,
    )
)
MAX_BYTES: Final = 8 * 2**20
MAX_DAYS: Final = 30_000
TITLES: Final = 5
"""Lines that may stand above the header."""
ROC: Final = 1911
"""The year before the first of the Republic of China."""
MOST: Final = 10**15
HIGHEST: Final = 1e7
_DATE: Final = re.compile(r"(\d{2,4})[/.-](\d{1,2})[/.-](\d{1,2})")
_COUNT: Final = re.compile(r"\d{1,3}(?:,\d{3})+|\d+")
_PRICE: Final = re.compile(r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?")
_NOTHING: Final = frozenset({"", "-", "--", "---"})


def read_days(data: bytes) -> list[Day]:
    """Read the rows of a file: oldest first, one a date (of several the last), those without a trade left out.

    Raises `BadInput`, which names the line and what is wrong with it.
    """
    if len(data) > MAX_BYTES:
        raise BadInput("The file is larger than {limit} MiB.", limit=MAX_BYTES // 2**20)
    text = decode(data)
    if text is None:
        raise BadInput("The file is no CSV table.")
    found: dict[datetime.date, Day] = {}
    try:
        for line, row in _rows(text):
            if (day := _day(line, row)) is not None:
                found[day.date] = day
            if len(found) > MAX_DAYS:
                raise BadInput("The file has more than {limit} days.", limit=MAX_DAYS)
    except csv.Error as error:
        raise BadInput("The file is no CSV table: {reason}", reason=error) from None
    if not found:
        raise BadInput("The file holds no day with a trade.")
    return [found[date] for date in sorted(found)]


def write_days(days: Iterable[Day]) -> bytes:
    """Write days in the same columns, as UTF-8 with a byte order mark, for spreadsheets."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for day in days:
        prices = [_written(price) for price in (day.open, day.high, day.low, day.close)]
        counts = [f"{count:,}" for count in (day.shares, day.value)]
        writer.writerow([roc_date(day.date), *counts, *prices, _written_change(day), f"{day.trades:,}"])
    return out.getvalue().encode("utf-8-sig")


def roc_date(date: datetime.date) -> str:
    """Write a date as the exchange does: 2010-01-04 is 99/01/04; Gregorian before the year 1 of the Republic."""
    year = date.year - ROC
    return f"{year:02d}/{date.month:02d}/{date.day:02d}" if year > 0 else date.isoformat()


def read_date(text: str) -> datetime.date | None:
    """Read an ROC or a Gregorian date; None where it is neither."""
    if (match := _DATE.fullmatch(text.strip())) is None:
        return None
    year, month, day = map(int, match.groups())
    try:
        return datetime.date(year if len(match[1]) == 4 else year + ROC, month, day)
    except ValueError:
        return None


def _rows(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield each row below the header, by column, with the line that it ends on."""
    reader = csv.reader(io.StringIO(text, newline=""))
    header: Sequence[str] = ()
    for row in reader:
        names = [cell.strip() for cell in row]
        if COLUMNS[0] in names:
            header = names
            break
        if reader.line_num > TITLES:
            break
    if missing := [name for name in COLUMNS if name not in header]:
        raise BadInput(
            "The file has no column {column}. It needs the exchange's: {columns}",
            column=missing[0], columns=", ".join(COLUMNS),
        )  # fmt: skip
    for row in reader:
        cells = {name: cell.strip() for name, cell in zip(header, row, strict=False) if name}
        if _is_row(cells.get("日期", ""), row):
            yield reader.line_num, cells


def _is_row(date: str, row: Sequence[str]) -> bool:
    """Tell a row from an empty line and from the exchange's remarks, which stand alone in a first cell."""
    filled = sum(bool(cell.strip()) for cell in row)
    return filled > 1 or (filled == 1 and date[:1].isdigit())


def _day(line: int, cells: dict[str, str]) -> Day | None:
    """Return the day of a row; None where nothing was traded."""
    if any(name not in cells for name in COLUMNS):
        raise BadInput("Line {line} has fewer columns than the header.", line=line)
    date = read_date(cells["日期"])
    if date is None:
        raise BadInput("Line {line}: {text!r} is no date.", line=line, text=cells["日期"][:20])
    columns = ("開盤價", "最高價", "最低價", "收盤價")
    texts = [cells[name] for name in columns]
    # A day without a trade has no price; a row that lacks some of them is broken.
    if all(text in _NOTHING for text in texts):
        return None
    prices = [_price(line, name, text) for name, text in zip(columns, texts, strict=True)]
    opened, high, low, close = prices
    if not low <= min(opened, close) <= max(opened, close) <= high:
        raise BadInput(
            "Line {line}: open and close do not lie between the low, {low}, and the high, {high}.",
            line=line, low=low, high=high,
        )  # fmt: skip
    shares, value, trades = (_count(line, name, cells[name]) for name in ("成交股數", "成交金額", "成交筆數"))
    change, ex_dividend = _change(line, cells["漲跌價差"])
    return Day(date, opened, high, low, close, shares, value, trades, change, ex_dividend)


def _price(line: int, column: str, text: str) -> float:
    price = float(text.replace(",", "")) if len(text) < 20 and _PRICE.fullmatch(text) else 0.0
    if not 0 < price <= HIGHEST:
        raise BadInput(
            "Line {line}: {column} is {text!r}, no price.", line=line, column=column, text=text[:20]
        )
    return price


def _count(line: int, column: str, text: str) -> int:
    if text in _NOTHING:
        return 0
    # Spreadsheets write whole numbers with a point at times.
    whole = text.removesuffix(".0")
    count = int(whole.replace(",", "")) if len(whole) < 24 and _COUNT.fullmatch(whole) else -1
    if not 0 <= count <= MOST:
        raise BadInput(
            "Line {line}: {column} is {text!r}, no whole number.", line=line, column=column, text=text[:20]
        )
    return count


def _change(line: int, text: str) -> tuple[float | None, bool]:
    """Return the change, None where none is stated, and whether it is marked as the first day after a payout."""
    marked = text[:1] in ("X", "x")
    bare = text.removeprefix("X").removeprefix("x").replace(" ", "")
    if marked or bare in _NOTHING:
        return None, marked
    sign, digits = (bare[0], bare[1:]) if bare[0] in "+-" else ("+", bare)
    change = float(digits.replace(",", "")) if len(digits) < 20 and _PRICE.fullmatch(digits) else math.inf
    if change > HIGHEST:
        raise BadInput("Line {line}: the change is {text!r}, no number.", line=line, text=text[:20])
    return (-change if sign == "-" else change), False


def _written(price: float) -> str:
    return f"{price:,.2f}" if round(price, 2) == price else f"{price:,}"


def _written_change(day: Day) -> str:
    if day.ex_dividend:
        return "X0.00"
    if day.change is None:
        return ""
    return " 0.00" if day.change == 0 else f"{'+' if day.change > 0 else '-'}{_written(abs(day.change))}"
