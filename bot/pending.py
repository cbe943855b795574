"""Remembers what was acknowledged and not yet answered, and buttons; the database's side of an interaction."""

import asyncio
import json
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

import structlog
from sqlalchemy import Connection, bindparam, delete, insert, select

from shared.context import Asker
from shared.database import Database, now_ms
from shared.database_trouble import DatabaseTrouble
from shared.quota import Bucket, Buckets
from shared.reply import Button
from shared.settings import Settings
from shared.tables import button, pending

HOUR_MS = 3_600_000
TOKEN_LIFE_MS = 15 * 60_000
log = structlog.get_logger("hearth.pending")


@dataclass(frozen=True)
class Orphan:
    """An interaction that was acknowledged by an earlier life of this bot and never answered."""

    interaction_id: int
    application_id: int
    user_id: int
    channel_id: int | None
    token: str
    locale: str
    command: str
    created_ms: int


@dataclass(frozen=True)
class Press:
    """What a pressed button asks for."""

    plugin: str
    command: str
    arguments: dict[str, Any]


class Ledger:
    """Admission by quota, interactions under way, and what buttons do."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database, self._settings, self._buckets = database, settings, Buckets(database)
        self._note, self._answered = (
            insert(pending),
            delete(pending).where(pending.c.interaction_id == bindparam("answered")),
        )
        self._late: set[int] = set()
        self._turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        """Of each server: who waits for its quota's row waits here, and holds no connection meanwhile."""

    async def note(
        self, asker: Asker, command: str, *, interaction_id: int, application_id: int, token: str
    ) -> None:
        """Note an interaction as not yet answered, so that the bot's next life can tell of it."""
        row = {
            "interaction_id": interaction_id,
            "application_id": application_id,
            "user_id": asker.user_id,
            "channel_id": asker.channel_id,
            "token": token,
            "locale": asker.locale,
            "command": command[:100],
            "owner": self._settings.instance,
            "created_ms": now_ms(),
        }
        await self._database.transact(lambda connection: connection.execute(self._note, row).close())

    async def take(self, asker: Asker, buckets: Sequence[Bucket]) -> None:
        """Take from all quotas, or from none. Raises `QuotaExceeded`."""
        now = now_ms()
        async with self._turns.setdefault(asker.guild_id or asker.user_id, asyncio.Lock()):
            await self._database.transact(lambda connection: self._buckets.take(connection, buckets, now))

    async def done(self, interaction_id: int) -> None:
        """Note that an interaction was answered; where the database is in trouble, when the next one is."""
        self._late.add(interaction_id)
        ids = tuple(self._late)
        answered = [{"answered": id} for id in ids]
        try:
            await self._database.transact(
                lambda connection: connection.execute(self._answered, answered).close()
            )
        except DatabaseTrouble as error:
            log.warning("answer not noted yet", interaction=interaction_id, error=str(error))
        else:
            self._late.difference_update(ids)

    async def noted(self, interactions: Collection[int]) -> set[int]:
        """Return which of these interactions are noted as not yet answered."""
        query = select(pending.c.interaction_id).where(pending.c.interaction_id.in_(interactions))
        return await self._database.transact(lambda connection: set(connection.execute(query).scalars()))

    async def orphans(self) -> list[Orphan]:
        """Return what an earlier life of this bot left unanswered; each is noted until it is `done`."""
        mine = pending.c.owner == self._settings.instance

        def work(connection: Connection) -> list[Orphan]:
            rows = connection.execute(select(pending).where(mine)).mappings().all()
            return [Orphan(**{k: v for k, v in row.items() if k != "owner"}) for row in rows]

        return await self._database.transact(work)

    async def keep_buttons(self, plugin: str, buttons: Sequence[Button], user_id: int) -> list[str]:
        """Store what buttons do; returns an id for each, in order."""
        if not buttons:
            return []
        ids = [secrets.token_urlsafe(12) for _ in buttons]
        rows = [
            {
                "id": key,
                "user_id": user_id,
                "plugin": plugin,
                "command": each.command,
                "arguments": json.dumps(dict(each.arguments), ensure_ascii=False),
                "expires_ms": now_ms() + each.keep_hours * HOUR_MS,
            }
            for key, each in zip(ids, buttons, strict=True)
        ]
        await self._database.transact(lambda connection: connection.execute(insert(button), rows).close())
        return ids

    async def press(self, key: str) -> Press | None:
        """Return what a button does; None where it is too old."""
        query = select(button.c.plugin, button.c.command, button.c.arguments).where(
            button.c.id == key, button.c.expires_ms > now_ms()
        )

        def work(connection: Connection) -> Press | None:
            row = connection.execute(query).one_or_none()
            return None if row is None else Press(row.plugin, row.command, json.loads(row.arguments))

        return await self._database.transact(work)
