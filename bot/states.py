"""Which plugins are on, for all servers or one; kept in the database, so it lasts and reaches every bot on it."""

import json
from dataclasses import dataclass, field

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database import Database, now_ms
from shared.tables import audit, plugin_state, watch

EVERYWHERE = 0


@dataclass
class States:
    """The states in memory, as read last; `refresh` brings them up to date."""

    database: Database
    off: set[tuple[str, int]] = field(default_factory=set)
    on: set[tuple[str, int]] = field(default_factory=set)
    reloads: dict[str, int] = field(default_factory=dict)
    watched: set[tuple[str, int]] = field(default_factory=set)

    async def refresh(self) -> None:
        """Read what is on, off and watched."""
        async with self.database.begin() as connection:
            rows = (await connection.execute(select(plugin_state))).all()
            watched = (await connection.execute(select(watch.c.plugin, watch.c.channel_id))).all()
        self.off = {(row.plugin, row.guild_id) for row in rows if not row.enabled}
        self.on = {(row.plugin, row.guild_id) for row in rows if row.enabled}
        self.reloads = {row.plugin: row.reloads for row in rows if row.guild_id == EVERYWHERE}
        self.watched = {(row.plugin, row.channel_id) for row in watched}

    def is_on(self, plugin: str, guild: int | None, *, opt_in: bool = False) -> bool:
        """Tell whether a plugin is on in a server (None: in direct messages, which follow the rule for all).

        One that is `opt_in` is on only where somebody switched it on, and never in direct messages.
        """
        if opt_in and (guild is None or (plugin, guild) not in self.on):
            return False
        return (plugin, EVERYWHERE) not in self.off and (plugin, guild or EVERYWHERE) not in self.off

    async def switch(self, plugin: str, on: bool, guild: int | None, by: int | None) -> None:
        """Turn a plugin on or off, for one server or (None) for all."""
        async with self.database.begin() as connection:
            await self._write(connection, plugin, guild or EVERYWHERE, {"enabled": on})
            await note(
                connection, self.database, "plugin on" if on else "plugin off", guild, by, plugin=plugin
            )
        await self.refresh()

    async def request_reload(self, plugin: str, by: int | None) -> None:
        """Ask every bot on this database to load the plugin's code anew."""
        async with self.database.begin() as connection:
            await self._write(connection, plugin, EVERYWHERE, {"reloads": plugin_state.c.reloads + 1})
            await note(connection, self.database, "plugin reload", None, by, plugin=plugin)

    async def set_watch(self, plugin: str, channel: int, guild: int | None, on: bool, by: int) -> None:
        """Have a plugin look at a channel's messages, or not any more."""
        async with self.database.begin() as connection:
            if on:
                await connection.execute(
                    self.database.insert(watch)
                    .values(plugin=plugin, channel_id=channel, guild_id=guild, changed_ms=now_ms())
                    .on_conflict_do_nothing()
                )
            else:
                await connection.execute(
                    delete(watch).where(watch.c.plugin == plugin, watch.c.channel_id == channel)
                )
            act = "watch on" if on else "watch off"
            await note(connection, self.database, act, guild, by, plugin=plugin, channel=channel)
        await self.refresh()

    async def _write(
        self, connection: AsyncConnection, plugin: str, guild: int, values: dict[str, object]
    ) -> None:
        new = {"enabled": True, "reloads": 0, **{k: v for k, v in values.items() if k == "enabled"}}
        if "reloads" in values:
            new["reloads"] = 1
        await connection.execute(
            self.database.insert(plugin_state)
            .values(plugin=plugin, guild_id=guild, changed_ms=now_ms(), **new)
            .on_conflict_do_update(
                index_elements=[plugin_state.c.plugin, plugin_state.c.guild_id],
                set_={**values, "changed_ms": now_ms()},
            )
        )


async def note(
    connection: AsyncConnection,
    database: Database,
    act: str,
    guild: int | None,
    by: int | None,
    **details: object,
) -> None:
    """Add a line to the audit log, in the transaction of the act itself. `by` None: the command line."""
    await connection.execute(
        database.insert(audit).values(
            at_ms=now_ms(),
            guild_id=guild,
            user_id=by,
            act=act,
            details=json.dumps(details, ensure_ascii=False),
        )
    )
