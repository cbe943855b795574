"""What is known of retrainings: rows of the table `training`, and the votes that a model has not learned from yet."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import Row, Table, func, insert, select, update

from shared.database import Database, now_ms
from shared.learning import LeftOut, Vote
from shared.learning_file import Made
from shared.tables import training

A_PERSON: Final = 200
"""Votes of one person that are looked at: the newest."""
ALL: Final = 20_000
CHARACTERS: Final = 20_000_000
"""Of all votes together that are looked at."""
KEPT: Final = 500
"""Rows of trainings that are read of a model."""


@dataclass(frozen=True, kw_only=True)
class Training:
    """One row; see the table. `base` and `data` are checksums."""

    id: int
    model: str
    begun_ms: int
    ended_ms: int | None
    attempts: int
    newest_ms: int
    data_sha256: str
    base_name: str
    base_sha256: str
    base_rows: int
    feedback_rows: int
    people: int
    people_left_out: int
    left_out: LeftOut
    version: str | None
    reason: str
    told: bool


@dataclass(frozen=True)
class Book:
    """The rows of one model."""

    database: Database
    model: str

    async def all(self) -> list[Training]:
        """Return the trainings, the newest first."""
        query = (
            select(training)
            .where(training.c.model == self.model)
            .order_by(training.c.begun_ms.desc(), training.c.id.desc())
            .limit(KEPT)
        )
        rows = await self.database.transact(lambda connection: connection.execute(query).all())
        return [_training(row) for row in rows]

    async def begin(self, made: Made, newest_ms: int) -> int:
        """Note that a training begins; returns its id."""
        row = {
            "model": self.model,
            "begun_ms": now_ms(),
            "attempts": 1,
            "newest_ms": newest_ms,
            "reason": "",
            "told": False,
            **_made(made),
        }
        added = insert(training).values(**row).returning(training.c.id)
        return await self.database.transact(lambda connection: int(connection.execute(added).scalar_one()))

    async def again(self, id: int, made: Made | None = None, newest_ms: int | None = None) -> None:
        """Note one more attempt at a training, of these rows now."""
        values: dict[str, Any] = {"attempts": training.c.attempts + 1}
        if made is not None and newest_ms is not None:
            values |= {"newest_ms": newest_ms, **_made(made)}
        await self._change(id, values)

    async def end(self, id: int, version: str | None, reason: str) -> None:
        """Note what came of a training."""
        await self._change(id, {"ended_ms": now_ms(), "version": version, "reason": reason[:2000]})

    async def told(self, id: int) -> None:
        """Note that the news is out."""
        await self._change(id, {"told": True})

    async def _change(self, id: int, values: Mapping[str, Any]) -> None:
        change = update(training).where(training.c.id == id).values(**values)
        await self.database.transact(lambda connection: connection.execute(change).close())


async def votes_in(database: Database, table: Table) -> list[Vote]:
    """Return the newest votes, the newest first: so many of each person, so many in all."""
    ranked = select(
        table.c.user_id,
        table.c.text,
        table.c.label,
        table.c.created_ms,
        func.row_number()
        .over(partition_by=table.c.user_id, order_by=(table.c.created_ms.desc(), table.c.id.desc()))
        .label("place"),
    ).subquery()
    query = (
        select(ranked)
        .where(ranked.c.place <= A_PERSON)
        .order_by(ranked.c.created_ms.desc(), ranked.c.user_id, ranked.c.place)
        .limit(ALL)
    )
    rows = await database.transact(lambda connection: connection.execute(query).all())
    votes, characters = [], 0
    for row in rows:
        if (characters := characters + len(row.text)) > CHARACTERS:
            break
        votes.append(Vote(row.user_id, row.text, row.label, row.created_ms))
    return votes


async def votes_since(database: Database, table: Table, since_ms: int) -> int:
    """Count the votes given after a moment: quick, where the whole weighing is not."""
    query = select(func.count()).select_from(table).where(table.c.created_ms > since_ms)
    return await database.transact(lambda connection: int(connection.execute(query).scalar_one()))


def newest_of(votes: Sequence[Vote]) -> int:
    """Return when the newest of them was given."""
    return max((vote.at_ms for vote in votes), default=0)


def _made(made: Made) -> dict[str, Any]:
    return {
        "data_sha256": made.data.sha256,
        "base_name": made.base.name[:200],
        "base_sha256": made.base.sha256,
        "base_rows": made.base.rows or 0,
        "feedback_rows": made.rows,
        "people": made.people,
        "people_left_out": made.people_left_out,
        "left_out": json.dumps(msgspec.to_builtins(made.left_out)),
    }


def _training(row: Row[Any]) -> Training:
    values = dict(row._mapping)
    values["left_out"] = msgspec.json.decode(values["left_out"], type=LeftOut)
    return Training(**values)
