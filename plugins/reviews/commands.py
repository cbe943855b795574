"""What chat sees of topics: reviews sorted into topics, and the same topics cut elsewhere by buttons."""

import asyncio
from typing import Annotated, Final, Literal

from plugins.reviews.alike import nearest_pairs
from plugins.reviews.answer import answered, topic_name
from plugins.reviews.commands_places import check_enough, kept_place, place_named
from plugins.reviews.intake import take_in
from plugins.reviews.kept import CACHE, HOURS, KeptTable, Opened, Shelf
from plugins.reviews.model import Clustering, ClusterRequest, RecutRequest, Reviews
from plugins.reviews.model import cluster as cluster_reviews
from plugins.reviews.naming import named
from plugins.reviews.places import Places
from plugins.reviews.trend import check_dated
from plugins.reviews.turns import turn
from shared.command import Range, Table, command
from shared.context import Context
from shared.errors import BadInput
from shared.reply import Button, Reply, escape

TIMEOUT: Final = 300.0
OFFERED: Final = 20


@command(name="cluster", timeout=TIMEOUT)
async def cluster(
    ctx: Context,
    table: Table | None = None,
    place: Annotated[str, Range(1, 80)] | None = None,
    column: Annotated[str, Range(1, 100)] | None = None,
) -> Reply:
    """Sort reviews into topics: of a CSV file, or of a place that is followed

    table: a CSV file with a header line and one review a row
    place: the name of a followed place, instead of a file
    column: the column that holds the reviews, where it is not plain
    """
    opened, names = await topics_of(ctx, table, place, column)
    return await answered(ctx, opened, names)


async def topics_of(
    ctx: Context, table: Table | None, place: str | None, column: str | None, *, dated: bool = False
) -> tuple[Opened, list[str]]:
    """Sort the reviews of a table or of a place, and keep them for the buttons; with the names of their topics.

    Raises `BadInput` where neither or both are given, they are too few, or, where they must be `dated`, are not.
    """
    if (table is None) == (place is None):
        raise BadInput("Give a table of reviews (a CSV file), or the name of a followed place.")
    if table is not None:
        intake = await asyncio.to_thread(take_in, table, column)
        kept = KeptTable.of(table.name, intake)
    else:
        assert place is not None
        found = await place_named(ctx, place)
        kept = await kept_place(ctx, found)
        intake = await asyncio.to_thread(kept.intake)
        check_enough(intake, found)
    if dated:
        check_dated(intake.days)
    clustering = await sorted_into_topics(ctx, intake.texts)
    opened = await Shelf.of(ctx).put(kept, clustering, ctx.asker.user_id)
    return opened, await names_of(ctx, opened, keep=True)


async def names_of(ctx: Context, opened: Opened, *, keep: bool = False) -> list[str]:
    """Return what topics go by: of a place's, what they went by before, where they were there before."""
    if (place := opened.table.place) is None:
        return [topic_name(topic) for topic in opened.clustering.topics]
    places = Places(ctx.database)
    known = await places.topics(place)
    _, ids, before = await places.reviews(place)
    was = dict(zip(ids, before, strict=True))
    intake = await asyncio.to_thread(opened.table.intake)
    rows = [opened.table.ids[at] for at in intake.at]
    topics, names = named(opened.clustering, [was.get(id) for id in rows], known)
    if keep:
        of = {
            id: topics[topic].number if topic >= 0 else None
            for id, topic in zip(rows, opened.clustering.topic, strict=True)
        }
        await places.keep_topics(place, topics, of)
    return names


async def sorted_into_topics(ctx: Context, texts: list[str]) -> Clustering:
    """Sort reviews into topics, one table after the other."""
    async with turn(ctx):
        return await ctx.labour(cluster_reviews, ClusterRequest(texts, cache=str(ctx.folder / CACHE)))


@command(hidden=True, timeout=60)
async def recut(
    ctx: Context,
    key: str,
    cut: str,
    how: Literal["coarser", "finer", "split", "merge"],
    topics: str = "",
) -> Reply:
    """Cut the tree of topics elsewhere

    key: what the reviews are kept under
    cut: which cut of them is meant
    how: what to do
    topics: the numbers of the topics that are merged or split
    """
    shelf = Shelf.of(ctx)
    opened = await shelf.find(key, cut)
    chosen = [int(part) for part in topics.split() if part.isascii() and part.isdigit()]
    intake = await asyncio.to_thread(opened.table.intake)
    request = RecutRequest(intake.texts, opened.clustering.tree, how, chosen)
    fresh = await shelf.put_cut(opened, await ctx.predict(Reviews, request))
    said = _said(ctx, how, opened, fresh, chosen)
    return await answered(ctx, fresh, await names_of(ctx, fresh), said)


@command(hidden=True)
async def show(ctx: Context, key: str, cut: str) -> Reply:
    """Show topics that are kept

    key: what the reviews are kept under
    cut: which cut of them is meant
    """
    opened = await Shelf.of(ctx).find(key, cut)
    return await answered(ctx, opened, await names_of(ctx, opened))


@command(hidden=True, private=True)
async def pick(ctx: Context, key: str, cut: str, how: Literal["split", "merge"]) -> Reply:
    """Offer the topics that can be merged or split

    key: what the reviews are kept under
    cut: which cut of them is meant
    how: what to do
    """
    opened = await Shelf.of(ctx).find(key, cut)
    found = opened.clustering
    name = {topic.id: f"{topic.id + 1} {topic_name(topic)}" for topic in found.topics}
    choices: list[tuple[tuple[int, ...], str]]
    if how == "merge":
        words = ctx.text("Which two topics are one? The most alike come first.")
        choices = [
            (pair, " + ".join(name[each][:36] for each in pair)) for pair in nearest_pairs(found, OFFERED)
        ]
    else:
        words = ctx.text("Which topic shall be split?")
        choices = [((topic.id,), name[topic.id][:76]) for topic in found.topics[:OFFERED]]
    return Reply(
        text=words,
        buttons=tuple(
            Button(
                label,
                "recut",
                {"key": key, "cut": cut, "how": how, "topics": " ".join(map(str, chosen))},
                keep_hours=HOURS,
            )
            for chosen, label in choices
        ),
        private=True,
    )


def _said(ctx: Context, how: str, before: Opened, after: Opened, chosen: list[int]) -> str:
    """Say what was done."""
    counts = {"before": len(before.clustering.topics), "after": len(after.clustering.topics)}
    names = [
        f"{topic.id + 1} {escape(topic_name(topic))}"
        for topic in before.clustering.topics
        if topic.id in chosen
    ]
    match how:
        case "merge":
            return "🔗 " + ctx.text("Merged: {names}.", names=" + ".join(names))
        case "split":
            return "✂️ " + ctx.text("Split: {names}.", names=", ".join(names))
        case "coarser":
            return "➖ " + ctx.text("Coarser: {after} topics, where there were {before}.", **counts)
    return "➕ " + ctx.text("Finer: {after} topics, where there were {before}.", **counts)
