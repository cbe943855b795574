"""The core's own commands: /plugins and /jobs for administrators, /models and /privacy for everybody."""

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select, update

from bot.audit_commands import audit_group
from bot.groups import Group
from bot.hearth_commands import hearth_group
from bot.job_commands import jobs_group
from bot.model_commands import models_group
from bot.states import note
from shared.command import command
from shared.context import Context
from shared.database import Database
from shared.errors import BadInput
from shared.learning import NAME as FEEDBACK
from shared.plugins import Plugins
from shared.reply import Field, File, Reply, escape
from shared.tables import button, job, news, pending, quota

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
        "privacy": Group("privacy", "See and remove what Hearth keeps of you", _privacy(core)),
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


def _privacy(core: "Core") -> Any:
    @command(private=True)
    async def export(ctx: Context) -> Reply:
        """Get all that Hearth keeps of you, as a file"""
        data = await export_user(core.database, core.plugins, ctx.asker.user_id)
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, rows in data.items():
                packed.writestr(f"{name}.json", json.dumps(rows, ensure_ascii=False, indent=2, default=str))
        count = sum(len(rows) for rows in data.values())
        return Reply(
            text=ctx.plural("One row is kept of you.", "{count} rows are kept of you.", count),
            files=(File("hearth-export.zip", archive.getvalue()),),
            private=True,
        )

    @command(private=True)
    async def forget(ctx: Context) -> Reply:
        """Remove all that Hearth keeps of you, now"""
        removed = await forget_user(core.database, core.plugins, ctx.asker.user_id)
        return Reply(
            text=ctx.plural("Removed one row.", "Removed {count} rows.", removed), tone="good", private=True
        )

    return (export, forget)


async def export_user(database: Database, plugins: Plugins, user: int) -> dict[str, list[dict[str, Any]]]:
    """Return every row that the core and the plugins keep of `user`, by table."""
    statements = {
        "core/buttons": select(button).where(button.c.user_id == user),
        "core/requests-under-way": select(pending).where(pending.c.user_id == user),
        "core/jobs": select(job).where(job.c.user_id == user),
        "core/news-of-trainings": select(news).where(news.c.user_id == user),
        "core/quota": select(quota).where(quota.c.bucket == f"person:{user}"),
    }
    for plugin in plugins:
        for table, statement in plugin.export_user(user).items():
            statements[f"{plugin.name}/{table}"] = statement
    async with database.begin() as connection:
        found = {}
        for name, statement in statements.items():
            rows = (await connection.execute(statement)).mappings().all()
            # A token of an interaction under way is a secret of the bot, not data of the person.
            found[name] = [{k: v for k, v in row.items() if k != "token"} for row in rows]
    return found


async def forget_user(database: Database, plugins: Plugins, user: int) -> int:
    """Remove every row that the core and the plugins keep of `user`, in one transaction; return how many.

    The quota's count stays until it has filled again: forgetting must not be a way round it.
    """
    # A server's jobs and news stay the server's; who added them is forgotten.
    statements: list[Any] = [
        delete(button).where(button.c.user_id == user),
        update(job).where(job.c.user_id == user).values(user_id=None),
        update(news).where(news.c.user_id == user).values(user_id=None),
    ]
    for plugin in plugins:
        statements += plugin.forget_user(user)
    async with database.begin() as connection:
        removed = 0
        for statement in statements:
            removed += (await connection.execute(statement)).rowcount
        await note(connection, database, "forget", None, None, rows=removed)
    return removed
