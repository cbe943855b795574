"""/audit: who decided what in this server, and how to take it back. The log itself can only grow."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

from sqlalchemy import or_, select

from bot.access import server_of
from bot.groups import Group
from bot.rules import RULE, SERVER, Rule, Server
from shared.cells import as_sheet
from shared.command import Command, Person, Range, command
from shared.context import Context
from shared.errors import BadInput, Refusal
from shared.reply import Field, File, Reply, escape
from shared.tables import audit

if TYPE_CHECKING:
    from bot.core import Core

SHOWN: Final = 10
EXPORTED: Final = 50_000
SWITCHES: Final = {"plugin on": False, "plugin off": True}
"""Acts that switch a plugin, and whether it was on before."""


def audit_group(core: "Core") -> Group:
    """Make the group; its commands act on `core`."""
    return Group("audit", "See who decided what in this server", (*_read(core), _undo(core)))


def _read(core: "Core") -> tuple[Command, ...]:
    @command(name="list", permission="manage_guild", private=True)
    async def list_(
        ctx: Context,
        person: Person | None = None,
        about: Annotated[str, Range(1, 64)] | None = None,
        page: Annotated[int, Range(1, 1000)] = 1,
    ) -> Reply:
        """Show the latest administrative acts

        person: only what this person did
        about: only what names this, such as a plugin
        page: 1 is the newest
        """
        rows = await _rows(core, ctx, SHOWN + 1, (page - 1) * SHOWN, person, about)
        fields = []
        for row in rows[:SHOWN]:
            who = f"<@{row.user_id}>" if row.user_id else ctx.text("the operator")
            when = f"<t:{row.at_ms // 1000}:f>"
            fields.append(
                Field(
                    f"{row.id} · {_act(ctx, row.act)}",
                    f"{who} · {when}\n{_said(ctx, row.details)}",
                    inline=False,
                )
            )
        title = ctx.text("Administrative acts")
        if not fields:
            return Reply(title=title, text=ctx.text("There is nothing (more) here."))
        more = ctx.text("/audit list page:{page} shows older ones.", page=page + 1) if rows[SHOWN:] else ""
        return Reply(title=title, text=more, fields=tuple(fields))

    @command(permission="manage_guild", private=True)
    async def export(ctx: Context) -> Reply:
        """Get all administrative acts of this server as a CSV file"""
        rows = await _rows(core, ctx, EXPORTED, 0, None, None)
        cells = [("number", "time", "person", "act", "details")]
        for row in reversed(rows):
            at = datetime.fromtimestamp(row.at_ms / 1000, UTC).isoformat(timespec="seconds")
            cells.append((str(row.id), at, str(row.user_id or ""), row.act, row.details))
        file = File("audit.csv", as_sheet(cells))
        words = ctx.plural("One act is in the log.", "{count} acts are in the log.", len(rows))
        return Reply(text=words, files=(file,))

    return list_, export


def _undo(core: "Core") -> Command:
    @command(permission="manage_guild", private=True)
    async def undo(ctx: Context, number: Annotated[int, Range(1, 2**53)]) -> Reply:
        """Take back a decision: what it changed is as it was before

        number: its number in /audit list
        """
        guild = server_of(ctx.asker)
        query = select(audit).where(audit.c.id == number, audit.c.guild_id == guild)
        async with core.database.begin() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise BadInput("There is no act number {number} here. See /audit list.", number=number)
        details = json.loads(row.details)

        def back(now: Rule | Server) -> dict[str, Any]:
            if any(getattr(now, name) != value for name, value in _typed(details["after"]).items()):
                raise _later()
            return _typed(details["before"])

        if row.act in SWITCHES:
            was_on, states = SWITCHES[row.act], core.states
            if (details["plugin"], guild) not in (states.off if was_on else states.on):
                raise _later()
            if await _was_on(core, row) is not was_on:
                raise Refusal("That act changed nothing, so there is nothing to take back.")
            await states.switch(details["plugin"], was_on, guild, ctx.asker.user_id)
        elif row.act == RULE:
            await core.rules.change(details["plugin"], guild, ctx.asker.user_id, back)
        elif row.act == SERVER:
            await core.rules.change_server(guild, ctx.asker.user_id, back)
        else:
            raise Refusal("This cannot be taken back by itself: do the opposite by its own command.")
        words = ctx.text("Taken back. This stands in the log, too.")
        return Reply(text=f"{words}\n{_said(ctx, row.details)}", tone="good")

    return undo


def _typed(values: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}


async def _was_on(core: "Core", row: Any) -> bool:
    """Tell whether a plugin was on in a server before the act `row`, which switched it."""
    query = (
        select(audit.c.act)
        .where(audit.c.guild_id == row.guild_id, audit.c.id < row.id)
        .where(audit.c.act.in_(SWITCHES), audit.c.details == row.details)
        .order_by(audit.c.id.desc())
        .limit(1)
    )
    async with core.database.begin() as connection:
        act = (await connection.execute(query)).scalar_one_or_none()
    if act is not None:
        return not SWITCHES[act]
    plugin = core.plugins.get(json.loads(row.details)["plugin"])
    return plugin is None or not plugin.card.opt_in


def _later() -> Refusal:
    """Say that somebody has decided otherwise since: theirs must not be lost unseen."""
    return Refusal("This was changed again since then: take back the later one first.")


async def _rows(
    core: "Core", ctx: Context, count: int, skip: int, person: Person | None, about: str | None
) -> list[Any]:
    """Return acts of this server, newest first; those of the whole bot are shown to its owners only."""
    where = [audit.c.guild_id == server_of(ctx.asker)]
    if ctx.asker.user_id in core.owners:
        where = [or_(where[0], audit.c.guild_id.is_(None))]
    if person is not None:
        where.append(audit.c.user_id == person.id)
    if about is not None:
        where.append(
            or_(
                audit.c.details.icontains(about, autoescape=True),
                audit.c.act.icontains(about, autoescape=True),
            )
        )
    query = select(audit).where(*where).order_by(audit.c.id.desc()).limit(count).offset(skip)
    async with core.database.begin() as connection:
        return list((await connection.execute(query)).all())


def _said(ctx: Context, details: str) -> str:
    """Show what an act was about: names and values, and of a change what was before and after."""
    values = json.loads(details)
    before, after = values.pop("before", None), values.pop("after", None)
    parts = [f"{_name(ctx, name)}: {escape(str(value))}" for name, value in values.items()]
    if isinstance(before, dict) and isinstance(after, dict):
        for name in after:
            was, now = _shown(ctx, name, before.get(name)), _shown(ctx, name, after[name])
            parts.append(f"{_name(ctx, name)}: {was} → {now}")
    return (" · ".join(parts) or "-")[:900]


def _shown(ctx: Context, name: str, value: Any) -> str:
    if isinstance(value, list):
        sign = "@&" if name == "roles" else "#"
        return ", ".join(f"<{sign}{id}>" for id in value) or ctx.text("all")
    return "-" if value is None else f"{value:g}" if isinstance(value, float) else escape(str(value))


def _act(ctx: Context, act: str) -> str:
    return {
        "plugin on": ctx.text("plugin switched on"),
        "plugin off": ctx.text("plugin switched off"),
        "plugin reload": ctx.text("plugin loaded anew"),
        "watch on": ctx.text("channel watched"),
        "watch off": ctx.text("channel no longer watched"),
        RULE: ctx.text("rule of a plugin"),
        SERVER: ctx.text("rule of the server"),
    }.get(act, escape(act))


def _name(ctx: Context, name: str) -> str:
    return {
        "plugin": ctx.text("plugin"),
        "channel": ctx.text("channel"),
        "roles": ctx.text("who"),
        "channels": ctx.text("where"),
        "per_minute": ctx.text("times a minute"),
        "burst": ctx.text("times at once"),
        "cooldown_seconds": ctx.text("cool-down (s)"),
        "locale": ctx.text("language"),
        "post_channels": ctx.text("where jobs post"),
    }.get(name, escape(name))
