"""What chat sees of one text: the verdict, the words that push it, and feedback on it."""

from typing import Final, Literal

from plugins.sentiment.model import SentimentModel, SentimentRequest, SentimentResult
from plugins.sentiment.tables import feedback
from shared.charts import Chart, Charts, Highlights
from shared.command import LongText, command
from shared.context import Context
from shared.errors import HearthError
from shared.feedback import feedback_buttons, keep_feedback
from shared.reply import Field, Picture, Reply, Tone, escape

QUOTED: Final = 600
LISTED: Final = 6


@command(menu="Sentiment")
async def read(ctx: Context, text: LongText) -> Reply:
    """Say whether a text is positive or negative, and which words say so

    text: the text to read
    """
    result = await ctx.predict(SentimentModel, SentimentRequest(text))
    title, tone = _title(ctx, result)
    lines = [_quoted(text, result), *_reason(ctx, result)]
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


def percent(probability: float) -> str:
    """Write a probability; no model is certain, so the ends stay open."""
    if probability > 0.999:
        return escape("> 99.9%")
    return escape("< 0.1%") if probability < 0.001 else f"{probability:.1%}"


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


def _quoted(text: str, result: SentimentResult) -> str:
    """Quote the beginning of the text, the words that push it in bold (positive) or underlined (negative)."""
    parts, at = [], 0
    for word in sorted(result.words, key=lambda each: each.start):
        if word.start < at or word.end > QUOTED:
            continue
        sign = "**" if word.weight > 0 else "__"
        parts += [escape(text[at : word.start]), f"{sign}{escape(text[word.start : word.end])}{sign}"]
        at = word.end
    parts.append(escape(text[at:QUOTED]) + (" …" if len(text) > QUOTED else ""))
    return "\n".join(f"> {line}" for line in "".join(parts).splitlines())


async def _picture(ctx: Context, text: str, result: SentimentResult, title: str) -> tuple[Picture, ...]:
    request = Highlights(
        title=title,
        text=text,
        spans=[(word.start, word.end, word.weight) for word in result.words],
        gauge=result.probability,
        gauge_label=ctx.text("Probability of positive"),
        negative_label=ctx.text("negative"),
        positive_label=ctx.text("positive"),
        dark=True,
    )
    try:
        picture = await ctx.predict(Charts, Chart(request))
    except HearthError:
        # The words alone are an answer; a picture that cannot be drawn must not take them away.
        return ()
    words = ctx.text(
        "The text with the words that push it marked; probability of positive {probability:.0%}",
        probability=result.probability,
    )
    return (Picture(picture.png, words, "sentiment.png"),)
