"""Reads and writes followed places, their reviews, and the names of their topics."""

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, case, delete, func, select, update

from plugins.reviews.intake import Intake, taken
from plugins.reviews.model import MAX_REVIEWS
from plugins.reviews.sources import Found
from plugins.reviews.tables import place, review, topic
from shared.database import Database, now_ms

COLUMNS: Final = ("date", "rating", "language", "text")
_EPOCH: Final = date(1970, 1, 1).toordinal()
KNOWN: Final = 200
"""Topics of a place whose names are remembered; those not found for longest go first."""


@dataclass(frozen=True)
class Walk:
    """Where a walk through a place's pages is."""

    page: int = 0
    empty: int = 0
    not_before_ms: int = 0
    whole_ms: int | None = None
    ended: str = ""


@dataclass(frozen=True)
class Summary:
    """What is kept of a place; days of the oldest and the newest review."""

    name: str
    reviews: int
    rating: float | None
    first: date | None
    last: date | None
    walk: Walk


@dataclass(frozen=True)
class Known:
    """A topic as it was found before."""

    number: int
    name: str
    words: list[str]


class Places:
    """The tables of places."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def walk(self, name: str) -> Walk:
        """Return where the walk through a place is; at its beginning, for one that is new."""
        query = select(place).where(place.c.name == name)
        row = await self._database.transact(lambda connection: connection.execute(query).one_or_none())
        return Walk() if row is None else _walk(row)

    async def note(self, name: str, **changes: Any) -> None:
        """Note where the walk is."""
        put = self._database.insert(place).values(name=name, **changes)
        put = put.on_conflict_do_update(index_elements=[place.c.name], set_=changes)
        await self._database.transact(lambda connection: connection.execute(put).close())

    async def keep(self, name: str, found: Sequence[Found]) -> None:
        """Keep reviews; one that is there is changed, and seen now."""
        seen = now_ms()
        rows = {
            each.id: {
                "place": name,
                "review_id": each.id,
                "text": each.text,
                "rating": each.rating,
                "day": None if each.day is None else each.day.toordinal() - _EPOCH,
                "language": each.language,
                "seen_ms": seen,
            }
            for each in found
        }
        exact = {each.id for each in found if each.exact}
        if not rows:
            return
        put = self._database.insert(review)
        new = put.excluded
        same = {column: new[column] for column in ("text", "rating", "language", "seen_ms")}
        keys = [review.c.place, review.c.review_id]
        # "A month ago" says less each time that it is read.
        about = case((review.c.day.is_(None), new.day), else_=review.c.day)

        def work(connection: Connection) -> None:
            for each, day in (
                ([row for id, row in rows.items() if id in exact], new.day),
                ([row for id, row in rows.items() if id not in exact], about),
            ):
                if each:
                    connection.execute(
                        put.values(each).on_conflict_do_update(index_elements=keys, set_={**same, "day": day})
                    )

        await self._database.transact(work)

    async def summaries(self, followed: Iterable[str]) -> list[Summary]:
        """Return what is kept of each place that is followed or has reviews, by name."""
        counts = select(
            review.c.place,
            func.count(),
            func.avg(review.c.rating),
            func.min(review.c.day),
            func.max(review.c.day),
        ).group_by(review.c.place)

        def work(connection: Connection) -> list[Summary]:
            found = {row[0]: tuple(row)[1:] for row in connection.execute(counts)}
            walks = {row.name: _walk(row) for row in connection.execute(select(place))}
            summaries = []
            for name in sorted({*followed, *found}, key=str.casefold):
                count, rating, first, last = found.get(name, (0, None, None, None))
                summaries.append(
                    Summary(
                        name,
                        count,
                        None if rating is None else float(rating),
                        _day(first),
                        _day(last),
                        walks.get(name, Walk()),
                    )
                )
            return summaries

        return await self._database.transact(work)

    async def reviews(self, name: str) -> tuple[Intake, tuple[str, ...], tuple[int | None, ...]]:
        """Return a place's newest reviews as a table, oldest first, with their ids and topics, row by row."""
        newest = (
            select(review)
            .where(review.c.place == name)
            .order_by(review.c.day.is_(None), review.c.day.desc(), review.c.review_id)
            .limit(MAX_REVIEWS)
        )
        count = select(func.count()).select_from(review).where(review.c.place == name)

        def work(connection: Connection) -> tuple[list[Any], int]:
            return list(connection.execute(newest).all()), connection.execute(count).scalar_one()

        found, total = await self._database.transact(work)
        found.reverse()
        rows = tuple(
            (
                "" if row.day is None else str(_day(row.day)),
                "" if row.rating is None else str(row.rating),
                row.language,
                row.text,
            )
            for row in found
        )
        places = (COLUMNS.index("text"), COLUMNS.index("date"))
        intake = await asyncio.to_thread(taken, COLUMNS, rows, *places, total - len(rows))
        return intake, tuple(row.review_id for row in found), tuple(row.topic for row in found)

    async def topics(self, name: str) -> list[Known]:
        """Return the topics that were found before, by number."""
        query = select(topic).where(topic.c.place == name).order_by(topic.c.number)
        return await self._database.transact(
            lambda connection: [
                Known(row.number, row.name, json.loads(row.words)) for row in connection.execute(query).all()
            ]
        )

    async def keep_topics(self, name: str, topics: Sequence[Known], of: Mapping[str, int | None]) -> None:
        """Keep the topics that were found now, and of which each review is."""
        now = now_ms()
        rows = [
            {
                "place": name,
                "number": each.number,
                "name": each.name[:200],
                "words": json.dumps(each.words, ensure_ascii=False),
                "found_ms": now,
            }
            for each in topics
        ]
        numbered = update(review).where(review.c.place == name, review.c.review_id == bindparam("which"))
        assigned = [{"which": id, "number": number} for id, number in of.items()]
        old = (
            select(topic.c.number)
            .where(topic.c.place == name)
            .order_by(topic.c.found_ms.desc(), topic.c.number.desc())
            .offset(KNOWN)
        )

        def work(connection: Connection) -> None:
            if rows:
                put = self._database.insert(topic).values(rows)
                new = put.excluded
                set_ = {"name": new.name, "words": new.words, "found_ms": new.found_ms}
                keys = [topic.c.place, topic.c.number]
                connection.execute(put.on_conflict_do_update(index_elements=keys, set_=set_))
            if assigned:
                connection.execute(numbered.values(topic=bindparam("number")), assigned)
            gone = list(connection.execute(old).scalars())
            connection.execute(delete(topic).where(topic.c.place == name, topic.c.number.in_(gone)))

        await self._database.transact(work)

    async def forget(self, before_ms: int) -> int:
        """Remove the reviews that were last seen before; return how many went."""
        gone = delete(review).where(review.c.seen_ms < before_ms)
        return await self._database.transact(lambda connection: connection.execute(gone).rowcount)


def _walk(row: Row[Any]) -> Walk:
    return Walk(row.page, row.empty, row.not_before_ms, row.whole_ms, row.ended)


def _day(number: int | None) -> date | None:
    return None if number is None else date.fromordinal(number + _EPOCH)
