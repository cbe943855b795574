"""How much a person, and a server, may ask: token buckets in the database, shared by all bots on it."""

from dataclasses import dataclass

from sqlalchemy import case, func, literal
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database import Database
from shared.errors import QuotaExceeded
from shared.settings import Quota
from shared.tables import quota


@dataclass(frozen=True)
class Bucket:
    """One bucket: `key` such as "person:ID", and its size and speed of filling."""

    key: str
    rule: Quota


async def take(
    database: Database, connection: AsyncConnection, buckets: tuple[Bucket, ...], now: int
) -> None:
    """Take one token from each bucket, or from none.

    Raises `QuotaExceeded` (roll the transaction back then), which says after how many seconds to try again.
    """
    for bucket in buckets:
        burst, per_ms = float(bucket.rule.burst), bucket.rule.per_minute / 60_000
        elapsed = literal(now) - quota.c.updated_ms
        refilled = quota.c.tokens + case((elapsed > 0, elapsed), else_=0) * per_ms
        filled = case((refilled > burst, burst), else_=refilled)
        statement = (
            database.insert(quota)
            .values(bucket=bucket.key, tokens=burst - 1, updated_ms=now)
            .on_conflict_do_update(
                index_elements=[quota.c.bucket],
                set_={
                    "tokens": filled - 1,
                    "updated_ms": case((quota.c.updated_ms > now, quota.c.updated_ms), else_=now),
                },
            )
            .returning(func.coalesce(quota.c.tokens, 0.0))
        )
        left = (await connection.execute(statement)).scalar_one()
        if left < 0:
            seconds = max(1, round(-left / per_ms / 1000 + 0.5))
            if bucket.key.startswith("person:"):
                raise QuotaExceeded(
                    "You have asked a lot in a short time. Try again in {seconds} s.", seconds=seconds
                )
            raise QuotaExceeded(
                "This server has used its share for now. Try again in {seconds} s.", seconds=seconds
            )
