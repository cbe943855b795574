"""`/lesson metrics`: how good predictions are, by which figure to judge them, and what always guessing scores."""

import math
from typing import Annotated, Final

from plugins.lesson.metrics_saying import formula, limits, named, notes, percent, preferred, seen
from plugins.lesson.metrics_table import Judged, judged
from plugins.lesson.scores import Costlier, CurveWords, Scored, Scores, ScoresRequest, ScoresResult
from shared.charts import Chart, Charts, ConfusionMatrix, Drawn
from shared.command import Range, Table, command
from shared.context import Context
from shared.errors import BadInput
from shared.model import Interval
from shared.reply import Field, Picture, Reply, Tone, escape
from shared.texts import Text, joined

Count = Annotated[int, Range(0, 1_000_000_000)]
Column = Annotated[str, Range(1, 60)]
CLASSES: Final = 8
"""Classes that are shown one by one at most, the worst first."""


@command()
async def metrics(
    ctx: Context,
    table: Table | None = None,
    costlier: Costlier = "equal",
    positive: Column | None = None,
    truth: Column | None = None,
    prediction: Column | None = None,
    score: Column | None = None,
    tp: Count | None = None,
    fp: Count | None = None,
    fn: Count | None = None,
    tn: Count | None = None,
) -> Reply:
    """Judge predictions: accuracy, precision, recall, F1, curves, and which of them to go by

    table: a CSV with columns truth and prediction, and score where there is one
    costlier: which mistake costs more
    positive: the label that is to be found, such as spam
    truth: name or number of the column of what is true
    prediction: name or number of the column of what was predicted
    score: name or number of the column of scores or probabilities
    tp: instead of a table: rightly found
    fp: instead of a table: false alarms
    fn: instead of a table: missed
    tn: instead of a table: rightly left alone
    """
    if table is not None:
        if any(count is not None for count in (tp, fp, fn, tn)):
            raise BadInput("Send either a table or the four counts, not both.")
        found = judged(table, truth, prediction, score, positive)
    else:
        found = _typed(ctx, tp, fp, fn, tn)
    ctx.progress(0.1, ctx.text("computing and drawing"))
    scored = (
        Scored(positive=list(found.is_positive), score=list(found.score), words=_curve_words(ctx))
        if found.score and 0 < sum(found.is_positive) < len(found.is_positive)
        else None
    )
    result = await ctx.predict(
        Scores,
        ScoresRequest(counts=found.counts, positive=found.positive, costlier=costlier, scored=scored),
    )
    title = ctx.text("How good the predictions are")
    drawn = await ctx.predict(
        Charts,
        Chart(
            ConfusionMatrix(
                title=ctx.text("Truth against prediction"),
                labels=list(found.labels),
                counts=found.counts,
                truth_label=ctx.text("truth"),
                prediction_label=ctx.text("prediction"),
                dark=True,
            )
        ),
    )
    remarks = [*notes(ctx, found, result), formula(ctx, result) if found.positive is not None else ""]
    sentences = joined((seen(ctx, found, result), preferred(ctx, found, result), limits(ctx, result)))
    return Reply(
        title=title,
        text="\n\n".join([sentences, *(remark for remark in remarks if remark)]),
        tone=_tone(result),
        fields=_two_fields(ctx, found, result)
        if found.positive is not None
        else _many_fields(ctx, found, result),
        pictures=_pictures(ctx, found, result, drawn),
    )


def _tone(result: ScoresResult) -> Tone:
    """Tell better than any constant answer, whatever labels are common, from what may be chance."""
    balanced, constant = result.figures["balanced_accuracy"], result.baseline["balanced_accuracy"]
    return "good" if balanced.low > constant else "unsure" if balanced.value > constant else "bad"


def _typed(ctx: Context, tp: int | None, fp: int | None, fn: int | None, tn: int | None) -> Judged:
    if tp is None or fp is None or fn is None or tn is None:
        raise BadInput(
            "Send a CSV with columns truth and prediction, or all four counts: tp (rightly found), fp (false "
            "alarms), fn (missed) and tn (rightly left alone)."
        )
    if not tp + fp + fn + tn:
        raise BadInput("All four counts are 0: there is nothing to judge.")
    if not tp + fn or not fp + tn:
        raise BadInput(
            "All rows are truly {label}: rows of another label are needed too, to see whether they are told apart.",
            label=Text("positive") if tp + fn else Text("negative"),
        )
    return Judged(
        labels=(ctx.text("negative"), ctx.text("positive")), counts=[[tn, fp], [fn, tp]], positive=1
    )


