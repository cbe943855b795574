"""What chat sees of the spam plugin: a score with its reasons, feedback on it, and the watch of a channel."""

from typing import Final, Literal

from pydantic import Field as Setting
from pydantic_settings import BaseSettings, SettingsConfigDict

from plugins.spam.model import SpamModel, SpamRequest, SpamResult
from plugins.spam.tables import feedback
from shared.charts import Chart, Highlights
from shared.command import LongText, command
from shared.context import Context
from shared.feedback import feedback_buttons, keep_feedback
from shared.marked import Weighted, percent, quoted
from shared.pictured import pictured
from shared.reply import Button, Field, Picture, Reply, escape

FEW_KNOWN: Final = 0.4
"""Below this share of known words the verdict is a guess, and the reply says so."""


class SpamSettings(BaseSettings):
    """Settings of the plugin, read under `HEARTH_SPAM_`."""

    model_config = SettingsConfigDict(frozen=True)

    watch_threshold: float = Setting(default=0.9, ge=0.5, le=1.0)
    """From which probability on a watched message is answered."""


@command(menu="Spam score")
async def score(ctx: Context, text: LongText) -> Reply:
    """Say how likely a message is spam, and which words say so

    text: the message to score
    """
    verdict = await ctx.predict(SpamModel, SpamRequest(text))
    return await _reply(ctx, text, verdict)


@command(hidden=True, private=True)
async def mark(
    ctx: Context, text: LongText, label: Literal["spam", "ham"], right: bool, probability: float
) -> Reply:
    """Keep a person's word on a verdict

    text: the message that was scored
    label: what the person says that it is
    right: whether the verdict was right
    probability: what the model said
    """
    return await keep_feedback(ctx, feedback, text, label, right, probability)


@command(permission="manage_guild", private=True)
async def watch(ctx: Context, state: Literal["on", "off"]) -> Reply:
    """Look at every message of this channel, and answer those that read like spam

    state: on or off
    """
    await ctx.watch(state == "on")
    if state == "on":
        return Reply(text=ctx.text("From now on, spam in this channel is pointed out."), tone="good")
    return Reply(text=ctx.text("This channel is not watched any more."), tone="good")


async def look(ctx: Context, text: str) -> Reply | None:
    """Answer a watched message where it reads like spam."""
    verdict = await ctx.predict(SpamModel, SpamRequest(text), bulk=True)
    if verdict.probability < ctx.settings.watch_threshold or verdict.known < FEW_KNOWN:
        return None
    words = ctx.text("This reads like spam ({probability:.0%}).", probability=verdict.probability)
    return Reply(text=f"⚠️ {words}", tone="bad", buttons=_buttons(ctx, text, verdict))


async def _reply(ctx: Context, text: str, verdict: SpamResult) -> Reply:
    guess = verdict.known < FEW_KNOWN
    title = ctx.text("Likely spam") if verdict.spam else ctx.text("Looks fine")
    lines = [quoted(text, _spans(verdict))]
    if guess:
        lines.append(
            ctx.text(
                "⚠️ The model learned from English text messages and knows few of these words: a guess at best."
            )
        )
    fields = [Field(ctx.text("Probability of spam"), percent(verdict.probability))]
    for name, words in (
        (ctx.text("Speak for spam"), [w.word for w in verdict.words if w.weight > 0]),
        (ctx.text("Speak against"), [w.word for w in verdict.words if w.weight < 0]),
    ):
        if words:
            fields.append(Field(name, ", ".join(escape(word) for word in words[:6])))
    return Reply(
        title=f"{'🚫' if verdict.spam else '✅'} {title}",
        text="\n\n".join(lines),
        tone="unsure" if guess else "bad" if verdict.spam else "good",
        fields=tuple(fields),
        pictures=await _picture(ctx, text, verdict, title),
        buttons=_buttons(ctx, text, verdict),
        source=await ctx.source(SpamModel),
    )


def _buttons(ctx: Context, text: str, verdict: SpamResult) -> tuple[Button, ...]:
    said, other = ("spam", "ham") if verdict.spam else ("ham", "spam")
    return feedback_buttons(ctx, text, said, verdict.probability, [(other, "")])


def _spans(verdict: SpamResult) -> list[Weighted]:
    return [(word.start, word.end, word.weight) for word in verdict.words]


async def _picture(ctx: Context, text: str, verdict: SpamResult, title: str) -> tuple[Picture, ...]:
    request = Highlights(
        title=title,
        text=text,
        spans=_spans(verdict),
        gauge=verdict.probability,
        gauge_label=ctx.text("Probability of spam"),
        negative_label=ctx.text("not spam"),
        positive_label=ctx.text("spam"),
        dark=True,
    )
    alt = ctx.text(
        "The message with the words that push it marked; probability of spam {probability:.0%}",
        probability=verdict.probability,
    )
    return await pictured(ctx, Chart(request), alt, "spam.png")
