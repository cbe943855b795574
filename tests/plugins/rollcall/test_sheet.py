"""The sheet is read by spreadsheets as it was meant, and runs nothing in them."""

import csv
import io
from datetime import datetime
from zoneinfo import ZoneInfo

from plugins.rollcall.sessions import CheckIn, Session
from plugins.rollcall.sheet import sheet

TAIPEI = ZoneInfo("Asia/Taipei")


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=TAIPEI).timestamp() * 1000)


def test_a_sheet_is_utf_8_with_a_mark_and_has_the_times_of_the_session() -> None:
    start = at("2026-03-02T08:00")
    found = Session(
        id=7, guild_id=1, channel_id=2, title="Class", time_zone="Asia/Taipei", self_only=False,
        late_ms=at("2026-03-02T08:10"), started_by=1, started_ms=start,
        closes_ms=at("2026-03-03T00:00"), closed_ms=None,
    )  # fmt: skip
    people = [
        CheckIn(5, '=HYPERLINK("http://example.com")', at("2026-03-02T08:09:59"), 5, '小明, "明"'),
        CheckIn(6, "陳小明", at("2026-03-02T08:10"), None, None),
    ]
    data = sheet(found, people, ("姓名", "日期", "時間", "遲到", "張貼者"), "遲到", "不明")
    assert data.startswith(b"\xef\xbb\xbf")
    assert b"\r\n" in data
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert rows == [
        ["姓名", "日期", "時間", "遲到", "張貼者"],
        ['\'=HYPERLINK("http://example.com")', "2026-03-02", "08:09:59", "", '小明, "明"'],
        ["陳小明", "2026-03-02", "08:10:00", "遲到", "不明"],
    ]


def test_a_name_that_a_spreadsheet_would_run_gets_an_apostrophe_even_a_number() -> None:
    found = Session(
        id=7, guild_id=1, channel_id=2, title="Class", time_zone="Asia/Taipei", self_only=False, late_ms=None,
        started_by=1, started_ms=at("2026-03-02T08:00"), closes_ms=at("2026-03-03T00:00"), closed_ms=None,
    )  # fmt: skip
    people = [CheckIn(5, "-1", at("2026-03-02T08:09"), 5, "\u3000＝1")]
    data = sheet(found, people, ("a", "b", "c", "d", "=e"), "x", "y")
    header, row = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))
    assert header[4] == "'=e"
    assert (row[0], row[4]) == ("'-1", "'\u3000＝1")
