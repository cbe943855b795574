"""What chat sees of the fact plugin: how a text reads, the phrases behind it, what to check, and feedback."""

import textwrap
from dataclasses import replace
from typing import Final, Literal

from plugins.fact.advice import advice
from plugins.fact.features import MOST
from plugins.fact.model import FactModel, FactRequest, FactResult, Phrase
from plugins.fact.tables import feedback
from shared.charts import Chart, Highlights
from shared.command import Article, LongText, command
from shared.context import Context
from shared.feedback import feedback_buttons, keep_feedback
from shared.pictured import pictured
from shared.reply import Button, Field, Picture, Reply, escape

SHOWN: Final = 6
LONGEST_PHRASE: Final = 60


@command(menu="Check this news")
async def check(ctx: Context, article: Article) -> Reply:
    """Say how a news text reads, like unreliable ones or like reliable ones, and what to check in it

    article: the news: a text, its address, or a file
    """
    text = whole(article)
    result = await ctx.predict(FactModel, FactRequest(text))
    heading = ctx.text("What to check yourself")
    style = ctx.text("This judges how a text is written, not whether it is true.")
    title = _title(ctx, result)
    return Reply(
        title=f"🔎 {title}",
        text=f"{_explanation(ctx, result)}\n\n**{heading}**\n{advice(ctx, text)}\n\n-# {style}",
        # Neither colour of a verdict: style says nothing of truth.
        tone="neutral" if result.verdict != "none" else "unsure",
        fields=(*_origin(ctx, article), *_fields(ctx, result)),
        pictures=await _picture(ctx, text, result, title),
        buttons=_buttons(ctx, text, result),
        source=await ctx.source(FactModel),
    )


@command(hidden=True, private=True)
async def mark(
    ctx: Context, text: LongText, label: Literal["fake", "real"], right: bool, probability: float
) -> Reply:
    """Keep a person's word on a verdict

    text: the text that was read
    label: what the person knows of it
    right: whether the verdict was right
    probability: what the model said
    """
    reply = await keep_feedback(ctx, feedback, text, label, right, probability)
    known = ctx.text("unreliable") if label == "fake" else ctx.text("reliable")
    thanks = ctx.text("Thank you. Noted: {label}.", label=known)
    return replace(reply, text="\n".join([thanks, *reply.text.splitlines()[1:]]))


def whole(article: Article) -> str:
    """Return the text with its title before it, as the model learned articles."""
    title = (article.title or "").strip()
    if title and not article.text.lstrip().startswith(title):
        return f"{title}\n\n{article.text}"[:MOST]
    return article.text[:MOST]


def _title(ctx: Context, result: FactResult) -> str:
    match result.verdict:
        case "unreliable":
            return ctx.text("Reads like unreliable posts")
        case "reliable":
            return ctx.text("Reads like reliable reporting")
        case _:
            return ctx.text("No verdict")


def _explanation(ctx: Context, result: FactResult) -> str:
    match result.reason:
        case "language":
            return ctx.text(
                "I have only learned English posts and articles, so I say nothing of how this reads."
            )
        case "short":
            return ctx.text("These are too few English words to tell how they read.")
        case "unlike":
            return ctx.text(
                "This is unlike the texts that I learned from, so what I would say of it is worth nothing."
            )
        case "grey":
            return ctx.text(
                "It reads as much like the one as like the other: {probability:.0%} unreliable.",
                probability=result.probability,
            )
    lines = [
        ctx.text(
            "Of texts that read like this one, {probability} were unreliable, among those that I learned from.",
            probability=_percent(result.probability),
        )
    ]
    if result.familiarity is None:
        lines.append(
            ctx.text("This model cannot tell whether the text is unlike those that it learned from.")
        )
    elif result.familiarity < 0.15:
        lines.append(ctx.text("It is rather unlike them, so take this with caution."))
    return "\n".join(lines)


def _fields(ctx: Context, result: FactResult) -> list[Field]:
    if result.reason not in ("", "grey"):
        return []
    fields = [Field(ctx.text("Probability of unreliable"), _percent(result.probability))]
    for name, phrases in (
        (ctx.text("Read like unreliable"), [p for p in result.phrases if p.weight > 0]),
        (ctx.text("Read like reliable"), [p for p in result.phrases if p.weight < 0]),
    ):
        if phrases:
            fields.append(Field(name, _joined(phrases)))
    return fields


def _joined(phrases: list[Phrase]) -> str:
    words = dict.fromkeys(
        textwrap.shorten(phrase.text, LONGEST_PHRASE, placeholder=" …") for phrase in phrases
    )
    return ", ".join(escape(word) for word in list(words)[:SHOWN])


def _origin(ctx: Context, article: Article) -> list[Field]:
    """Name the site and the date that the page itself states."""
    fields = []
    if site := article.site or article.url:
        fields.append(Field(ctx.text("Site"), escape(site[:100])))
    if article.url is not None or article.published:
        stated = escape(article.published[:40]) if article.published else ctx.text("not stated")
        fields.append(Field(ctx.text("Published"), stated))
    return fields


def _percent(probability: float) -> str:
    """Write a probability; no model is certain, so the ends stay open."""
    if probability > 0.99:
        return escape("> 99%")
    return escape("< 1%") if probability < 0.01 else f"{probability:.0%}"


def _buttons(ctx: Context, text: str, result: FactResult) -> tuple[Button, ...]:
    """Ask what the person knows of the text."""
    words = [("real", ctx.text("I know: reliable")), ("fake", ctx.text("I know: unreliable"))]
    said = "fake" if result.probability >= 0.5 else "real"
    # The first says "right": of a style, nobody can know that.
    return feedback_buttons(ctx, text, said, result.probability, words)[1:]


async def _picture(ctx: Context, text: str, result: FactResult, title: str) -> tuple[Picture, ...]:
    if result.reason not in ("", "grey") or not result.phrases:
        return ()
    request = Highlights(
        title=title,
        text=text,
        spans=[(p.start, p.end, p.weight) for p in result.phrases],
        gauge=result.probability,
        gauge_label=ctx.text("Probability of unreliable"),
        negative_label=ctx.text("reads reliable"),
        positive_label=ctx.text("reads unreliable"),
        dark=True,
    )
    alt = ctx.text(
        "The text with the phrases behind the answer marked; probability of unreliable {probability:.0%}",
        probability=result.probability,
    )
    return await pictured(ctx, Chart(request), alt, "fact.png")
