"""How much a person, and a server, may ask: token buckets in the database, shared by all bots on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, case

from shared.database import Database
from shared.errors import QuotaExceeded
from shared.settings import Quota
from shared.tables import quota
from shared.texts import Text


@dataclass(frozen=True)
class Bucket:
    """One bucket: `key` such as "person:ID", its size and speed of filling, and what is said where it is empty.

    `said` may name {seconds}, after which there is a token again.
    """

    key: str
    rule: Quota
    said: Text


class Buckets:
    """Takes tokens; its one statement is built once, since every request of every person runs it."""

    def __init__(self, database: Database) -> None:
        insert = database.insert(quota)
        new, old = insert.excluded, quota.c
        elapsed = case((new.updated_ms > old.updated_ms, new.updated_ms - old.updated_ms), else_=0)
        refilled = old.tokens + elapsed * new.per_ms
        self._take: Any = insert.on_conflict_do_update(
            index_elements=[old.bucket],
            set_={
                "tokens": case((refilled > new.burst, new.burst), else_=refilled) - 1,
                "updated_ms": case((old.updated_ms > new.updated_ms, old.updated_ms), else_=new.updated_ms),
                "burst": new.burst,
                "per_ms": new.per_ms,
            },
        ).returning(old.tokens)

    def take(self, connection: Connection, buckets: Sequence[Bucket], now: int) -> None:
        """Take one token from each bucket.

        Raises `QuotaExceeded`, which says after how many seconds to try again; the transaction must be rolled back
        then, so that nothing is taken from any.
        """
        for bucket in buckets:
            burst, per_ms = float(bucket.rule.burst), bucket.rule.per_minute / 60_000
            row = {
                "bucket": bucket.key,
                "tokens": burst - 1,
                "updated_ms": now,
                "burst": burst,
                "per_ms": per_ms,
            }
            left = connection.execute(self._take, row).scalar_one()
            if left >= 0:
                continue
            seconds = max(1, round(-left / per_ms / 1000 + 0.5))
            raise QuotaExceeded(bucket.said.msgid, **{**bucket.said.values, "seconds": seconds})


def tokens_left(row: Any, rule: Quota, now: int) -> float:
    """Return how many tokens a bucket holds at `now`, by its row (None: it was never touched, so it is full)."""
    if row is None:
        return float(rule.burst)
    refilled = row.tokens + max(0, now - row.updated_ms) * rule.per_minute / 60_000
    return float(min(refilled, rule.burst))
