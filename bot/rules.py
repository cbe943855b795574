"""What administrators decided for their server: who may use a plugin, where and how often; language; where jobs post.

Kept in the database, so it lasts and reaches every bot on it; each change stands in the audit log with what was before.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.states import note
from shared.context import Asker
from shared.database import Database, now_ms
from shared.quota import Bucket
from shared.settings import Quota
from shared.tables import plugin_rule, server_rule
from shared.texts import Text

RULE: Final = "rule"
SERVER: Final = "server"
"""Names of the two kinds of change in the audit log."""
MOST_PER_MINUTE: Final = 100_000


@dataclass(frozen=True)
class Rule:
    """A server's rule for a plugin. Empty `roles` or `channels` mean everybody, or everywhere.

    One person may make `burst` requests at once, then `per_minute`, and waits `cooldown_seconds` between two.
    """

    roles: tuple[int, ...] = ()
    channels: tuple[int, ...] = ()
    burst: int | None = None
    per_minute: float | None = None
    cooldown_seconds: float = 0.0


@dataclass(frozen=True)
class Server:
    """A server's rules for the whole bot: the language of all that is said there, and where jobs may post."""

    locale: str | None = None
    post_channels: tuple[int, ...] = ()


@dataclass
class Rules:
    """The rules in memory, as read last; `refresh` brings them up to date."""

    database: Database
    plugins: dict[tuple[str, int], Rule] = field(default_factory=dict)
    servers: dict[int, Server] = field(default_factory=dict)

    async def refresh(self) -> None:
        """Read all rules."""
        async with self.database.begin() as connection:
            rules = (await connection.execute(select(plugin_rule))).all()
            servers = (await connection.execute(select(server_rule))).all()
        self.plugins = {(row.plugin, row.guild_id): _rule(row) for row in rules}
        self.servers = {row.guild_id: _server(row) for row in servers}

    def of(self, plugin: str, guild: int | None) -> Rule:
        """Return the rule for a plugin in a server; in direct messages there is none."""
        return self.plugins.get((plugin, guild), Rule()) if guild is not None else Rule()

    def server(self, guild: int | None) -> Server:
        """Return the rules for the whole bot in a server."""
        return self.servers.get(guild, Server()) if guild is not None else Server()

    def spoken_to(self, asker: Asker) -> Asker:
        """Return the asker with the language that the server's rule has them answered in."""
        locale = self.server(asker.guild_id).locale
        return asker if locale is None else replace(asker, locale=locale)

    def buckets(self, plugin: str, asker: Asker) -> list[Bucket]:
        """Return the quota and the cool-down that the server set for a plugin, for this person."""
        rule, found = self.of(plugin, asker.guild_id), []
        key = f"person:{asker.user_id}:{asker.guild_id}"
        if rule.burst is not None and rule.per_minute is not None:
            said = Text(
                "{plugin} may be asked {per_minute:g} times a minute here. Try again in {seconds} s.",
                {"plugin": plugin, "per_minute": rule.per_minute},
            )
            quota = Quota(burst=rule.burst, per_minute=rule.per_minute)
            found.append(Bucket(f"{key}:quota:{plugin}", quota, said))
        if rule.cooldown_seconds > 0:
            said = Text(
                "{plugin} may be asked every {cooldown:g} s here. Try again in {seconds} s.",
                {"plugin": plugin, "cooldown": rule.cooldown_seconds},
            )
            # A fraction of a millisecond is no wait, and more than a quota can say.
            quota = Quota(burst=1, per_minute=min(60 / rule.cooldown_seconds, MOST_PER_MINUTE))
            found.append(Bucket(f"{key}:cooldown:{plugin}", quota, said))
        return found

    async def change(
        self,
        plugin: str,
        guild: int,
        by: int | None,
        edit: Callable[[Rule], dict[str, Any]] = lambda _rule: {},
        **new: Any,
    ) -> Rule:
        """Change a rule; returns it. What does not differ from no rule at all is removed.

        `edit` is given the rule as it stands in the database, and returns what of it is to be new; what it raises is
        raised, and nothing changed.
        """
        async with self.database.begin() as connection:
            where = (plugin_rule.c.plugin == plugin, plugin_rule.c.guild_id == guild)
            row = (
                await connection.execute(select(plugin_rule).where(*where).with_for_update())
            ).one_or_none()
            before = _rule(row) if row is not None else Rule()
            after = replace(before, **edit(before), **new)
            if after == before:
                return before
            if after == Rule():
                await connection.execute(delete(plugin_rule).where(*where))
            else:
                values = {**asdict(after), "changed_ms": now_ms()}
                values["roles"], values["channels"] = json.dumps(after.roles), json.dumps(after.channels)
                key = [plugin_rule.c.plugin, plugin_rule.c.guild_id]
                put = self.database.insert(plugin_rule).values(plugin=plugin, guild_id=guild, **values)
                await connection.execute(put.on_conflict_do_update(index_elements=key, set_=values))
            await self._note(connection, RULE, guild, by, before, after, plugin=plugin)
        await self.refresh()
        return after

    async def change_server(
        self,
        guild: int,
        by: int | None,
        edit: Callable[[Server], dict[str, Any]] = lambda _server: {},
        **new: Any,
    ) -> Server:
        """Change the rules for the whole bot in a server; returns them. `edit` is as for `change`."""
        async with self.database.begin() as connection:
            where = server_rule.c.guild_id == guild
            row = (await connection.execute(select(server_rule).where(where).with_for_update())).one_or_none()
            before = _server(row) if row is not None else Server()
            after = replace(before, **edit(before), **new)
            if after == before:
                return before
            values = {
                "locale": after.locale,
                "post_channels": json.dumps(after.post_channels),
                "changed_ms": now_ms(),
            }
            put = self.database.insert(server_rule).values(guild_id=guild, **values)
            key = [server_rule.c.guild_id]
            await connection.execute(put.on_conflict_do_update(index_elements=key, set_=values))
            await self._note(connection, SERVER, guild, by, before, after)
        await self.refresh()
        return after

    async def _note(
        self,
        connection: AsyncConnection,
        act: str,
        guild: int,
        by: int | None,
        before: Rule | Server,
        after: Rule | Server,
        **more: object,
    ) -> None:
        old, new = asdict(before), asdict(after)
        changed = [name for name in old if old[name] != new[name]]
        was, now = {n: old[n] for n in changed}, {n: new[n] for n in changed}
        await note(connection, self.database, act, guild, by, **more, before=was, after=now)


def _rule(row: Any) -> Rule:
    return Rule(
        tuple(json.loads(row.roles)),
        tuple(json.loads(row.channels)),
        row.burst,
        row.per_minute,
        row.cooldown_seconds,
    )


def _server(row: Any) -> Server:
    return Server(row.locale, tuple(json.loads(row.post_channels)))
