"""/hearth: what an administrator decides for the server: who may use what, where, how often; language; posts."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from bot.access import Mentions, server_of
from bot.groups import Group
from bot.rules import Rule
from bot.told import gather
from shared.command import Channel, Command, Person, Range, Role, command
from shared.context import Asker, Context
from shared.errors import BadInput
from shared.plugins import Plugin
from shared.reply import Field, Reply, escape

if TYPE_CHECKING:
    from bot.core import Core

MOST: Final = 50
"""Roles or channels of one rule."""
DAY_MINUTES: Final = 1440


def hearth_group(core: "Core") -> Group:
    """Make the group; its commands act on `core`."""
    commands = (*_who_and_where(core), *_how_much(core), *_server(core), *_shown(core))
    return Group("hearth", "Decide who may use what in this server", commands)


def _named(core: "Core", name: str) -> Plugin:
    found = core.plugins.get(name)
    if found is None:
        there = ", ".join(sorted(plugin.name for plugin in core.plugins))
        raise BadInput(
            "There is no plugin named {name}; there are: {there}.", name=escape(name[:40]), there=there
        )
    return found


def _with(ids: Sequence[int], id: int, allow: bool) -> tuple[int, ...]:
    """Return a rule's ids with one more, or one fewer."""
    rest = tuple(each for each in ids if each != id)
    if allow and len(rest) >= MOST:
        raise BadInput("A rule names {most} at most.", most=MOST)
    return (*rest, id) if allow else rest


def _who_and_where(core: "Core") -> tuple[Command, ...]:
    @command(permission="manage_guild", private=True)
    async def switch(ctx: Context, plugin: str, on: bool) -> Reply:
        """Switch a plugin on or off in this server

        plugin: its name, as in /hearth show
        on: whether it shall answer here
        """
        name = _named(core, plugin).name
        await core.states.switch(name, on, server_of(ctx.asker), ctx.asker.user_id)
        words = (
            ctx.text("{plugin} is on in this server.", plugin=name)
            if on
            else ctx.text("{plugin} is off in this server.", plugin=name)
        )
        return Reply(text=words, tone="good")

    @command(permission="manage_guild", private=True)
    async def role(ctx: Context, plugin: str, role: Role, allow: bool = True) -> Reply:
        """Let only people with certain roles use a plugin

        plugin: its name, as in /hearth show
        role: a role that may use it
        allow: no takes the role off the list; an empty list lets everybody
        """
        name, guild = _named(core, plugin).name, server_of(ctx.asker)
        rule = await core.rules.change(
            name, guild, ctx.asker.user_id, lambda now: {"roles": _with(now.roles, role.id, allow)}
        )
        return _ruled(ctx, name, rule)

    @command(permission="manage_guild", private=True)
    async def channel(ctx: Context, plugin: str, channel: Channel, allow: bool = True) -> Reply:
        """Let a plugin be used in certain channels only

        plugin: its name, as in /hearth show
        channel: a channel where it may be used
        allow: no takes the channel off the list; an empty list is every channel
        """
        name, guild = _named(core, plugin).name, server_of(ctx.asker)
        rule = await core.rules.change(
            name, guild, ctx.asker.user_id, lambda now: {"channels": _with(now.channels, channel.id, allow)}
        )
        return _ruled(ctx, name, rule)

    return switch, role, channel


def _how_much(core: "Core") -> tuple[Command, ...]:
    @command(permission="manage_guild", private=True)
    async def quota(
        ctx: Context,
        plugin: str,
        per_minute: Annotated[float, Range(0, 1000)],
        at_once: Annotated[int, Range(1, 1000)] = 5,
    ) -> Reply:
        """Bound how often one person may ask a plugin

        plugin: its name, as in /hearth show
        per_minute: requests a minute in the long run; 0 removes the bound
        at_once: requests that may come at once after a pause
        """
        name, bound = _named(core, plugin).name, per_minute > 0
        # What nobody touched for a day is forgotten, and full again.
        if bound and at_once > per_minute * DAY_MINUTES:
            raise BadInput(
                "{at_once} at once take more than a day to come back at {per_minute:g} a minute: "
                "allow more a minute, or fewer at once.",
                at_once=at_once,
                per_minute=per_minute,
            )
        rule = await core.rules.change(
            name,
            server_of(ctx.asker),
            ctx.asker.user_id,
            burst=at_once if bound else None,
            per_minute=per_minute if bound else None,
        )
        return _ruled(ctx, name, rule)

    @command(permission="manage_guild", private=True)
    async def cooldown(ctx: Context, plugin: str, seconds: Annotated[float, Range(0, 86_400)]) -> Reply:
        """Have each person wait between two requests to a plugin

        plugin: its name, as in /hearth show
        seconds: how long; 0 removes the wait
        """
        name = _named(core, plugin).name
        rule = await core.rules.change(
            name, server_of(ctx.asker), ctx.asker.user_id, cooldown_seconds=float(seconds)
        )
        return _ruled(ctx, name, rule)

    @command(permission="manage_guild", private=True)
    async def reset(ctx: Context, plugin: str) -> Reply:
        """Remove every rule for a plugin: everybody, everywhere, as often as for the rest

        plugin: its name, as in /hearth show
        """
        name = _named(core, plugin).name
        none: dict[str, Any] = {
            "roles": (),
            "channels": (),
            "burst": None,
            "per_minute": None,
            "cooldown_seconds": 0.0,
        }
        return _ruled(
            ctx, name, await core.rules.change(name, server_of(ctx.asker), ctx.asker.user_id, **none)
        )

    return quota, cooldown, reset


