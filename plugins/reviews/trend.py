"""Topics over time: the share of each in every month, week or year, and which of them grew or fell."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

from shared.errors import BadInput

Period = Literal["week", "month", "year"]
MOST_STEPS: Final = 60
FEWEST_DATED: Final = 20
"""Reviews with a day that are needed."""
CLEAR: Final = 2.58
"""Standard errors between two shares from which on they differ clearly: 99 %, since many topics are looked at."""
_WEEKS: Final = 26
"""Weeks up to which they are counted, where nobody says what to count."""


@dataclass(frozen=True)
class Change:
    """A topic's share in the earlier half of the reviews and in the later, and whether they differ clearly."""

    topic: int
    before: float
    after: float
    clear: bool


@dataclass(frozen=True)
class Trend:
    """Shares of topics in steps of time. A share is None where a step has no review.

    `changes` has the largest first. `halves` are the days and counts of the halves that they compare.
    """

    period: Period
    steps: list[str]
    counts: list[int]
    shares: dict[int, list[float | None]]
    changes: list[Change]
    halves: tuple[tuple[date, date, int], tuple[date, date, int]]


def trend_of(
    topics: Sequence[int], days: Sequence[date | None], names: int, period: Period | None = None
) -> Trend:
    """Follow topics 0…names-1 over time; -1 is none. Raises `BadInput` where too few reviews have a day."""
    dated = sorted((day, topic) for topic, day in zip(topics, days, strict=True) if day is not None)
    check_dated(days)
    first, last = dated[0][0], dated[-1][0]
    chosen, starts = _starts(first, last, period)
    place = {start: at for at, start in enumerate(starts)}
    counts = [0] * len(starts)
    found = {topic: [0] * len(starts) for topic in range(names)}
    for day, topic in dated:
        at = place[_start(day, chosen)]
        counts[at] += 1
        if topic >= 0:
            found[topic][at] += 1
    middle = _middle(dated)
    early, late = dated[:middle], dated[middle:]
    return Trend(
        period=chosen,
        steps=[_label(start, chosen) for start in starts],
        counts=counts,
        shares={
            topic: [count / of if of else None for count, of in zip(each, counts, strict=True)]
            for topic, each in found.items()
        },
        changes=_changes(early, late, names),
        halves=((early[0][0], early[-1][0], len(early)), (late[0][0], late[-1][0], len(late))),
    )


def check_dated(days: Sequence[date | None]) -> None:
    """Raise `BadInput` where too few reviews have a day."""
    dated = [day for day in days if day is not None]
    if not dated:
        raise BadInput(
            "No review has a date that can be read. Dates begin with the year, as 2024-05-31, in a column of their own."
        )
    if len(dated) < FEWEST_DATED:
        raise BadInput(
            "{count} of the reviews have a date: {fewest} or more are needed. "
            "Dates begin with the year, as 2024-05-31, in a column of their own.",
            count=len(dated), fewest=FEWEST_DATED,
        )  # fmt: skip
    if len(set(dated)) == 1:
        raise BadInput("All reviews are of the same day: nothing can be followed over time.")


def _middle(dated: Sequence[tuple[date, int]]) -> int:
    """Return where the later half begins: where a new day does, as near to the middle as may be."""
    new = [at for at in range(1, len(dated)) if dated[at][0] != dated[at - 1][0]]
    return min(new, key=lambda at: abs(at - len(dated) // 2))


def _changes(early: Sequence[tuple[date, int]], late: Sequence[tuple[date, int]], names: int) -> list[Change]:
    before, after = (Counter(topic for _, topic in half) for half in (early, late))
    changes = []
    for topic in range(names):
        one, other = before[topic] / len(early), after[topic] / len(late)
        pooled = (before[topic] + after[topic]) / (len(early) + len(late))
        error = math.sqrt(pooled * (1 - pooled) * (1 / len(early) + 1 / len(late)))
        changes.append(Change(topic, one, other, error > 0 and abs(other - one) >= CLEAR * error))
    return sorted(changes, key=lambda change: -abs(change.after - change.before))


def _starts(first: date, last: date, period: Period | None) -> tuple[Period, list[date]]:
    """Choose what to count, no finer than asked for and no more than `MOST_STEPS`, and list its first days."""
    weeks = (last - first).days / 7
    periods: list[Period] = ["week", "month", "year"]
    chosen = period or ("week" if weeks <= _WEEKS else "month")
    while True:
        starts = [_start(first, chosen)]
        while (following := _following(starts[-1], chosen)) <= last:
            starts.append(following)
        if len(starts) <= MOST_STEPS or chosen == "year":
            return chosen, starts
        chosen = periods[periods.index(chosen) + 1]


def _start(day: date, period: Period) -> date:
    match period:
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
    return day.replace(month=1, day=1)


def _following(start: date, period: Period) -> date:
    match period:
        case "week":
            return start + timedelta(days=7)
        case "month":
            return _start(start + timedelta(days=31), "month")
    return start.replace(year=start.year + 1)


def _label(start: date, period: Period) -> str:
    return {"week": f"{start:%m-%d}", "month": f"{start:%Y-%m}", "year": f"{start:%Y}"}[period]
