"""The core's own commands: /plugins and /jobs for administrators, /models and /privacy for everybody."""

from typing import TYPE_CHECKING, Any

from bot.audit_commands import audit_group
from bot.groups import Group
from bot.hearth_commands import hearth_group
from bot.job_commands import jobs_group
from bot.model_commands import models_group
from bot.privacy import privacy_group
from shared.command import command
from shared.context import Context
from shared.errors import BadInput
from shared.learning import NAME as FEEDBACK
from shared.reply import Field, Reply, escape

if TYPE_CHECKING:
    from bot.core import Core


def groups(core: "Core") -> dict[str, Group]:
    """Make the groups; their commands act on `core`."""
    return {
        "audit": audit_group(core),
        "hearth": hearth_group(core),
        "jobs": jobs_group(core),
        "models": models_group(core),
        "plugins": Group("plugins", "See and switch what Hearth can do here", _plugins(core)),
        "privacy": privacy_group(core),
    }


def _plugins(core: "Core") -> Any:
    def known(name: str) -> str:
        if name != FEEDBACK and core.plugins.get(name) is None and name not in core.plugins.quarantined:
            raise BadInput("There is no plugin named {name}. See /plugins list.", name=escape(name[:40]))
        return name

    @command(name="list", permission="manage_guild", private=True)
    async def list_(ctx: Context) -> Reply:
        """Show every plugin, and whether it is on in this server"""
        fields = []
        for plugin in core.plugins:
            on = core.states.is_on(plugin.name, ctx.asker.guild_id, opt_in=plugin.card.opt_in)
            summary = core.texts.render(plugin.card.summary, ctx.asker.locale, plugin.name)
            state = ctx.text("on") if on else ctx.text("off")
            kept = "; ".join(
                core.texts.render(k.what, ctx.asker.locale, plugin.name) for k in plugin.card.keeps
            )
            lines = [
                summary,
                ctx.text("Keeps: {what}", what=kept) if kept else ctx.text("Keeps nothing about people."),
            ]
            fields.append(
                Field(f"{'🟢' if on else '⚪'} {plugin.name}: {state}", "\n".join(lines), inline=False)
            )
        fields.append(_feedback(core, ctx))
        for each in core.plugins.quarantined.values():
            title = ctx.text("{plugin}: set aside, it failed", plugin=each.name)
            fields.append(Field(f"🔴 {title}", escape(each.reason), inline=False))
        return Reply(title=ctx.text("Plugins"), fields=tuple(fields))

    @command(permission="manage_guild", private=True)
    async def enable(ctx: Context, plugin: str) -> Reply:
        """Switch a plugin on in this server

        plugin: its name, as in the list
        """
        await core.states.switch(known(plugin), True, ctx.asker.guild_id, ctx.asker.user_id)
        return Reply(text=ctx.text("{plugin} is on in this server.", plugin=plugin), tone="good")

    @command(permission="manage_guild", private=True)
    async def disable(ctx: Context, plugin: str) -> Reply:
        """Switch a plugin off in this server

        plugin: its name, as in the list
        """
        await core.states.switch(known(plugin), False, ctx.asker.guild_id, ctx.asker.user_id)
        return Reply(text=ctx.text("{plugin} is off in this server.", plugin=plugin), tone="good")

    @command(permission="administrator", private=True)
    async def reload(ctx: Context, plugin: str) -> Reply:
        """Load a plugin's code anew, for all servers

        plugin: its name, as in the list
        """
        await core.states.request_reload(known(plugin), ctx.asker.user_id)
        return Reply(
            text=ctx.text("{plugin} is being loaded anew; see /plugins list.", plugin=plugin), tone="good"
        )

    return (list_, enable, disable, reload)


def _feedback(core: "Core", ctx: Context) -> Field:
    """Say whether feedback is on here; it is switched as a plugin is."""
    on = core.settings.feedback and core.states.is_on(FEEDBACK, ctx.asker.guild_id)
    models = ", ".join(sorted(core.learners()))
    summary = ctx.text("Buttons under verdicts, from which these models learn: {models}", models=models)
    state = ctx.text("on") if on else ctx.text("off")
    return Field(f"{'🟢' if on else '⚪'} {FEEDBACK}: {state}", summary, inline=False)
