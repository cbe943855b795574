"""Schedules as people write them, and when they are due where clocks are moved."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import BadInput
from shared.schedule import Schedule
from shared.texts import Texts

NEW_YORK = "America/New_York"
ZONES = [
    "UTC",
    "Asia/Taipei",
    NEW_YORK,
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "America/Sao_Paulo",
]
moments = st.datetimes(datetime(2015, 1, 1), datetime(2035, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("14:45", "45 14 * * *"),
        ("daily 9:05", "5 9 * * *"),
        ("Weekdays 14:45", "45 14 * * mon-fri"),
        ("weekends 10:00", "0 10 * * sat,sun"),
        ("mon,thu 9:00", "0 9 * * mon,thu"),
        ("Monday 9:00", "0 9 * * mon"),
        ("每天 8:30", "30 8 * * *"),
        ("平日 14：45", "45 14 * * mon-fri"),
        ("週一、四 9:00", "0 9 * * mon,thu"),
        ("every 10m", "every 10m"),
        ("every 1 hour 30 minutes", "every 1h30m"),
        ("每 10 分鐘", "every 10m"),
        ("每小時", "every 1h"),
        ("*/15 9-17 * * 1-5", "*/15 9-17 * * 1-5"),
    ],
)
def test_what_people_write_is_read(text: str, canonical: str) -> None:
    read = Schedule.read(text, "Asia/Taipei")
    assert str(read) == canonical
    assert Schedule.read(str(read), "Asia/Taipei") == read


@pytest.mark.parametrize(
    ("text", "english", "chinese"),
    [
        ("14:45", "daily at 14:45", "每天 14:45"),
        ("weekdays 9:05", "weekdays at 9:05", "平日 9:05"),
        ("weekends 10:00", "weekends at 10:00", "週末 10:00"),
        ("mon,thu 9:00", "Monday, Thursday at 9:00", "週一、週四 9:00"),
        ("every 1m", "every minute", "每分鐘"),
        ("every 90m", "`every 1h30m`", "`every 1h30m`"),
        ("every 6h", "every 6 hours", "每 6 小時"),
        ("every 2d", "every 2 days", "每 2 天"),
        ("*/15 9-17 * * 1-5", "`*/15 9-17 * * 1-5`", "`*/15 9-17 * * 1-5`"),
        ("0 9 * * fri-sat", "`0 9 * * fri-sat`", "`0 9 * * fri-sat`"),
        ("0 0 1 * *", "`0 0 1 * *`", "`0 0 1 * *`"),
    ],
)
def test_a_schedule_is_said_in_words(text: str, english: str, chinese: str) -> None:
    said = Schedule.read(text).said()
    assert Texts({}).render(said, "en-US") == english
    assert Texts({}).render(said, "zh-TW") == chinese


@pytest.mark.parametrize(
    "text",
    ["", "x", "25:00", "9:60", "61 * * * *", "* * * * 8", "* * * *", "foo 9:00", "every", "every 0m", "every 9999d",
     "every 10s", "1-2-3 * * * *", "a b c d e", "* * * * mon-", "0 9 * * 1/x", "x" * 3000],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        Schedule.read(text)


@pytest.mark.parametrize("zone", ["", "Mars/Base", "../etc/passwd", "x" * 500, "\0"])
def test_a_zone_that_is_none_is_refused(zone: str) -> None:
    with pytest.raises(BadInput, match="no time zone"):
        Schedule.read("9:00", zone)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read = Schedule.read(text)
    except BadInput:
        return
    assert Schedule.read(str(read)) == read


def test_zero_and_seven_are_sunday_as_crontab_has_it() -> None:
    after = datetime(2026, 11, 25, tzinfo=UTC)
    for day in ("0", "7", "sun"):
        due = Schedule.read(f"0 9 * * {day}").next(after)
        assert due == datetime(2026, 11, 29, 9, tzinfo=UTC)


def test_a_day_of_the_month_or_of_the_week_is_enough() -> None:
    due = Schedule.read("0 9 1 * mon").between(
        datetime(2026, 11, 25, tzinfo=UTC), datetime(2026, 12, 8, tzinfo=UTC)
    )
    assert [at.day for at in due] == [30, 1, 7]


def test_what_never_comes_has_no_next_time() -> None:
    assert Schedule.read("0 0 30 2 *").next(datetime(2026, 1, 1, tzinfo=UTC)) is None


def local(text: str, first: datetime, last: datetime, zone: str = NEW_YORK) -> list[str]:
    due = Schedule.read(text, zone).between(first.replace(tzinfo=UTC), last.replace(tzinfo=UTC))
    return [at.astimezone(ZoneInfo(zone)).strftime("%d %H:%M%z") for at in due]


def test_a_time_that_clocks_jump_over_is_due_at_the_end_of_the_gap() -> None:
    due = local("2:30", datetime(2026, 3, 7), datetime(2026, 3, 10))
    assert due == ["07 02:30-0500", "08 03:00-0400", "09 02:30-0400"]


def test_a_time_that_comes_twice_is_due_the_first_time() -> None:
    due = local("1:30", datetime(2026, 10, 31), datetime(2026, 11, 3))
    assert due == ["31 01:30-0400", "01 01:30-0400", "02 01:30-0500"]


def test_what_runs_in_every_hour_follows_the_hours_as_they_pass() -> None:
    forward = local("*/30 * * * *", datetime(2026, 3, 8, 6), datetime(2026, 3, 8, 8))
    assert forward == ["08 01:30-0500", "08 03:00-0400", "08 03:30-0400", "08 04:00-0400"]
    back = local("*/30 * * * *", datetime(2026, 11, 1, 5), datetime(2026, 11, 1, 7))
    assert back == ["01 01:30-0400", "01 01:00-0500", "01 01:30-0500", "01 02:00-0500"]


def test_intervals_are_counted_from_their_anchor() -> None:
    anchor = datetime(2026, 1, 1, 0, 7, tzinfo=UTC)
    every = Schedule.read("every 90m")
    assert every.next(anchor, anchor) == anchor + timedelta(minutes=90)
    assert every.next(anchor + timedelta(minutes=200), anchor) == anchor + timedelta(minutes=270)
    assert every.next(anchor - timedelta(days=3), anchor) == anchor


@given(
    moments,
    st.sampled_from(ZONES),
    st.sampled_from(["2:30", "*/20 * * * *", "0 9 1,15 * *", "30 1 * * sun", "every 7h"]),
)
def test_times_come_in_order_and_none_is_left_out(after: datetime, zone: str, text: str) -> None:
    schedule = Schedule.read(text, zone)
    first = schedule.next(after)
    assert first is not None
    assert first > after
    second = schedule.next(first)
    assert second is not None
    # From anywhere between the two the second comes next, and the last up to it is it.
    between = first + (second - first) / 2
    assert schedule.next(between) == second
    assert schedule.last(after, second) == second
    assert schedule.last(first, second - timedelta(seconds=1)) is None


@given(moments, st.sampled_from(ZONES))
def test_a_daily_time_is_due_once_a_day_of_its_zone(after: datetime, zone: str) -> None:
    due = list(Schedule.read("2:30", zone).between(after, after + timedelta(days=10)))
    days = [at.astimezone(ZoneInfo(zone)).date() for at in due]
    assert len(days) in (9, 10, 11)
    assert days == [days[0] + timedelta(days=n) for n in range(len(days))]
