"""/models: which models answer, how good they are, what they learned from, and news of their trainings."""

import asyncio
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, select

from bot.cards import card_text, for_chat
from bot.groups import Group
from bot.model_reports import model_named, report_commands, shown_on_card
from bot.model_versions import Version
from bot.states import note
from schedules.retrain_book import Book, Training
from schedules.retrain_news import shown
from shared.command import Channel, command
from shared.context import Context
from shared.database import now_ms
from shared.errors import Denied, Refusal
from shared.learning import ENOUGH
from shared.manifest import Judgement, Manifest, Pointer
from shared.model import AnyModel
from shared.reply import Field, File, Reply, escape
from shared.store import Damaged
from shared.tables import news as subscribed

if TYPE_CHECKING:
    from bot.core import Core

SHOWN: Final = 8
"""Versions that the history shows."""


def models_group(core: "Core") -> Group:
    """Make the group; its commands act on `core`."""
    return Group("models", "See which models answer, and how good they are", _commands(core))


def _commands(core: "Core") -> Any:
    def named(model: str) -> AnyModel:
        return model_named(core, model)

    @command(name="list", private=True)
    async def list_(ctx: Context) -> Reply:
        """Show every model, and which of its versions answers"""
        fields = []
        for name, model in sorted(core.plugins.models().items()):
            found = await asyncio.to_thread(core.weights.look, name)
            where = {
                "store": ctx.text("trained here"),
                "hub": ctx.text("from the hub"),
                "default": ctx.text("ships with Hearth"),
                "none": ctx.text("has no weights"),
            }[found.origin]
            first = card_text(model, found).partition("\n")[0].strip("# ")
            lines = [f"{escape(found.version)} · {where}", escape(first)]
            fields.append(Field(escape(name), "\n".join(line for line in lines if line), inline=False))
        more = ctx.text("/models card tells how good each is, on which data, and where its limits lie.")
        return Reply(title=ctx.text("Models"), text=more, fields=tuple(fields), private=True)

    @command(private=True)
    async def card(ctx: Context, model: str) -> Reply:
        """Read a model's card: its data, its figures, its limits

        model: its name, as in the list
        """
        kind = named(model)
        found = await asyncio.to_thread(core.weights.look, model)
        version = await asyncio.to_thread(Version.read, core.weights.store, kind, found)
        if not version.card and version.manifest is None:
            raise Refusal("{model} has no card.", model=model)
        lines, pictures = await shown_on_card(ctx, core, model, version)
        return Reply(
            text=for_chat(version.card),
            fields=lines,
            pictures=pictures,
            files=(File(f"{model}.md", version.card.encode()),) if version.card else (),
            source=f"{model} · {found.version}",
            private=True,
        )

    @command(private=True)
    async def history(ctx: Context, model: str) -> Reply:
        """See the versions of a model: when, from which rows, and what the gate said

        model: its name, as in the list
        """
        named(model)
        store = core.weights.store
        listing = await asyncio.to_thread(store.listing, model)
        try:
            pointer = await asyncio.to_thread(store.pointer, model)
        except Damaged:
            pointer = Pointer()
        trainings = {each.version: each for each in await Book(core.database, model).all() if each.version}
        newest = list(reversed(listing.manifests))[:SHOWN]
        fields = []
        for manifest in newest:
            judgements = await asyncio.to_thread(store.judgements, model, manifest.version)
            lines = _material(ctx, manifest, trainings.get(manifest.version))
            if figures := [
                f"{escape(name)} {manifest.metrics[name].value:.3f}" for name in shown(manifest.metrics)
            ]:
                lines.append(f"{' · '.join(figures)} (n = {manifest.n})")
            lines += [ctx.text("Gate: {verdict}", verdict=_verdict(ctx, each)) for each in judgements[-1:]]
            lines += _changes(ctx, pointer, manifest.version)
            mark = "🟢" if pointer.champion == manifest.version else "⚪"
            fields.append(Field(f"{mark} {manifest.version}", "\n".join(lines), inline=False))
        for version, reason in listing.damaged.items():
            fields.append(Field(f"🔴 {version}", escape(reason), inline=False))
        found = await asyncio.to_thread(core.weights.look, model)
        lines = [ctx.text("Answering now: {version}.", version=escape(found.version))]
        if not fields:
            lines.append(ctx.text("It has not been trained here yet."))
        elif len(listing.manifests) > SHOWN:
            lines.append(ctx.text("{count} more are not shown.", count=len(listing.manifests) - SHOWN))
        return Reply(
            title=ctx.text("Versions of {model}", model=escape(model)),
            text="\n".join(lines),
            fields=tuple(fields),
            private=True,
        )

    @command(permission="administrator", private=True)
    async def rollback(ctx: Context, model: str) -> Reply:
        """Have the version before answer again, in all servers; for the bot's owner

        model: its name, as in the list
        """
        named(model)
        if ctx.asker.user_id not in core.owners:
            raise Denied("A model answers in all servers, so only the owner of this bot may roll it back.")
        version = await asyncio.to_thread(core.weights.store.rollback, model, note="by /models rollback")
        async with core.database.begin() as connection:
            by, guild = ctx.asker.user_id, ctx.asker.guild_id
            await note(
                connection,
                core.database,
                "model rollback",
                guild,
                by,
                model=model,
                version=version or "default",
            )
        said = (
            ctx.text("{model} answers with {version} again.", model=escape(model), version=escape(version))
            if version
            else ctx.text("{model} answers with the weights that ship again.", model=escape(model))
        )
        return Reply(text=said, tone="good", private=True)

    @command(permission="manage_guild", private=True)
    async def news(ctx: Context, channel: Channel | None = None) -> Reply:
        """Have a channel hear of each training, or not any more

        channel: which; this one if left out
        """
        where = channel.id if channel else ctx.asker.channel_id
        if ctx.asker.guild_id is None or where is None:
            raise Denied("This works in a server only.")
        mine = (subscribed.c.channel_id == where, subscribed.c.guild_id == ctx.asker.guild_id)
        async with core.database.begin() as connection:
            there = (await connection.execute(select(subscribed).where(*mine))).one_or_none()
            if there is not None:
                await connection.execute(delete(subscribed).where(*mine))
            else:
                await connection.execute(
                    core.database.insert(subscribed)
                    .values(
                        channel_id=where,
                        guild_id=ctx.asker.guild_id,
                        user_id=ctx.asker.user_id,
                        locale=ctx.asker.locale,
                        created_ms=now_ms(),
                    )
                    .on_conflict_do_nothing()
                )
            act = "news off" if there is not None else "news on"
            await note(connection, core.database, act, ctx.asker.guild_id, ctx.asker.user_id, channel=where)
        if there is not None:
            said = ctx.text("<#{channel}> hears no more news of trainings.", channel=where)
        else:
            said = ctx.text(
                "<#{channel}> hears of every training from now on. Say it again to end that.", channel=where
            )
        return Reply(text=said, tone="good", private=True)

    return (list_, card, history, rollback, news, *report_commands(core))


