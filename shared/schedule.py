"""When a job is due: by a cron line, or every so often; in a time zone, whatever its clocks do.

A cron line means wall clock time. Where clocks jump forward over a time, what is due in the gap is due at its end;
where they go back, what names an hour is due the first time only. A line that runs in every hour follows the hours as
they pass.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.combining import OrTrigger
from apscheduler.triggers.cron import CronTrigger

from shared.errors import BadInput
from shared.texts import Text

SHORTEST: Final = timedelta(minutes=1)
LONGEST: Final = timedelta(days=366)
DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_SHIFT: Final = timedelta(hours=4)
"""No clock is moved by as much at once."""
_GROUPS: Final = {"daily": "*", "every day": "*", "weekdays": "mon-fri", "weekends": "sat,sun",
                  "每天": "*", "每日": "*", "平日": "mon-fri", "週末": "sat,sun"}  # fmt: skip
_WEEK: Final = {"日": "sun", "一": "mon", "二": "tue", "三": "wed", "四": "thu", "五": "fri", "六": "sat"}
_UNITS: Final = {"d": 86_400, "day": 86_400, "days": 86_400, "天": 86_400, "日": 86_400,
                 "h": 3_600, "hour": 3_600, "hours": 3_600, "小時": 3_600, "個小時": 3_600,
                 "m": 60, "min": 60, "minute": 60, "minutes": 60, "分": 60, "分鐘": 60}  # fmt: skip
_UNIT: Final = "|".join(sorted(_UNITS, key=len, reverse=True))
_CLOCK: Final = r"(?P<hour>[01]?\d|2[0-3])[:：](?P<minute>[0-5]\d)"


@dataclass(frozen=True)
class Schedule:
    """Either `cron`, five fields as crontab(5) has them, or `every`; `time_zone` is an IANA name."""

    cron: str | None = None
    every: timedelta | None = None
    time_zone: str = "UTC"

    def __post_init__(self) -> None:
        """Raise `BadInput` where the schedule makes no sense."""
        try:
            zone = ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise BadInput(
                "{zone} is no time zone: write one such as Asia/Taipei or UTC.", zone=self.time_zone[:40]
            ) from None
        if (self.cron is None) == (self.every is None):
            raise ValueError("a schedule needs either `cron` or `every`")
        if self.every is not None and not SHORTEST <= self.every <= LONGEST:
            raise BadInput("A job runs once a minute at most, and once a year at least.")
        if self.every is not None and self.every % SHORTEST:
            raise ValueError("`every` is whole minutes: rows keep no seconds")
        if self.cron is not None:
            # As `read` has it, so that a row that was written is read as the same schedule.
            object.__setattr__(self, "cron", " ".join(self.cron.casefold().split()))
        trigger = None if self.cron is None else _trigger(self.cron)
        object.__setattr__(self, "_zone", zone)
        object.__setattr__(self, "_wall", trigger)
        object.__setattr__(self, "_hourly", self.cron is not None and self.cron.split()[1].startswith("*"))

    @classmethod
    def read(cls, text: str, time_zone: str = "UTC") -> Self:
        """Read what people write: "14:45", "weekdays 14:45", "mon,thu 9:00", "every 10m", "每 10 分鐘", a cron line.

        Raises `BadInput`.
        """
        folded = " ".join(text.casefold().split())
        if (every := _interval(folded)) is not None:
            return cls(every=every, time_zone=time_zone)
        if (found := re.fullmatch(rf"(?:(?P<days>\D*?)\s*){_CLOCK}", folded)) is not None:
            days = _days(found["days"] or "daily")
            return cls(cron=f"{int(found['minute'])} {int(found['hour'])} * * {days}", time_zone=time_zone)
        if len(folded.split()) == 5:
            return cls(cron=folded, time_zone=time_zone)
        raise _unreadable(text)

    def next(self, after: datetime, anchor: datetime | None = None) -> datetime | None:
        """Return the first time after `after`, in UTC; None where there is none within the next years.

        Both must be aware. Intervals are counted from `anchor` (by default, from 1970).
        """
        if self.every is not None:
            start = anchor or datetime.fromtimestamp(0, UTC)
            return max(start, start + ((after - start) // self.every + 1) * self.every).astimezone(UTC)
        zone: ZoneInfo = self._zone  # type: ignore[attr-defined]
        local = after.astimezone(zone).replace(tzinfo=None)
        if _offset(after - _SHIFT, zone) == _offset(after + _SHIFT, zone):
            return next(
                (at for wall in self._walls(local) for at in self._instants(wall) if at > after), None
            )
        # Near a change of clocks a later wall time may be an earlier instant.
        best: datetime | None = None
        for wall in self._walls(local - _SHIFT):
            if best is not None and wall > best.astimezone(zone).replace(tzinfo=None) + _SHIFT:
                break
            best = min(
                [*([best] if best else []), *(at for at in self._instants(wall) if at > after)], default=None
            )
        return best

    def between(self, after: datetime, until: datetime, anchor: datetime | None = None) -> Iterator[datetime]:
        """Return each time after `after`, up to and with `until`, in order."""
        at = self.next(after, anchor)
        while at is not None and at <= until:
            yield at
            at = self.next(at, anchor)

    def last(self, after: datetime, until: datetime, anchor: datetime | None = None) -> datetime | None:
        """Return the last time after `after`, up to and with `until`, without counting through all of them."""
        if self.every is not None:
            start = anchor or datetime.fromtimestamp(0, UTC)
            at = (start + ((until - start) // self.every) * self.every).astimezone(UTC)
            return at if at > after and at >= start else None
        back = timedelta(minutes=5)
        while True:
            begin = max(after, until - back)
            found = max(self.between(begin, until), default=None)
            if found is not None or begin == after:
                return found
            back *= 12

    def __str__(self) -> str:
        """Return what `read` reads again."""
        if self.every is None:
            return str(self.cron)
        minutes = int(self.every.total_seconds()) // 60
        days, minutes = divmod(minutes, 1440)
        parts = [(days, "d"), (minutes // 60, "h"), (minutes % 60, "m")]
        return "every " + "".join(f"{count}{unit}" for count, unit in parts if count)

    def said(self) -> Text:
        """Return the schedule in words; a cron line that is more than times of days stays as it is."""
        if self.every is not None:
            return _said_every(self.every, str(self))
        found = re.fullmatch(r"(\d+) (\d+) \* \* (\*|[a-z,-]+)", str(self.cron))
        if found is None:
            return Text(f"`{self.cron}`")
        time = f"{int(found[2])}:{int(found[1]):02}"
        match found[3]:
            case "*":
                return Text("daily at {time}", {"time": time})
            case "mon-fri":
                return Text("weekdays at {time}", {"time": time})
            case "sat,sun":
                return Text("weekends at {time}", {"time": time})
        names = found[3].split(",")
        if any(name not in DAYS for name in names):
            return Text(f"`{self.cron}`")
        days = _day_name(names[0])
        for name in names[1:]:
            days = Text("{days}, {day}", {"days": days, "day": _day_name(name)})
        return Text("{days} at {time}", {"days": days, "time": time})

    def _walls(self, after: datetime) -> Iterator[datetime]:
        """Return the wall clock times (without a zone) that the cron line names after `after`."""
        trigger: BaseTrigger = self._wall  # type: ignore[attr-defined]
        at = after.replace(tzinfo=UTC)
        while True:
            # The trigger counts in whole seconds and takes what is due now, too.
            found = trigger.get_next_fire_time(None, at.replace(microsecond=0) + timedelta(seconds=1))
            if found is None:
                return
            yield found.replace(tzinfo=None)
            at = found

    def _instants(self, wall: datetime) -> list[datetime]:
        """Return when the zone's clocks show `wall`: once mostly; never or twice where they are moved."""
        zone: ZoneInfo = self._zone  # type: ignore[attr-defined]
        first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        if first == second:
            return [first]
        hourly: bool = self._hourly  # type: ignore[attr-defined]
        if first.astimezone(zone).replace(tzinfo=None) == wall:
            return [first, second] if hourly else [first]
        # In a gap: fold 0 reads the clock as it was before, so the gap's end is what is sought.
        return [] if hourly else [_gap_end(second, first, zone)]


