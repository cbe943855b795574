"""The news of a training: what was learned from, before and after, what the gate said, and how to go back."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import structlog
from sqlalchemy import select

from schedules.retrain_book import Training
from shared.charts import Bars, Chart, Lines
from shared.context import JobContext
from shared.errors import HearthError, Refusal
from shared.learning import ENOUGH, LeftOut
from shared.manifest import Judgement
from shared.model import Interval, Report
from shared.pictured import pictured
from shared.reply import Field, Picture, Reply, escape
from shared.settings import Settings
from shared.store import Store
from shared.tables import news
from shared.texts import CORE

SHOWN: Final = ("accuracy", "macro_f1", "f1_macro", "f1", "precision", "recall", "roc_auc")
"""Metrics that people know, the first ones first; where a model has none of them, its own."""
MOST: Final = 4
MOST_STEPS: Final = 200
STARTER: Final = "starter.csv"
log = structlog.get_logger("hearth.retrain")


@dataclass(frozen=True)
class Result:
    """A training with what the store has of it; both None where no version came of it."""

    training: Training
    judgement: Judgement | None
    report: Report | None


async def tell(ctx: JobContext, training: Training) -> None:
    """Post the news to every channel that wants it; one that is gone does not keep it from the others."""
    found = await asyncio.to_thread(_read, ctx.settings, training)
    for channel, locale in await channels(ctx):
        there = replace(ctx, locale=locale, plugin=CORE)
        try:
            await there.post(await news_of(there, found), channel)
        except Refusal as error:
            log.warning("news not posted", channel=channel, reason=str(error))


async def channels(ctx: JobContext) -> list[tuple[int, str]]:
    """Return the channels that hear of trainings, each with its locale, the first subscribed first."""
    query = select(news.c.channel_id, news.c.locale).order_by(news.c.created_ms, news.c.channel_id)
    rows = await ctx.database.transact(lambda connection: connection.execute(query).all())
    found = [(row.channel_id, row.locale) for row in rows]
    settings: Settings = ctx.settings
    if settings.news_channel is not None and settings.news_channel not in dict(found):
        found.insert(0, (settings.news_channel, settings.news_locale))
    return found


async def news_of(ctx: JobContext, found: Result) -> Reply:
    """Write the post, in the language of `ctx`."""
    training, judgement = found.training, found.judgement
    name = escape(training.model)
    passed = judgement is not None and judgement.passed
    title = (
        ctx.text("{model}: a new version answers", model=name)
        if passed
        else ctx.text("{model}: the old version stays", model=name)
    )
    lines = [_verdict(ctx, training, judgement)]
    if judgement is not None and judgement.difference is not None:
        lines.append(
            ctx.text(
                "Mean loss differs by {difference:+.4f} "
                "(95% interval {low:+.4f} to {high:+.4f}; below zero is better).",
                difference=judgement.difference,
                low=judgement.low,
                high=judgement.high,
            )
        )
    if training.version is not None:
        lines.append(
            ctx.text("/models history shows every version, /models rollback goes back (the bot's owner may).")
        )
    if training.base_name == STARTER:
        note = ctx.text(
            "Started from and judged on the small set that ships. "
            "With data of your own (HEARTH_TRAINING) both are worth more."
        )
        lines.append(f"-# {note}")
    return Reply(
        title=f"{'🎓' if passed else '🛡️' if judgement else '⚠️'} {title}",
        text="\n".join(lines),
        tone="good" if passed else "neutral" if judgement else "bad",
        fields=(*_metrics(ctx, judgement), *_material(ctx, training)),
        pictures=await _picture(ctx, found, title),
        source=f"{training.model} · {training.version}" if training.version else None,
    )


def _verdict(ctx: JobContext, training: Training, judgement: Judgement | None) -> str:
    match judgement:
        case None:
            reason = escape(training.reason)
            return ctx.text("A training from feedback came to nothing: {reason}", reason=reason)
        case Judgement(difference=None):
            return ctx.text("The gate says: {reason}.", reason=escape(judgement.reason))
        case Judgement(passed=True):
            return ctx.text(
                "It learned from what people said of its answers. On {rows} held-out rows it is not worse than "
                "{against}, so the gate let it through.",
                rows=judgement.rows,
                against=escape(judgement.against or ""),
            )
    if judgement.rows < ENOUGH:
        return ctx.text(
            "A version was trained from what people said. It could be judged on {rows} held-out rows only, too few to "
            "let it replace {against} by itself.",
            rows=judgement.rows,
            against=escape(judgement.against or ""),
        )
    return ctx.text(
        "What was trained from what people said is worse than {against} on {rows} held-out rows, so the gate did not "
        "let it through.",
        rows=judgement.rows,
        against=escape(judgement.against or ""),
    )


def _metrics(ctx: JobContext, judgement: Judgement | None) -> list[Field]:
    """Show before and after, each with its interval and the number of rows."""
    if judgement is None:
        return []
    fields = []
    for name in shown(judgement.metrics):
        lines = []
        new = _figure(judgement.metrics[name])
        if name in judgement.rival:
            old = _figure(judgement.rival[name])
            lines.append(
                ctx.text("before: {figure}", figure=old)
                if judgement.passed
                else ctx.text("answers: {figure}", figure=old)
            )
        lines.append(
            ctx.text("after: {figure}", figure=new)
            if judgement.passed
            else ctx.text("refused: {figure}", figure=new)
        )
        fields.append(Field(f"{escape(name)} (n = {judgement.rows})", "\n".join(lines)))
    return fields


def _material(ctx: JobContext, training: Training) -> list[Field]:
    material = ctx.text(
        "{base} rows of {name}, and {texts} texts that {people} people agree on",
        base=training.base_rows,
        name=escape(training.base_name),
        texts=training.feedback_rows,
        people=training.people,
    )
    fields = [Field(ctx.text("Learned from"), material, inline=False)]
    if lines := left_out(ctx, training.left_out, training.people_left_out):
        fields.append(Field(ctx.text("Left out"), "\n".join(lines), inline=False))
    return fields


def left_out(ctx: JobContext, counts: LeftOut, people: int) -> list[str]:
    """Say how much feedback did not count, and why."""
    reasons = [
        (
            counts.distrusted,
            ctx.plural(
                "{votes} votes of one person who contradicts trusted labels too often",
                "{votes} votes of {count} people who contradict trusted labels too often",
                people,
                votes=counts.distrusted,
            ),
        ),
        (counts.disputed, ctx.text("{count} texts on which people disagree", count=counts.disputed)),
        (counts.alone, ctx.text("{count} texts on which one person alone has spoken", count=counts.alone)),
        (
            counts.bounded,
            ctx.text("{count} texts beyond what one person may give to a training", count=counts.bounded),
        ),
        (counts.repeated, ctx.text("{count} votes on the same text again", count=counts.repeated)),
        (counts.known, ctx.text("{count} texts that the base has already", count=counts.known)),
        (counts.untaught, ctx.text("{count} votes for what the model does not learn", count=counts.untaught)),
    ]
    return [words for count, words in reasons if count]


def shown(metrics: Mapping[str, Interval]) -> list[str]:
    """Return the names of the metrics that are shown."""
    return ([name for name in SHOWN if name in metrics] or list(metrics))[:MOST]


async def _picture(ctx: JobContext, found: Result, title: str) -> tuple[Picture, ...]:
    """Draw the loss curves where the model gives them, else before and after side by side."""
    curves = curves_of(found.report)
    if curves:
        steps = max(map(len, curves.values()))
        lines = Lines(
            title=title,
            steps=[str(step + 1) for step in range(steps)],
            labels=list(curves),
            values=[[*values, *[None] * (steps - len(values))] for values in curves.values()],
            percent=False,
        )
        return await pictured(ctx, Chart(lines), ctx.text("Loss over the course of the training"), "loss.png")
    judgement = found.judgement
    names = [n for n in shown(judgement.metrics) if n in judgement.rival] if judgement else []
    if judgement is None or not names:
        return ()
    new = ctx.text("after") if judgement.passed else ctx.text("refused")
    old = ctx.text("before") if judgement.passed else ctx.text("answers")
    pairs = [(new, judgement.metrics), (old, judgement.rival)]
    bars = Bars(
        title=title,
        labels=[f"{name} · {words}" for name in names for words, _ in pairs],
        values=[min(1.0, max(0.0, metrics[name].value)) for name in names for _, metrics in pairs],
    )
    alt = ctx.text("Before and after, for each figure")
    return await pictured(ctx, Chart(bars), alt, "before-after.png")


def curves_of(report: Report | None) -> dict[str, list[float | None]]:
    """Return what a report holds under `details["curves"]`: name to losses, one a step; thinned where they are many."""
    found: Any = report.details.get("curves") if report else None
    if not isinstance(found, dict):
        return {}
    curves: dict[str, list[float | None]] = {}
    for name, values in list(found.items())[:8]:
        if isinstance(values, list) and values and all(isinstance(v, int | float) for v in values):
            every = -(-len(values) // MOST_STEPS)
            curves[str(name)[:40]] = [float(value) for value in values[::every]]
    return curves


def _figure(each: Interval) -> str:
    return f"{each.value:.3f} ({each.low:.3f}–{each.high:.3f})"


def _read(settings: Settings, training: Training) -> Result:
    if training.version is None:
        return Result(training, None, None)
    store = Store(settings.models_dir)
    try:
        judgements = store.judgements(training.model, training.version)
        report = store.report(training.model, training.version)
    except HearthError:
        return Result(training, None, None)
    return Result(training, judgements[-1] if judgements else None, report)
