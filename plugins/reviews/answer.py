"""How topics are shown: sizes, telling words, quotes, the picture, the table back, and buttons to cut elsewhere."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from typing import Final

from plugins.reviews.export import file_name, written
from plugins.reviews.intake import Intake
from plugins.reviews.kept import HOURS, Opened
from plugins.reviews.model import Clustering, Topic
from plugins.reviews.trend import FEWEST_DATED
from shared.charts import Chart, Scatter
from shared.context import Context
from shared.pictured import pictured
from shared.reply import Button, File, Picture, Reply, escape
from shared.texts import joined

SHOWN: Final = 12
"""Topics that are shown with quotes; the others are named in a line."""
WORDS: Final = 6
QUOTES: Final = 2
QUOTED: Final = 110
NAMED_MORE: Final = 20
LONGEST: Final = 3800
"""Characters of a reply, about: Discord shows 4,096 in one message."""
NAMED: Final = 3
"""Words that make a topic's name."""
_CHINESE: Final = re.compile(r"[\u3400-\u9fff]")
_BETWEEN: Final = re.compile(r", |、")
MIXED: Final = 0.15
"""From which share of the smaller language on reviews are said to be in two."""


def topic_name(topic: Topic) -> str:
    """Return the words that a topic goes by."""
    return listed(topic.words[:NAMED]) or "–"


def listed(words: Sequence[str]) -> str:
    """Put words in a row, with commas as their language has them."""
    return ("、" if any(_CHINESE.search(word) for word in words) else ", ").join(words)


async def answered(ctx: Context, opened: Opened, names: list[str], note: str = "") -> Reply:
    """Show topics. `names` are what they go by, in their order; `note` says what was done to them."""
    intake = await asyncio.to_thread(opened.table.intake)
    clustering = opened.clustering
    data = await asyncio.to_thread(written, intake, clustering, names)
    count = len(clustering.topics)
    notes = [*([note] if note else []), *_notes(ctx, opened, intake)]
    for quotes in (QUOTES, 1, 0):
        lines = [*notes, *_topics(ctx, clustering, names, intake, quotes)]
        # One message holds this much; fewer quotes are better than a second one.
        if sum(len(line) + 2 for line in lines) <= LONGEST:
            break
    return Reply(
        title="🗂️ " + ctx.plural("{count} topic", "{count} topics", count),
        text="\n\n".join(lines),
        pictures=await _picture(ctx, clustering, names),
        files=(File(file_name(opened.table.name), data),),
        buttons=_buttons(ctx, opened, intake),
    )


def _topics(
    ctx: Context, clustering: Clustering, names: list[str], intake: Intake, quotes: int
) -> Iterator[str]:
    for topic in clustering.topics[:SHOWN]:
        yield _topic(ctx, topic, names[topic.id], intake, quotes)
    if rest := clustering.topics[SHOWN:]:
        named = "; ".join(
            f"{topic.id + 1} {escape(names[topic.id])} ({topic.size:,})" for topic in rest[:NAMED_MORE]
        )
        yield ctx.text("Further topics: {named}", named=named + ("; …" if len(rest) > NAMED_MORE else ""))


def _notes(ctx: Context, opened: Opened, intake: Intake) -> list[str]:
    """Return what is to know about the reviews before their topics."""
    name = escape(opened.table.name[:80])
    said = [
        ctx.plural(
            "{count:,} review of {name}.", "{count:,} reviews of {name}.", len(intake.texts), name=name
        ),
    ]
    if -1 in opened.clustering.topic:
        said.append(ctx.text("{share:.1%} fit no topic.", share=opened.clustering.noise))
    if intake.left_out:
        read = len(intake.rows)
        whole = read + intake.left_out
        if opened.table.place is None:
            words = ctx.text(
                "The table has {all:,} rows; {read:,} of them, evenly spread, were read.",
                all=whole,
                read=read,
            )
        else:
            words = ctx.text(
                "Of the {all:,} reviews that are kept, the newest {read:,} were read.", all=whole, read=read
            )
        said.append(f"⚠️ {words}")
    if intake.wordless:
        said.append(ctx.plural("{count:,} row has no text.", "{count:,} rows have no text.", intake.wordless))
    if intake.repeated:
        said.append(
            ctx.plural(
                "{count:,} review says word for word what another says.",
                "{count:,} reviews say word for word what another says.",
                intake.repeated,
            )
        )
    if MIXED <= intake.chinese <= 1 - MIXED:
        said.append(
            ctx.text(
                "The reviews are in two languages ({share:.0%} Chinese): a topic may be split by language.",
                share=intake.chinese,
            )
        )
    return [joined(said)]


def _topic(ctx: Context, topic: Topic, name: str, intake: Intake, quotes: int) -> str:
    share = topic.size / max(1, len(intake.texts))
    head = f"**{topic.id + 1}. {escape(name)}** · " + ctx.plural(
        "{count:,} review ({share:.1%})", "{count:,} reviews ({share:.1%})", topic.size, share=share
    )
    if topic.positive is not None and topic.told:
        head += " · " + ctx.text(
            "about {share:.0%} positive of the {told:,} that can be told",
            share=topic.positive,
            told=topic.told,
        )
    lines = [head]
    more = [word for word in topic.words[:WORDS] if word not in _BETWEEN.split(name)]
    if more:
        lines.append("-# " + escape(listed(more)))
    lines += [f"> {_quote(intake.texts[row])}" for row in topic.quotes[:quotes] if row < len(intake.texts)]
    return "\n".join(lines)


def _quote(text: str) -> str:
    flat = " ".join(text.split())
    return escape(flat[:QUOTED].rstrip() + (" …" if len(flat) > QUOTED else ""))


def _buttons(ctx: Context, opened: Opened, intake: Intake) -> tuple[Button, ...]:
    about = {"key": opened.key, "cut": opened.cut}

    def button(label: str, command: str, emoji: str, **more: str) -> Button:
        return Button(label, command, {**about, **more}, emoji=emoji, keep_hours=HOURS)

    several = len(opened.clustering.topics) > 1
    shown = []
    if several:
        shown.append(button(ctx.text("Coarser"), "recut", "➖", how="coarser"))
    shown.append(button(ctx.text("Finer"), "recut", "➕", how="finer"))
    if several:
        shown.append(button(ctx.text("Merge …"), "pick", "🔗", how="merge"))
    shown.append(button(ctx.text("Split …"), "pick", "✂️", how="split"))
    if intake.dated >= FEWEST_DATED:
        shown.append(button(ctx.text("Over time"), "overtime", "📈"))
    return tuple(shown)


async def _picture(ctx: Context, clustering: Clustering, names: list[str]) -> tuple[Picture, ...]:
    title = ctx.text("Reviews, near each other where they are alike")
    request = Scatter(
        title=title,
        points=clustering.points,
        groups=clustering.topic,
        labels=[f"{at + 1} {name}" for at, name in enumerate(names)],
        rest_label=ctx.text("no topic"),
    )
    alt = ctx.text(
        "A point for each review, in the colour of its topic: {names}", names="; ".join(names)[:600]
    )
    return await pictured(ctx, Chart(request), alt, "topics.png")
