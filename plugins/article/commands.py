"""What chat sees of the article plugin: a summary, the passages that it comes from, and feedback on it."""

from statistics import fmean
from typing import Annotated, Final, Literal

from plugins.article.model import MOST, SHARES, USUAL, SummaryModel, SummaryRequest, SummaryResult
from plugins.article.passages import MOST as MOST_PASSAGES
from plugins.article.passages import Shown, cut, pack, unpack
from plugins.article.reading_time import reading_seconds
from plugins.article.tables import feedback
from shared.command import MAX_TEXT, Article, LongText, Range, command
from shared.context import Context
from shared.errors import BadInput
from shared.feedback import keep_feedback
from shared.reply import Button, Field, Reply, escape

WHOLE: Final = 0.999
"""From which share of an article that was read nothing is said of the rest."""
LONGEST_TITLE: Final = 200


@command(menu="Summarise")
async def summarise(
    ctx: Context,
    article: Article,
    sentences: Annotated[int, Range(1, MOST)] | None = None,
    share: Annotated[int, Range(100 * SHARES[0], 100 * SHARES[1])] | None = None,
    language: Literal["auto", "en", "zh"] = "auto",
    bullets: bool = True,
) -> Reply:
    """Summarise an article in a few of its own sentences

    article: a text, the address of an article, or a text, HTML or PDF file
    sentences: how many sentences the summary has, 1 to 20 (3 if nothing is said)
    share: instead of a number of sentences: percent of the article's length, 5 to 60
    language: the article's language, if it is not to be found out
    bullets: each sentence on a line of its own
    """
    if sentences is not None and share is not None:
        raise BadInput("Give a number of sentences or a share, not both.")
    request = SummaryRequest(
        article.text,
        article.title,
        sentences=sentences or USUAL,
        share=None if share is None else share / 100,
        language=language,
    )
    result = await ctx.predict(SummaryModel, request)
    return Reply(
        title=f"📰 {_title(ctx, article, result)}",
        text="\n\n".join([_summary(result, bullets), *_notes(ctx, result)]),
        tone="unsure" if result.kind == "abstractive" else "neutral",
        fields=tuple(_fields(ctx, article, result)),
        buttons=_buttons(ctx, article, result),
        source=await ctx.source(SummaryModel),
    )


@command(hidden=True, private=True)
async def sources(ctx: Context, passages: LongText, more: bool = False) -> Reply:
    """Show where in the article the sentences of a summary stand

    passages: the passages, as the summary's button holds them
    more: whether the summary has more sentences than these
    """
    shown = unpack(passages)
    blocks = [_passage(ctx, number, each) for number, each in enumerate(shown, 1)]
    if more:
        note = ctx.text("The summary has more sentences than are shown here.")
        blocks.append(f"-# {note}")
    title = ctx.text("Source passages")
    return Reply(title=f"🔎 {title}", text="\n\n".join(blocks), private=True)


@command(hidden=True, private=True)
async def mark(
    ctx: Context, text: LongText, label: Literal["good", "bad"], right: bool, probability: float
) -> Reply:
    """Keep a person's word on a summary

    text: the summary, and the beginning of the article
    label: what the person says of it
    right: whether the person finds it good
    probability: how well the model thought that its sentences speak for the whole
    """
    return await keep_feedback(ctx, feedback, text, label, right, probability)


def _title(ctx: Context, article: Article, result: SummaryResult) -> str:
    title = " ".join((article.title or result.headline).split())
    return escape(title[:LONGEST_TITLE]) if title else ctx.text("Summary")


def _summary(result: SummaryResult, bullets: bool) -> str:
    said = [escape(" ".join(passage.said.split())) for passage in result.passages]
    if bullets:
        return "\n".join(f"• {each}" for each in said)
    return ("" if result.language == "zh" else " ").join(said)


def _notes(ctx: Context, result: SummaryResult) -> list[str]:
    notes = []
    if result.short:
        notes.append(
            ctx.text("The text is short already: these are all of its sentences that say something.")
        )
    if result.read < WHOLE:
        notes.append(ctx.text("Only the first {share:.0%} of the text were read.", share=result.read))
    if result.kind == "abstractive":
        notes.append(
            ctx.text("In the model's own words: it may say what the article does not. Check the passages.")
        )
    elif not result.short:
        notes.append(ctx.text("Sentences of the article, word for word and in its order."))
    return ["\n".join(f"-# {note}" for note in notes)] if notes else []


def _fields(ctx: Context, article: Article, result: SummaryResult) -> list[Field]:
    fields = []
    if article.site:
        fields.append(Field(ctx.text("Site"), escape(article.site[:100])))
    if article.published:
        fields.append(Field(ctx.text("Published"), escape(article.published[:40])))
    whole = reading_seconds(result.words, result.characters)
    rest = reading_seconds(result.summary_words, result.summary_characters)
    fields.append(
        Field(
            ctx.text("Reading time"),
            ctx.text("{whole} → {rest}", whole=_duration(ctx, whole), rest=_duration(ctx, rest)),
        )
    )
    if whole - rest >= 1:
        fields.append(Field(ctx.text("Time saved"), _duration(ctx, whole - rest)))
    if article.url and not any(c.isspace() or c in "<>" for c in article.url):
        fields.append(Field(ctx.text("Link"), f"<{article.url}>", inline=False))
    return fields


def _duration(ctx: Context, seconds: float) -> str:
    if seconds < 90:
        return ctx.text("{seconds:.0f} s", seconds=max(1.0, seconds))
    return ctx.text("{minutes:.0f} min", minutes=seconds / 60)


def _buttons(ctx: Context, article: Article, result: SummaryResult) -> tuple[Button, ...]:
    kept = f"{result.text}\n\n{article.text}"[:MAX_TEXT]
    score = fmean(passage.score for passage in result.passages) if result.passages else 0.0

    def opinion(label: Literal["good", "bad"], words: str, emoji: str) -> Button:
        arguments = {"text": kept, "label": label, "right": label == "good", "probability": score}
        return Button(label=words, emoji=emoji, command="mark", arguments=arguments)

    return (
        Button(
            label=ctx.text("Show the source passages"),
            emoji="🔎",
            command="sources",
            arguments={
                "passages": pack(cut(article.text, result.passages)),
                "more": len(result.passages) > MOST_PASSAGES,
            },
        ),
        opinion("good", ctx.text("Good summary"), "👍"),
        opinion("bad", ctx.text("Bad summary"), "👎"),
    )


def _passage(ctx: Context, number: int, shown: Shown) -> str:
    """Show a passage in bold among what stands around it."""
    lines = [f"**{number}.** {escape(shown.said)}"] if shown.said else []
    start = "" if shown.said else f"**{number}.** "
    if not shown.quote:
        none = ctx.text("No passage of the article is near to this.")
        return "\n".join([*lines, f"> {none}"])
    if shown.said:
        words = ctx.text("The nearest passage:")
        lines.append(f"-# {words}")
    parts = [escape(shown.before), f"**{escape(shown.quote)}**", escape(shown.after)]
    lines.append(f"> {start}{' '.join(part for part in parts if part)}")
    return "\n".join(lines)