def _curve_words(ctx: Context) -> CurveWords:
    return CurveWords(
        roc=ctx.text("ROC, area {area}", area="{area}"),
        pr=ctx.text("Precision and recall, area {area}", area="{area}"),
        false_alarms=ctx.text("false alarms among the negative"),
        recall=ctx.text("recall"),
        precision=ctx.text("precision"),
        chance=ctx.text("guessing"),
        chosen=ctx.text("best threshold"),
    )


def _two_fields(ctx: Context, found: Judged, result: ScoresResult) -> tuple[Field, ...]:
    names = ["accuracy", "precision", "recall", "f1", "balanced_accuracy"]
    names += [result.recommended] if result.recommended not in names else []
    fields = [_field(ctx, named(ctx, name), result.figures[name], result.baseline[name]) for name in names]
    if (curves := result.curves) is not None:
        fields += [
            _field(ctx, ctx.text("Area under ROC"), curves.roc_auc, 0.5, guessed=True),
            _field(
                ctx, ctx.text("Average precision"), curves.average_precision,
                sum(found.counts[1]) / sum(map(sum, found.counts)), guessed=True,
            ),
            Field(
                ctx.text("Best threshold"),
                ctx.text("{at:.4g}, for {figure}", at=curves.best.at, figure=named(ctx, curves.best.figure)),
            ),
        ]  # fmt: skip
    return tuple(fields)


def _many_fields(ctx: Context, found: Judged, result: ScoresResult) -> tuple[Field, ...]:
    fields = [_field(ctx, named(ctx, "accuracy"), result.figures["accuracy"], result.baseline["accuracy"])]
    for kind, name in (
        ("macro", ctx.text("Macro: all classes alike")),
        ("micro", ctx.text("Micro: all rows alike")),
        ("weighted", ctx.text("Weighted by rows")),
    ):
        lines = [
            f"{named(ctx, part)} {_between(ctx, result.figures[f'{kind}_{part}'])}"
            for part in ("precision", "recall", "f1")
        ]
        lines.append(ctx.text("always the commonest: F1 {value:.1%}", value=result.baseline[f"{kind}_f1"]))
        fields.append(Field(name, "\n".join(lines)))
    # One that is not defined was neither there nor said, and is not among them.
    worst = sorted(range(len(found.labels)), key=lambda at: (result.classes[at].f1, at))[:CLASSES]
    each = [
        ctx.text(
            "{label}: precision {precision}, recall {recall}, F1 {f1} ({rows:,} rows)",
            label=escape(found.labels[at][:30]), rows=result.classes[at].rows,
            **{
                name: percent(ctx, getattr(result.classes[at], name)) for name in ("precision", "recall", "f1")
            },
        )
        for at in worst
    ]  # fmt: skip
    fields.append(Field(ctx.text("Class by class, the worst first"), "\n".join(each)[:1000], inline=False))
    return tuple(fields)


def _field(ctx: Context, name: str, figure: Interval, baseline: float, *, guessed: bool = False) -> Field:
    value = percent(ctx, baseline)
    beside = (
        ctx.text("guessing: {value}", value=value)
        if guessed
        else ctx.text("always the commonest: {value}", value=value)
    )
    return Field(name, f"{_between(ctx, figure)}\n{beside}")


def _between(ctx: Context, figure: Interval) -> str:
    if math.isnan(figure.value):
        return ctx.text("not defined: 0 of 0")
    if math.isnan(figure.low):
        return f"{figure.value:.1%}"
    return f"**{figure.value:.1%}** ({figure.low:.1%}–{figure.high:.1%})"


def _pictures(ctx: Context, found: Judged, result: ScoresResult, drawn: Drawn) -> tuple[Picture, ...]:
    if found.positive is not None:
        (tn, fp), (fn, tp) = found.counts
        alt = ctx.text(
            "A table of truth against prediction: {tp:,} rightly found, {fp:,} false alarms, {fn:,} missed, {tn:,} "
            "rightly left alone.",
            tp=tp, fp=fp, fn=fn, tn=tn,
        )  # fmt: skip
    else:
        alt = ctx.text(
            "A table of truth against prediction of {count} classes: {right:,} of {whole:,} rows on its diagonal.",
            count=len(found.labels), right=sum(row[at] for at, row in enumerate(found.counts)),
            whole=sum(map(sum, found.counts)),
        )  # fmt: skip
    pictures = [Picture(drawn.png, alt, "confusion.png")]
    if (curves := result.curves) is not None:
        alt = ctx.text(
            "Two curves: recall against false alarms, with an area of {roc:.3f} below it, and precision against "
            "recall, with {pr:.3f}; the best threshold, {at:.4g}, is marked on both.",
            roc=curves.roc_auc.value, pr=curves.average_precision.value, at=curves.best.at,
        )  # fmt: skip
        pictures.append(Picture(curves.png, alt, "curves.png"))
    return tuple(pictures)
