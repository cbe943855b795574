"""What chat sees of one text: the verdict, the words that push it, and feedback on it."""

from typing import Final, Literal

from plugins.sentiment.model import SentimentModel, SentimentRequest, SentimentResult
from plugins.sentiment.tables import feedback
from shared.charts import Chart, Highlights
from shared.command import LongText, command
from shared.context import Context
from shared.feedback import feedback_buttons, keep_feedback
from shared.marked import Weighted, percent, quoted
from shared.pictured import pictured
from shared.reply import Field, Picture, Reply, Tone, escape

LISTED: Final = 6


@command(menu="Sentiment")
async def read(ctx: Context, text: LongText) -> Reply:
    """Say whether a text is positive or negative, and which words say so

    text: the text to read
    """
    result = await ctx.predict(SentimentModel, SentimentRequest(text))
    title, tone = _title(ctx, result)
    lines = [quoted(text, _spans(result)), *_reason(ctx, result)]
    fields = [Field(ctx.text("Probability of positive"), percent(result.probability))]
    for name, words in (
        (ctx.text("Speak for positive"), [word.word for word in result.words if word.weight > 0]),
        (ctx.text("Speak for negative"), [word.word for word in result.words if word.weight < 0]),
    ):
        if words:
            fields.append(Field(name, ", ".join(escape(word) for word in dict.fromkeys(words[:LISTED]))))
    labels = {
        "positive": ctx.text("It is positive"),
        "negative": ctx.text("It is negative"),
        "mixed": ctx.text("It is mixed"),
    }
    said = "mixed" if result.verdict == "unclear" else result.verdict
    others = [(label, words) for label, words in labels.items() if label != said]
    return Reply(
        title=title,
        text="\n\n".join(lines),
        tone=tone,
        fields=tuple(fields),
        pictures=await _picture(ctx, text, result, title),
        buttons=feedback_buttons(ctx, text, said, result.probability, others),
        source=await ctx.source(SentimentModel),
    )


@command(hidden=True, private=True)
async def mark(
    ctx: Context,
    text: LongText,
    label: Literal["positive", "negative", "mixed"],
    right: bool,
    probability: float,
) -> Reply:
    """Keep a person's word on a verdict

    text: the text that was read
    label: what the person says that it is
    right: whether the verdict was right
    probability: what the model said
    """
    return await keep_feedback(ctx, feedback, text, label, right, probability)


def _title(ctx: Context, result: SentimentResult) -> tuple[str, Tone]:
    match result.verdict, result.reason:
        case "positive", _:
            return "😊 " + ctx.text("Positive"), "good"
        case "negative", _:
            return "🙁 " + ctx.text("Negative"), "bad"
        case _, "mixed":
            return "🎭 " + ctx.text("Mixed"), "unsure"
        case _:
            return "🤔 " + ctx.text("Unclear"), "unsure"


def _reason(ctx: Context, result: SentimentResult) -> list[str]:
    lines = []
    match result.reason:
        case "mixed":
            lines.append(ctx.text("Some words speak strongly for positive, others for negative."))
        case "unsure":
            lines.append(ctx.text("Its words say little about whether it is positive or negative."))
        case "unknown":
            lines.append(
                ctx.text("⚠️ The model learned from English and Chinese reviews and knows few of these words.")
            )
    if not result.exact and result.words:
        lines.append("-# " + ctx.text("A word's weight is what the verdict loses without it."))
    return lines


def _spans(result: SentimentResult) -> list[Weighted]:
    return [(word.start, word.end, word.weight) for word in result.words]


async def _picture(ctx: Context, text: str, result: SentimentResult, title: str) -> tuple[Picture, ...]:
    request = Highlights(
        title=title,
        text=text,
        spans=_spans(result),
        gauge=result.probability,
        gauge_label=ctx.text("Probability of positive"),
        negative_label=ctx.text("negative"),
        positive_label=ctx.text("positive"),
        dark=True,
    )
    alt = ctx.text(
        "The text with the words that push it marked; probability of positive {probability:.0%}",
        probability=result.probability,
    )
    return await pictured(ctx, Chart(request), alt, "sentiment.png")
