"""The course's columns read back as they were written, faults are named by their line, and no bytes break reading."""

import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.stock.course_csv import COLUMNS, MAX_DAYS, read_date, read_days, roc_date, write_days
from plugins.stock.series import Day
from shared.errors import BadInput
from tests.plugins.stock.invented import invented

HEADER = "," + ",".join(COLUMNS)
FIRST = '0, 99/01/04,"39,511,138","2,557,720,928",65.00,65.00,64.00,64.90,+0.40,"8,255"'
cents = st.integers(1, 10**8).map(lambda number: number / 100)
dates = st.dates(datetime.date(1912, 1, 1), datetime.date(2100, 12, 31))


@st.composite
def some_days(draw: st.DrawFn) -> list[Day]:
    found = []
    for date in draw(st.lists(dates, min_size=1, max_size=5, unique=True).map(sorted)):
        low, one, two, high = sorted(draw(st.lists(cents, min_size=4, max_size=4)))
        ex = draw(st.booleans())
        change = None if ex else draw(st.none() | cents | cents.map(lambda number: -number) | st.just(0.0))
        counts = draw(st.tuples(*[st.integers(0, 10**12)] * 3))
        found.append(Day(date, one, high, low, two, *counts, change, ex))
    return found


def read(*lines: str) -> list[Day]:
    return read_days("\n".join((HEADER, *lines)).encode())


@given(some_days())
@settings(deadline=None)
def test_what_is_written_reads_back_the_same(days: list[Day]) -> None:
    assert read_days(write_days(days)) == days


def test_a_row_of_the_course_reads_as_the_exchange_meant_it() -> None:
    day = Day(datetime.date(2010, 1, 4), 65.0, 65.0, 64.0, 64.9, 39_511_138, 2_557_720_928, 8_255, 0.4)
    assert read(FIRST) == [day]


def test_what_is_written_has_a_mark_for_spreadsheets_and_the_course_s_columns() -> None:
    lines = write_days(invented(3)).decode("utf-8").split("\r\n")
    assert lines[0] == "\ufeff" + ",".join(COLUMNS)
    assert lines[1].startswith("104/01/05,")


@given(dates)
def test_every_date_reads_back_from_roc_years(date: datetime.date) -> None:
    assert read_date(roc_date(date)) == date == read_date(date.isoformat())


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("99/01/04", datetime.date(2010, 1, 4)),
        (" 100/02/28 ", datetime.date(2011, 2, 28)),
        ("2010/1/4", datetime.date(2010, 1, 4)),
        ("100/02/29", None),
        ("99/13/01", None),
        ("9/1/4", None),
        ("0000/01/01", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_dates_read_in_both_calendars_or_not_at_all(text: str, date: datetime.date | None) -> None:
    assert read_date(text) == date


def test_days_without_a_trade_are_left_out() -> None:
    assert read(FIRST, "1,99/01/05,0,0,--,--,--,--, 0.00,0") == read(FIRST)


def test_the_first_day_after_a_payout_is_marked_and_has_no_change() -> None:
    (day,) = read('123, 99/07/06,"69,857,079","4,143,340,431",58.90,59.90,58.80,59.90,X0.00,"14,958"')
    assert day.ex_dividend
    assert day.change is None


def test_days_come_in_order_and_of_one_date_the_last_counts() -> None:
    later = FIRST.replace("99/01/04", "99/01/05")
    again = FIRST.replace("64.90", "64.50")
    assert [(day.date.day, day.close) for day in read(later, FIRST, again)] == [(4, 64.5), (5, 64.9)]


def test_a_file_as_the_exchange_hands_it_out_reads() -> None:
    bare = FIRST.partition(",")[2]
    lines = ['"99年01月 2330 台積電           各日成交資訊"', ",".join(COLUMNS) + ",", bare + ","]
    lines += ['"說明:"', '"符號說明:+/-/X表示漲/跌/不比價"', ""]
    assert read_days("\r\n".join(lines).encode("big5")) == read(FIRST)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (FIRST.replace("99/01/04", "99/02/30"), "Line 3: '99/02/30' is no date"),
        (FIRST.replace("65.00,65.00", "--,65.00"), "Line 3: 開盤價 is '--', no price"),
        (FIRST.replace("64.90", '"64,9"'), "Line 3: 收盤價 is '64,9', no price"),
        (FIRST.replace("64.90", "nan"), "Line 3: 收盤價 is 'nan', no price"),
        (FIRST.replace("64.90", "66.00"), "Line 3: open and close do not lie between"),
        (FIRST.replace("64.90", "0"), "Line 3: 收盤價 is '0'"),
        (FIRST.replace('"8,255"', '"8,25"'), "Line 3: 成交筆數 is '8,25', no whole number"),
        (FIRST.replace("+0.40", "+much"), "Line 3: the change is '\\+much'"),
        ("1,99/01/05", "Line 3 has fewer columns"),
        (FIRST.replace("64.90", "9" * 5000), "Line 3: 收盤價"),
    ],
)
def test_a_line_that_is_no_day_is_named(line: str, message: str) -> None:
    good = FIRST.replace("99/01/04", "99/01/01")
    with pytest.raises(BadInput, match=message) as caught:
        read(good, line)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no column"),
        (b"date,close\n2010-01-04,1\n", "no column 日期"),
        ("日期,收盤價\n".encode(), "no column 成交股數"),
        (HEADER.encode(), "no day with a trade"),
        (b"\x00\xff" * 500, "no CSV table|no column"),
        (b"x" * (9 * 2**20), "larger than 8 MiB"),
        ((HEADER + '\n"' + "x" * 200_000).encode(), "no CSV table|no date|no day"),
    ],
    ids=["empty", "others", "one", "bare", "binary", "large", "field"],
)
def test_a_file_that_is_no_table_of_days_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        read_days(data)


def test_more_days_than_a_century_has_are_refused() -> None:
    start = datetime.date(1930, 1, 1)
    one = invented(1)[0]
    days = [
        Day(start + datetime.timedelta(at), one.open, one.high, one.low, one.close, 1, 1, 1)
        for at in range(MAX_DAYS + 1)
    ]
    with pytest.raises(BadInput, match="more than"):
        read_days(write_days(days))


@given(
    st.binary(max_size=300)
    | st.text(max_size=200).map(lambda text: (HEADER + "\n" + text).encode("utf-8", "replace"))
)
@settings(deadline=None, max_examples=200)
def test_any_bytes_read_or_are_refused(data: bytes) -> None:
    try:
        found = read_days(data)
    except BadInput:
        return
    assert found == sorted(found, key=lambda day: day.date)