def _verdict(ctx: Context, judgement: Judgement) -> str:
    values = {"against": escape(judgement.against or ""), "rows": judgement.rows}
    if judgement.difference is None:
        return escape(judgement.reason)
    if judgement.passed:
        return ctx.text("not worse than {against} on {rows} held-out rows", **values)
    if judgement.rows < ENOUGH:
        return ctx.text("{rows} held-out rows are too few to replace {against} by itself", **values)
    return ctx.text("worse than {against} on {rows} held-out rows", **values)


def _material(ctx: Context, manifest: Manifest, training: Training | None) -> list[str]:
    """Say from which rows a version was made."""
    at = f"<t:{int(manifest.created.timestamp())}:f>"
    if training is not None:
        rows = ctx.text(
            "{base} rows of {name} and {texts} texts from feedback of {people} people",
            base=training.base_rows,
            name=escape(training.base_name),
            texts=training.feedback_rows,
            people=training.people,
        )
    elif manifest.data is not None:
        rows = ctx.text(
            "{rows} rows of {name}", rows=manifest.data.rows or "?", name=escape(manifest.data.name)
        )
    else:
        rows = ctx.text("from a hub or a file")
    checksum = f" · `{manifest.data.sha256[:12]}`" if manifest.data is not None else ""
    return [f"{at} · {rows}{checksum}"]


def _changes(ctx: Context, pointer: Pointer, version: str) -> list[str]:
    """Say when a version was promoted, and when it was rolled back."""
    lines = []
    for change in pointer.changes:
        at = f"<t:{int(change.at.timestamp())}:f>"
        if change.action == "promote" and change.version == version:
            lines.append(ctx.text("promoted {when}", when=at))
        elif change.action == "rollback" and change.before == version:
            lines.append(ctx.text("rolled back {when}", when=at))
        elif change.action == "rollback" and change.version == version:
            lines.append(ctx.text("answers again since {when}", when=at))
    return lines
