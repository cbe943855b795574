"""Remembers what was acknowledged and not yet answered, and buttons; the database's side of an interaction."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select

from shared.context import Asker
from shared.database import Database, now_ms
from shared.quota import Bucket, take
from shared.reply import Button
from shared.settings import Settings
from shared.tables import button, pending

HOUR_MS = 3_600_000
TOKEN_LIFE_MS = 15 * 60_000


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
        self._database, self._settings = database, settings

    async def admit(
        self, asker: Asker, command: str, *, interaction_id: int, application_id: int, token: str
    ) -> None:
        """Take from the quotas and note the interaction, in one transaction. Raises `QuotaExceeded`."""
        buckets = [Bucket(f"person:{asker.user_id}", self._settings.person_quota)]
        if asker.guild_id is not None:
            buckets.append(Bucket(f"server:{asker.guild_id}", self._settings.server_quota))
        now = now_ms()
        async with self._database.begin() as connection:
            await take(self._database, connection, tuple(buckets), now)
            await connection.execute(
                insert(pending).values(
                    interaction_id=interaction_id,
                    application_id=application_id,
                    user_id=asker.user_id,
                    channel_id=asker.channel_id,
                    token=token,
                    locale=asker.locale,
                    command=command[:100],
                    owner=self._settings.instance,
                    created_ms=now,
                )
            )

    async def done(self, interaction_id: int) -> None:
        """Note that an interaction was answered."""
        async with self._database.begin() as connection:
            await connection.execute(delete(pending).where(pending.c.interaction_id == interaction_id))

    async def take_orphans(self) -> list[Orphan]:
        """Return, and forget, what an earlier life of this bot left unanswered."""
        mine = pending.c.owner == self._settings.instance
        async with self._database.begin() as connection:
            rows = (await connection.execute(select(pending).where(mine))).mappings().all()
            await connection.execute(delete(pending).where(mine))
        return [Orphan(**{k: v for k, v in row.items() if k != "owner"}) for row in rows]

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
        async with self._database.begin() as connection:
            await connection.execute(insert(button), rows)
        return ids

    async def press(self, key: str) -> Press | None:
        """Return what a button does; None where it is too old."""
        query = select(button.c.plugin, button.c.command, button.c.arguments).where(
            button.c.id == key, button.c.expires_ms > now_ms()
        )
        async with self._database.begin() as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else Press(row.plugin, row.command, json.loads(row.arguments))
