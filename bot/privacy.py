"""/privacy: what is kept of the asker, all of it as a file, and its removal."""

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from bot.groups import Group
from bot.privacy_kinds import Kind, kinds
from bot.privacy_page import Page, archive, lines_of, since
from bot.privacy_rows import Found, export_files, export_user, forget_user
from shared.command import Command, command
from shared.context import Context
from shared.reply import Button, Field, File, Reply
from shared.tables import pending

if TYPE_CHECKING:
    from bot.core import Core

NAME: Final = "hearth-export.zip"
FORGET_SECONDS: Final = 120.0


def privacy_group(core: "Core") -> Group:
    """Make the group; its commands act on `core`."""
    commands = (_show(core), _export(core), *_forget(core))
    return Group("privacy", "See and remove what Hearth keeps of you", commands)


def _show(core: "Core") -> Command:
    @command(private=True)
    async def show(ctx: Context) -> Reply:
        """See what Hearth keeps of you now, why, and for how long"""
        page = await _page(core, ctx)
        fields, none = [], []
        for kind in page.kinds:
            if not (rows := _rows(page.found, kind)):
                none.append(page.say(kind.what, kind.domain))
                continue
            lines = [_counted(ctx, rows), *lines_of(page, kind)]
            fields.append(Field(page.say(kind.what, kind.domain)[:256], "\n".join(lines), inline=False))
        text = [
            ctx.text(
                "Beyond what stands here nothing is kept of anybody: no talk of channels, no photos for roll call, "
                "no lists of members."
            ),
            ctx.text("/privacy export hands you all of it, /privacy forget removes it."),
        ]
        if none:
            text.append(ctx.text("Would be kept, but is not of you: {kinds}.", kinds="; ".join(none)))
        return Reply(title=ctx.text("What Hearth keeps of you"), text="\n".join(text), fields=tuple(fields))

    return show


def _export(core: "Core") -> Command:
    @command(private=True)
    async def export(ctx: Context) -> Reply:
        """Get all that Hearth keeps of you, as a file"""
        page = await _page(core, ctx)
        files = await export_files(core, ctx.asker.user_id, page.found)
        data = await asyncio.to_thread(archive, page, files)
        words = [
            _counted(ctx, [row for rows in page.found.values() for row in rows]),
            ctx.text("Unpack the file and open index.html; the same is beside it as JSON."),
        ]
        return Reply(text=" ".join(words), files=(File(NAME, data),))

    return export


def _forget(core: "Core") -> tuple[Command, ...]:
    @command(private=True)
    async def forget(ctx: Context) -> Reply:
        """Remove all that Hearth keeps of you"""
        page = await _page(core, ctx)
        goes = [kind for kind in page.kinds if kind.stays is None and _rows(page.found, kind)]
        lines = [
            f"• {page.say(kind.what, kind.domain)}: {_counted(ctx, _rows(page.found, kind))}" for kind in goes
        ]
        words = [
            ctx.text("This is removed at once, for good:")
            if lines
            else ctx.text("Hardly anything is kept of you.")
        ]
        words += lines
        words.append(
            ctx.text(
                "What you asked and still wait for is broken off, and no button of yours works any more."
            )
        )
        words.append(ctx.text("A server keeps its jobs, roll calls and news, without your name."))
        stays = [
            f"• {page.say(kind.what, kind.domain)}: {page.say(kind.stays, kind.domain)}"
            for kind in page.kinds
            if kind.stays is not None
        ]
        words += [ctx.text("This stays:"), *stays]
        words.append(
            ctx.text(
                "What models have learned of texts stays in them until they are trained again; backups hold what "
                "they held until they have had their time; messages are Discord's."
            )
        )
        button = Button(ctx.text("Remove it all"), "erase", style="bad", emoji="🗑️", keep_hours=1)
        return Reply(
            title=ctx.text("Forget you?"),
            text="\n".join(words),
            tone="unsure",
            buttons=(button,),
            private=True,
        )

    @command(hidden=True, private=True, timeout=FORGET_SECONDS)
    async def erase(ctx: Context) -> Reply:
        """Remove all that Hearth keeps of you, now"""
        gone = await forget_user(core, ctx.asker.user_id, instance=core.settings.instance)
        words = [ctx.plural("Removed one row.", "Removed {count} rows.", gone.rows)]
        if gone.files:
            words.append(ctx.plural("Removed one file.", "Removed {count} files.", gone.files))
        if gone.requests:
            words.append(
                ctx.plural("One request was broken off.", "{count} requests were broken off.", gone.requests)
            )
        return Reply(text=" ".join(words), tone="good")

    return forget, erase


async def _page(core: "Core", ctx: Context) -> Page:
    user = ctx.asker.user_id
    found = await export_user(core.database, core.plugins, user)
    # What asks for this is under way, too; it would be the only thing that is kept of many.
    waiting = f"core/{pending.name}"
    found[waiting] = [row for row in found[waiting] if not row["command"].startswith("privacy ")]
    return Page(core.texts, ctx.asker.locale, user, kinds(core.plugins), found, datetime.now(UTC))


def _rows(found: Found, kind: Kind) -> list[dict[str, Any]]:
    return [row for name in kind.rows for row in found.get(name, [])]


def _counted(ctx: Context, rows: list[dict[str, Any]]) -> str:
    said = ctx.plural("One row is kept of you.", "{count} rows are kept of you.", len(rows))
    if (at := since(rows)) is not None:
        # Discord shows it in the reader's own time.
        said = ctx.text("{rows} The oldest is of {when}.", rows=said, when=f"<t:{at // 1000}:D>")
    return said
