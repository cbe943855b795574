"""The exchange's JSON and HTML are read as they are; whatever else comes is never taken for days of trading."""

import datetime
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.stock.course_csv import COLUMNS
from plugins.stock.exchange_page import Overloaded, Response, Unreadable, read_month
from plugins.stock.exchange_server import CLOSED, CROWDED, NOTHING
from plugins.stock.series import Day

ROWS = [
    ["99/01/04", "39,511,138", "2,557,720,928", "65.00", "65.00", "64.00", "64.90", "+0.40", "8,255"],
    ["99/01/05", "0", "0", "--", "--", "--", "--", " 0.00", "0"],
    ["99/01/06", "52,734", "3,405,010", "1,064.10", "1,064.90", "1,063.70", "1,064.50", "X0.00", "13,042"],
]
DAYS = [
    Day(datetime.date(2010, 1, 4), 65.0, 65.0, 64.0, 64.9, 39_511_138, 2_557_720_928, 8255, 0.4),
    Day(datetime.date(2010, 1, 6), 1064.1, 1064.9, 1063.7, 1064.5, 52_734, 3_405_010, 13_042, None, True),
]  # fmt: skip


def as_json(rows: Any = None, **more: Any) -> bytes:
    said: dict[str, Any] = {"stat": "OK", "date": "20100101", "title": "99年01月 2330 台積電 各日成交資訊"}
    said |= {"fields": [*COLUMNS], "data": ROWS if rows is None else rows, "notes": ["符號說明"]}
    return json.dumps({**said, **more}, ensure_ascii=False).encode()


def as_html(title: str = "99年01月 2330 台積電 各日成交資訊") -> bytes:
    def row(cells: list[str], tag: str = "td") -> str:
        return "<tr>" + "".join(f"<{tag}>{cell}</{tag}>" for cell in cells) + "</tr>"

    head = f"<tr><th colspan='9'><div>{title}</div></th></tr>{row([*COLUMNS], 'th')}"
    body = "".join(map(row, ROWS))
    # As the exchange writes it, with a table of something else before.
    return f"<html><body><table><tr><td>menu</td></tr></table><table><thead>{head}</thead>{body}</table>".encode()


@pytest.mark.parametrize(
    ("body", "response"), [(as_json(), "json"), (as_html(), "html"), (as_html(), "json")]
)
def test_a_month_is_read_with_its_thousands_its_gaps_and_its_payouts(body: bytes, response: Response) -> None:
    assert read_month(body, response, "2330", "2010-01") == DAYS


@pytest.mark.parametrize("title", ["", "各日成交資訊"])
def test_a_table_without_a_title_is_read_too(title: str) -> None:
    assert read_month(as_json(title=title), "json", "2330", "2010-01") == DAYS
    assert read_month(as_html(title), "html", "2330", "2010-01") == DAYS


def test_a_new_column_or_another_order_does_no_harm() -> None:
    fields = [*COLUMNS[::-1], "註記"]
    rows = [[*row[::-1], ""] for row in ROWS]
    assert read_month(as_json(rows, fields=fields), "json", "2330", "2010-01") == DAYS


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"stat": NOTHING}).encode(),
        json.dumps({"stat": "查詢日期大於今日，請重新查詢!"}).encode(),
        CLOSED.encode(),
        as_json([ROWS[1]]),
        as_json([]),
    ],
)
def test_no_data_a_holiday_and_a_month_without_a_trade_are_no_days(body: bytes) -> None:
    assert read_month(body, "json", "2330", "2010-01") == []


def test_a_crowded_exchange_is_told_from_one_without_data() -> None:
    for response in ("json", "html"):
        with pytest.raises(Overloaded):
            read_month(CROWDED.encode(), response, "2330", "2010-01")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[1]",
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b"<html><p>Sign in</p></html>",
        as_json(stat="ERROR"),
        as_json(data="x"),
        as_json(fields=["a"]),
        as_json([["99/01/04"]] * 100),
        as_json([[*ROWS[0][:3], "x", *ROWS[0][4:]]]),
        as_json([["99/02/04", *ROWS[0][1:]]]),
        as_json(title="99年01月 2317 鴻海"),
        as_json([5]),
    ],
)
def test_what_is_not_the_table_that_was_asked_for_is_refused(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read_month(body, "json", "2330", "2010-01")


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode), st.sampled_from(["json", "html"]))
@settings(max_examples=60, deadline=None)
def test_nothing_that_a_server_sends_does_more_than_be_refused(body: bytes, response: Response) -> None:
    with suppress(Unreadable, Overloaded):
        assert read_month(body, response, "2330", "2010-01") == []
