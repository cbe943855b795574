"""What chat sees of followed places: which there are, and what is kept of each."""

import asyncio

from plugins.reviews.intake import FEWEST, Intake
from plugins.reviews.kept import KeptTable
from plugins.reviews.places import Places, Summary
from shared.command import command
from shared.context import Context
from shared.errors import BadInput
from shared.reply import Reply, escape

LISTED = 50


@command(name="places")
async def places(ctx: Context) -> Reply:
    """List the places whose reviews are followed, and what is kept of each"""
    found = await Places(ctx.database).summaries(ctx.settings.places)
    scraping = ctx.settings.scrape_url is not None and bool(ctx.settings.places)
    lines = [_place(ctx, each) for each in found[:LISTED]]
    if len(found) > LISTED:
        lines.append("…")
    if not lines:
        lines = [
            ctx.text("No place is followed. Who runs this bot can have it follow some; it is off by default.")
        ]
    elif not scraping:
        lines.append(ctx.text("Nothing new is fetched: that is switched off."))
    else:
        days = ctx.settings.keep_days
        lines.append(
            "-# "
            + ctx.plural(
                "A review is removed {count} day after it was last seen at its source. Authors are not kept.",
                "A review is removed {count} days after it was last seen at its source. Authors are not kept.",
                days,
            )
        )
    return Reply(title="📍 " + ctx.text("Followed places"), text="\n\n".join(lines))


async def place_named(ctx: Context, name: str) -> str:
    """Return a place of this name. Raises `BadInput`, which lists those there are."""
    there = [each.name for each in await Places(ctx.database).summaries(ctx.settings.places)]
    for each in there:
        if each.casefold() == name.strip().casefold():
            return each
    if not there:
        raise BadInput(
            "No place is followed. Who runs this bot can have it follow some; it is off by default."
        )
    listed = ", ".join(there[:20]) + (", …" if len(there) > 20 else "")
    raise BadInput("{name} is not followed. Followed are: {places}", name=name, places=listed)


async def kept_place(ctx: Context, place: str) -> KeptTable:
    """Return a place's reviews, as buttons need them."""
    intake, ids, _ = await Places(ctx.database).reviews(place)
    return await asyncio.to_thread(KeptTable.of, place, intake, place, ids)


def check_enough(intake: Intake, place: str) -> None:
    """Raise `BadInput` where a place has too few reviews yet."""
    if (different := len(intake.texts) - intake.repeated) < FEWEST:
        raise BadInput(
            "{place} has {count} different reviews so far: {fewest} or more are needed to tell topics apart.",
            place=place, count=different, fewest=FEWEST,
        )  # fmt: skip


def _place(ctx: Context, summary: Summary) -> str:
    parts = [ctx.plural("{count:,} review", "{count:,} reviews", summary.reviews)]
    if summary.rating is not None:
        parts.append(ctx.text("★ {rating:.1f} in the mean", rating=summary.rating))
    if summary.first is not None and summary.last is not None:
        parts.append(ctx.text("from {first} to {last}", first=summary.first, last=summary.last))
    line = f"**{escape(summary.name)}** · {' · '.join(parts)}"
    if summary.walk.ended:
        line += "\n-# ⚠️ " + ctx.text("The last run ended early: {why}", why=escape(summary.walk.ended[:200]))
    return line
