"""What chat sees of topics over time: a line a topic, and in words which grew, which fell, and by how much."""

import asyncio
from typing import Annotated, Final

from plugins.reviews.commands import TIMEOUT, names_of, topics_of
from plugins.reviews.kept import HOURS, Opened, Shelf
from plugins.reviews.trend import Change, Period, Trend, trend_of
from shared.charts import Chart, Lines
from shared.command import Range, Table, command
from shared.context import Context
from shared.pictured import pictured
from shared.reply import Button, Picture, Reply, escape
from shared.texts import joined

SERIES: Final = 6
TOLD: Final = 6
"""Changes that are told of each kind."""


@command(name="trend", timeout=TIMEOUT)
async def trend(
    ctx: Context,
    place: Annotated[str, Range(1, 80)] | None = None,
    table: Table | None = None,
    period: Period | None = None,
    column: Annotated[str, Range(1, 100)] | None = None,
) -> Reply:
    """Follow topics over time: of a followed place, or of a CSV file with dates

    place: the name of a followed place
    table: a CSV file with a column of reviews and one of dates, instead of a place
    period: what a step of time is, where it is not to be chosen by itself
    column: the column that holds the reviews, where it is not plain
    """
    opened, names = await topics_of(ctx, table, place, column, dated=True)
    return await _answered(ctx, opened, names, period)


@command(hidden=True)
async def overtime(ctx: Context, key: str, cut: str) -> Reply:
    """Follow topics that are kept over time

    key: what the reviews are kept under
    cut: which cut of them is meant
    """
    opened = await Shelf.of(ctx).find(key, cut)
    return await _answered(ctx, opened, await names_of(ctx, opened), None)


async def _answered(ctx: Context, opened: Opened, names: list[str], period: Period | None) -> Reply:
    intake = await asyncio.to_thread(opened.table.intake)
    found = trend_of(opened.clustering.topic, intake.days, len(names), period)
    undated = len(intake.texts) - intake.dated
    lines = [_halves(ctx, found)]
    if undated:
        dateless = ctx.plural("{count:,} review has no date.", "{count:,} reviews have no date.", undated)
        lines[0] = joined([lines[0], dateless])
    grown = [change for change in found.changes if change.clear and change.after > change.before]
    fallen = [change for change in found.changes if change.clear and change.after < change.before]
    for head, changes in ((ctx.text("Grew"), grown), (ctx.text("Fell"), fallen)):
        if changes:
            told = [_change(ctx, change, names) for change in changes[:TOLD]]
            lines.append("\n".join([f"**{head}**", *told]))
    if not grown and not fallen:
        lines.append(ctx.text("No topic grew or fell clearly: what differs may be chance."))
    elif (rest := len(names) - len(grown) - len(fallen)) > 0:
        other = ctx.plural(
            "{count} other topic did not change clearly.",
            "{count} other topics did not change clearly.",
            rest,
        )
        lines.append(f"-# {other}")
    about = {"key": opened.key, "cut": opened.cut}
    return Reply(
        title="📈 " + ctx.text("Topics over time"),
        text="\n\n".join(lines),
        pictures=await _picture(ctx, opened, found, names),
        buttons=(Button(ctx.text("The topics"), "show", about, emoji="🗂️", keep_hours=HOURS),),
    )


def _halves(ctx: Context, found: Trend) -> str:
    (first, last, count), (later_first, later_last, later_count) = found.halves
    return ctx.text(
        "Shares of the {before:,} reviews from {first} to {last}, then of the {after:,} from {later_first} to "
        "{later_last}:",
        before=count, first=first, last=last, after=later_count, later_first=later_first, later_last=later_last,
    )  # fmt: skip


def _change(ctx: Context, change: Change, names: list[str]) -> str:
    points = (change.after - change.before) * 100
    return ctx.text(
        "{sign} {number}. {name}: {before:.1%} → {after:.1%} ({points:+.1f} points)",
        sign="🔺" if points > 0 else "🔻", number=change.topic + 1, name=escape(names[change.topic]),
        before=change.before, after=change.after, points=points,
    )  # fmt: skip


async def _picture(ctx: Context, opened: Opened, found: Trend, names: list[str]) -> tuple[Picture, ...]:
    """Draw the topics that changed clearly, and the largest of the others."""
    sizes = {topic.id: topic.size for topic in opened.clustering.topics}
    clear = [change.topic for change in found.changes if change.clear]
    others = sorted((topic for topic in sizes if topic not in clear), key=lambda topic: -sizes[topic])
    drawn = [*clear, *others][:SERIES]
    titles = {
        "week": ctx.text("Share of the reviews of a week, by topic"),
        "month": ctx.text("Share of the reviews of a month, by topic"),
        "year": ctx.text("Share of the reviews of a year, by topic"),
    }
    title = titles[found.period]
    request = Lines(
        title=title,
        steps=found.steps,
        labels=[f"{topic + 1} {names[topic]}" for topic in drawn],
        values=[found.shares[topic] for topic in drawn],
    )
    return await pictured(ctx, Chart(request), title, "trend.png") if drawn else ()