def _server(core: "Core") -> tuple[Command, ...]:
    @command(permission="manage_guild", private=True)
    async def language(
        ctx: Context, language: Literal["each person's own", "English", "Traditional Chinese"]
    ) -> Reply:
        """Set the language of all that Hearth says in this server

        language: one for everybody, or that of each person's Discord
        """
        locale = {"English": "en-US", "Traditional Chinese": "zh-TW"}.get(language)
        await core.rules.change_server(server_of(ctx.asker), ctx.asker.user_id, locale=locale)
        return Reply(text=_language(ctx, locale), tone="good")

    @command(permission="manage_guild", private=True)
    async def posts(ctx: Context, channel: Channel, allow: bool = True) -> Reply:
        """Let jobs post to certain channels only

        channel: a channel that jobs may post to
        allow: no takes the channel off the list; an empty list is every channel
        """
        guild = server_of(ctx.asker)
        await core.rules.change_server(
            guild,
            ctx.asker.user_id,
            lambda now: {"post_channels": _with(now.post_channels, channel.id, allow)},
        )
        return Reply(text=_posts(core, ctx), tone="good")

    return language, posts


def _shown(core: "Core") -> tuple[Command, ...]:
    @command(permission="manage_guild", private=True)
    async def show(ctx: Context, plugin: str | None = None) -> Reply:
        """Show who may use what in this server, where and how often

        plugin: one alone
        """
        guild = server_of(ctx.asker)
        shown = [_named(core, plugin)] if plugin else list(core.plugins)
        fields = []
        for each in shown:
            on = core.states.is_on(each.name, guild, opt_in=each.card.opt_in)
            state = ctx.text("on") if on else ctx.text("off")
            lines = _lines(ctx, core.rules.of(each.name, guild))
            fields.append(
                Field(f"{'🟢' if on else '⚪'} {each.name}: {state}", "\n".join(lines), inline=False)
            )
        head = [_language(ctx, core.rules.server(guild).locale), _posts(core, ctx)]
        head.append(ctx.text("/audit list tells who changed what, and /audit undo takes it back."))
        return Reply(title=ctx.text("Rules of this server"), text="\n".join(head), fields=tuple(fields))

    @command(permission="manage_guild", private=True)
    async def check(ctx: Context, plugin: str, person: Person, channel: Channel | None = None) -> Reply:
        """Tell whether somebody may use a plugin, and which rule says so

        plugin: its name, as in /hearth show
        person: who
        channel: where; else here
        """
        found = _named(core, plugin)
        if not found.commands:
            raise BadInput("{plugin} has no commands of its own.", plugin=found.name)
        there, parent = ctx.asker.channel_id, ctx.asker.parent_id
        if channel is not None:
            there, parent = channel.id, channel.parent_id
        somebody = Asker(
            person.id,
            person.name,
            ctx.asker.locale,
            server_of(ctx.asker),
            there,
            person.permissions,
            parent,
            person.roles,
        )
        return await gather(core, ctx, found.name, None, somebody)

    @command(hidden=True, private=True)
    async def why(ctx: Context, group: str, command: str) -> Reply:
        """Tell which rule refused

        group: the group of the command that was refused
        command: its name
        """
        return await gather(core, ctx, group, command, ctx.asker)

    return show, check, why


def _language(ctx: Context, locale: str | None) -> str:
    match locale:
        case "en-US":
            return ctx.text("Hearth speaks English in this server.")
        case "zh-TW":
            return ctx.text("Hearth speaks Traditional Chinese in this server.")
    return ctx.text("Everybody is answered in the language of their Discord.")


def _posts(core: "Core", ctx: Context) -> str:
    channels = core.rules.server(ctx.asker.guild_id).post_channels
    if not channels:
        return ctx.text("Jobs may post to every channel.")
    return ctx.text("Jobs may post to {channels} only.", channels=Mentions("#", channels))


def _lines(ctx: Context, rule: Rule) -> list[str]:
    who = (
        ctx.text("Who: {roles}", roles=Mentions("@&", rule.roles))
        if rule.roles
        else ctx.text("Who: everybody")
    )
    where = (
        ctx.text("Where: {channels}", channels=Mentions("#", rule.channels))
        if rule.channels
        else ctx.text("Where: everywhere")
    )
    lines = [who, where]
    if rule.per_minute is not None:
        lines.append(
            ctx.text(
                "How often: {per_minute:g} times a minute a person, {at_once} at once",
                per_minute=rule.per_minute,
                at_once=rule.burst,
            )
        )
    if rule.cooldown_seconds:
        lines.append(ctx.text("Cool-down: {seconds:g} s", seconds=rule.cooldown_seconds))
    return lines


def _ruled(ctx: Context, plugin: str, rule: Rule) -> Reply:
    title = ctx.text("The rule for {plugin}", plugin=plugin)
    return Reply(title=title, text="\n".join(_lines(ctx, rule)), tone="good")