def _said_every(every: timedelta, short: str) -> Text:
    minutes = int(every.total_seconds()) // 60
    if minutes % 1440 == 0:
        days = {"count": minutes // 1440}
        return Text("every day") if minutes == 1440 else Text("every {count} days", days)
    if minutes % 60 == 0:
        hours = {"count": minutes // 60}
        return Text("every hour") if minutes == 60 else Text("every {count} hours", hours)
    if minutes > 60:
        return Text(f"`{short}`")
    return Text("every minute") if minutes == 1 else Text("every {count} minutes", {"count": minutes})


def _day_name(name: str) -> Text:
    return {
        "mon": Text("Monday"), "tue": Text("Tuesday"), "wed": Text("Wednesday"), "thu": Text("Thursday"),
        "fri": Text("Friday"), "sat": Text("Saturday"), "sun": Text("Sunday"),
    }[name]  # fmt: skip


def _gap_end(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Find, to the second, when the zone's offset changes between two instants."""
    offset = _offset(before, zone)
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) / 2
        before, after = (middle, after) if _offset(middle, zone) == offset else (before, middle)
    return after.replace(microsecond=0)


def _offset(at: datetime, zone: ZoneInfo) -> timedelta | None:
    return at.astimezone(zone).utcoffset()


def _interval(text: str) -> timedelta | None:
    if not (found := re.fullmatch(rf"(?:every|每隔|每)\s*((?:\d*\s*(?:{_UNIT})\s*)+)", text)):
        return None
    parts = re.findall(rf"(\d*)\s*({_UNIT})", found[1])
    if text.startswith("每") and len(parts) == 1 and parts[0] in (("", "天"), ("", "日")):
        return None
    if len(parts) > 4 or any(len(count) > 6 for count, _ in parts):
        raise BadInput("A job runs once a minute at most, and once a year at least.")
    return timedelta(seconds=sum(int(count or 1) * _UNITS[unit] for count, unit in parts))


def _days(text: str) -> str:
    if text in _GROUPS:
        return _GROUPS[text]
    if found := re.fullmatch(r"(?:每週|週|星期)([日一二三四五六、,]+)", text):
        return ",".join(_WEEK[day] for day in found[1] if day in _WEEK)
    names = [name.strip()[:3] for name in re.split(r"[,、\s]+|(?<=\w)-(?=\w)", text) if name.strip()]
    if names and all(name in DAYS for name in names):
        return re.sub(r"[a-z]+", lambda name: name[0][:3], re.sub(r"[,、\s]+", ",", text.strip(", ")))
    raise _unreadable(text)


def _trigger(line: str) -> BaseTrigger:
    """Make APScheduler's trigger of a cron line, on a clock without zones."""
    fields = line.split()
    if len(fields) != 5 or len(line) > 200:
        raise _unreadable(line)
    minute, hour, day, month, weekday = fields
    try:
        weekday = ",".join(_weekdays(part) for part in weekday.split(","))
        base = {"minute": minute, "hour": hour, "month": month, "timezone": UTC}
        if day != "*" and weekday != "*":
            # As crontab(5) has it: either of the two is enough.
            return OrTrigger([CronTrigger(day=day, **base), CronTrigger(day_of_week=weekday, **base)])
        return CronTrigger(day=day, day_of_week=weekday, **base)
    except (ValueError, IndexError):
        raise _unreadable(line) from None


def _weekdays(part: str) -> str:
    """Write days of the week by name: in crontab(5) 0 and 7 are Sunday, for APScheduler 0 is Monday."""
    span, slash, step = part.partition("/")
    if span == "*" and not slash:
        return part
    low, dash, high = ("0-6" if span == "*" else span).partition("-")
    first = _weekday(low)
    last = _weekday(high) if dash else (6 if slash else first)
    if high == "7":
        last = 7
    elif last < first:
        last += 7
    chosen = range(first, last + 1, int(step) if slash else 1)
    return ",".join(DAYS[day % 7] for day in chosen)


def _weekday(text: str) -> int:
    return DAYS.index(text) if text in DAYS else range(7)[int(text) % 7 if int(text) == 7 else int(text)]


def _unreadable(text: str) -> BadInput:
    return BadInput(
        "{text} is no schedule: write 14:45, weekdays 14:45, mon,thu 9:00, every 10m, or a cron line of five fields.",
        text=text[:60],
    )
