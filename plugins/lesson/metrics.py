"""`/lesson metrics`: how good predictions are, by which figure to judge them, and what always guessing scores."""

import math
from typing import Annotated, Final

from plugins.lesson.metrics_table import Judged, judged
from plugins.lesson.scores import Costlier, CurveWords, Scored, Scores, ScoresRequest, ScoresResult
from shared.charts import Chart, Charts, ConfusionMatrix, Drawn
from shared.command import Range, Table, command
from shared.context import Context
from shared.errors import BadInput
from shared.model import Interval
from shared.reply import Field, Picture, Reply, escape
from shared.texts import Text, joined

Count = Annotated[int, Range(0, 1_000_000_000)]
Column = Annotated[str, Range(1, 60)]
FEW: Final = 30
"""Rows below which intervals are hardly worth their name."""
FEW_OF_CLASS: Final = 10
"""The same of a single class."""
APART: Final = 0.001
"""From which difference on two means of precision and recall are shown beside each other."""
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
    accuracy = result.figures["accuracy"].value
    notes = [*_notes(ctx, found, result), _formula(ctx, result) if found.positive is not None else ""]
    sentences = joined((_seen(ctx, found, result), _prefer(ctx, found, result), _limits(ctx, result)))
    return Reply(
        title=title,
        text="\n\n".join([sentences, *(note for note in notes if note)]),
        tone="good" if accuracy > result.baseline["accuracy"] else "bad",
        fields=_two_fields(ctx, found, result)
        if found.positive is not None
        else _many_fields(ctx, found, result),
        pictures=_pictures(ctx, found, result, drawn),
    )


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


def _seen(ctx: Context, found: Judged, result: ScoresResult) -> str:
    whole = sum(map(sum, found.counts))
    right = sum(row[at] for at, row in enumerate(found.counts))
    accuracy = result.figures["accuracy"]
    return ctx.text(
        "Of {count:,} rows {right:,} are right: accuracy {accuracy:.1%} (95% interval {low:.1%} to {high:.1%}), where "
        "answering {label} always would be right in {baseline:.1%}.",
        count=whole, right=right, accuracy=accuracy.value, low=accuracy.low, high=accuracy.high,
        label=escape(found.labels[result.common]), baseline=result.baseline["accuracy"],
    )  # fmt: skip


def _prefer(ctx: Context, found: Judged, result: ScoresResult) -> str:
    said = _prefer_many(ctx, result) if found.positive is None else _prefer_two(ctx, found, result)
    if result.curves is None:
        return said
    best = result.curves.best
    more = ctx.text(
        "On these rows {figure} is highest, {value:.1%}, where {label} is said from a score of {at:.4g} on: {misses:,} "
        "misses and {alarms:,} false alarms.",
        figure=_named(ctx, best.figure), value=best.value, label=escape(found.labels[1]), at=best.at,
        misses=best.fn, alarms=best.fp,
    )  # fmt: skip
    return joined((said, more))


def _prefer_two(ctx: Context, found: Judged, result: ScoresResult) -> str:
    figures, label = result.figures, escape(found.labels[1])
    (_, fp), (fn, tp) = found.counts
    match result.recommended:
        case "f2":
            return ctx.text(
                "Misses cost more, so go by recall: of {count:,} that are {label}, {missed:,} are missed; and by F2 "
                "({value}), which weighs recall twice as much as precision, since recall alone is won by always "
                "saying {label}.",
                count=fn + tp,
                label=label,
                missed=fn,
                value=_percent(ctx, figures["f2"].value),
            )
        case "f0.5":
            return ctx.text(
                "False alarms cost more, so go by precision: of {count:,} that are called {label}, {alarms:,} are not; "
                "and by F0.5 ({value}), which weighs precision twice as much as recall, since precision alone is won "
                "by saying {label} only once, when surest.",
                count=fp + tp,
                label=label,
                alarms=fp,
                value=_percent(ctx, figures["f0.5"].value),
            )
        case "f1":
            return ctx.text(
                "{share:.0%} of the rows are {common}, so accuracy flatters whoever says so always: go by F1 of "
                "{label} ({value}), which does not count what is rightly left alone, or by balanced accuracy "
                "({balanced}), which is 50% for any constant answer.",
                share=result.share,
                common=escape(found.labels[result.common]),
                label=label,
                value=_percent(ctx, figures["f1"].value),
                balanced=_percent(ctx, figures["balanced_accuracy"].value),
            )
    return ctx.text(
        "Both labels are about as common and both mistakes cost the same, so accuracy is a fair figure to go by; were "
        "one of them rare, or one mistake dearer, it would not be."
    )


def _prefer_many(ctx: Context, result: ScoresResult) -> str:
    value = _percent(ctx, result.figures[result.recommended].value)
    match result.recommended:
        case "macro_recall":
            return ctx.text(
                "Misses cost more, so go by macro recall ({value}): what share of each class is found, every class "
                "counting the same, however rare.",
                value=value,
            )
        case "macro_precision":
            return ctx.text(
                "False alarms cost more, so go by macro precision ({value}): what share of each answer is right, every "
                "class counting the same, however rare.",
                value=value,
            )
        case "macro_f1":
            return ctx.text(
                "One class has {share:.0%} of the rows, so accuracy, micro and weighted means flatter whoever knows "
                "that one: go by macro F1 ({value}), in which every class counts the same, however rare.",
                share=result.share,
                value=value,
            )
    return ctx.text(
        "The classes are about as common and all mistakes cost the same, so accuracy is a fair figure to go by; macro "
        "means give a rare class the same say as a common one."
    )


def _limits(ctx: Context, result: ScoresResult) -> str:
    if result.curves is not None:
        return ctx.text(
            "Do not promise these figures for other kinds of rows: the intervals tell how they vary between samples "
            "drawn like this one, and a threshold chosen on the rows that it is judged on looks better than it is."
        )
    return ctx.text(
        "Do not promise these figures for other kinds of rows, nor from rows that the model was trained on: the "
        "intervals only tell how they vary between samples drawn like this one."
    )


def _notes(ctx: Context, found: Judged, result: ScoresResult) -> list[str]:
    whole, notes = sum(map(sum, found.counts)), []
    if found.columns:
        names = ", ".join(escape(name[:40]) for name in found.columns)
        notes.append(
            ctx.text("Columns read, in the order of truth, prediction and score: {names}.", names=names)
        )
    if found.threshold is not None:
        notes[-1] = ctx.text(
            "Columns read: {names}. There are no predictions, so {label} is said from a probability of one half on.",
            names=", ".join(escape(name[:40]) for name in found.columns), label=escape(found.labels[1]),
        )  # fmt: skip
    if result.figures["accuracy"].value == 1:
        notes.append(
            ctx.text(
                "No row is wrong, and drawing rows anew cannot bring forth a mistake that is not there: with {count:,} "
                "rows, up to about {share:.1%} may still go wrong (rule of three).",
                count=whole,
                share=min(1.0, 3 / whole),
            )
        )
    elif whole < FEW:
        notes.append(
            ctx.text(
                "With {count} rows the intervals are rough, and narrower than they should be.", count=whole
            )
        )
    fewest = min(each.rows for each in result.classes)
    if found.positive is None and fewest < FEW_OF_CLASS <= whole:
        notes.append(
            ctx.text(
                "One class has {count} rows only: its figures and the macro means are rough, and their intervals too.",
                count=fewest,
            )
        )
    if found.score_unused:
        notes.append(
            ctx.text(
                "The column of scores is not used: with more than two labels, name one with the option positive, to "
                "see its curves."
            )
        )
    if result.curves is not None and result.curves.roc_auc.value < 0.5:
        notes.append(
            ctx.text(
                "The area under ROC is below one half: perhaps the scores are those of {other}, not of {label}; the "
                "option positive says which label they are of.",
                other=escape(found.labels[0]),
                label=escape(found.labels[1]),
            )
        )
    return notes


def _formula(ctx: Context, result: ScoresResult) -> str:
    """Say what F1 is, where another mean of the two would be another number."""
    precision, recall, f1 = (result.figures[name].value for name in ("precision", "recall", "f1"))
    mean = (precision + recall) / 2
    if math.isnan(mean) or abs(mean - f1) < APART:
        return ""
    return ctx.text(
        "F1 is the harmonic mean, 2 · precision · recall / (precision + recall) = {f1:.1%}; the formula in the "
        "course's notes is not that. The plain mean, {mean:.1%}, minds less that one of the two is low.",
        f1=f1, mean=mean,
    )  # fmt: skip


def _two_fields(ctx: Context, found: Judged, result: ScoresResult) -> tuple[Field, ...]:
    names = ["accuracy", "precision", "recall", "f1", "balanced_accuracy"]
    names += [result.recommended] if result.recommended not in names else []
    fields = [_field(ctx, _named(ctx, name), result.figures[name], result.baseline[name]) for name in names]
    if (curves := result.curves) is not None:
        fields += [
            _field(ctx, ctx.text("Area under ROC"), curves.roc_auc, 0.5, guessed=True),
            _field(
                ctx, ctx.text("Average precision"), curves.average_precision,
                sum(found.counts[1]) / sum(map(sum, found.counts)), guessed=True,
            ),
            Field(
                ctx.text("Best threshold"),
                ctx.text("{at:.4g}, for {figure}", at=curves.best.at, figure=_named(ctx, curves.best.figure)),
            ),
        ]  # fmt: skip
    return tuple(fields)


def _many_fields(ctx: Context, found: Judged, result: ScoresResult) -> tuple[Field, ...]:
    fields = [_field(ctx, _named(ctx, "accuracy"), result.figures["accuracy"], result.baseline["accuracy"])]
    for kind, name in (
        ("macro", ctx.text("Macro: all classes alike")),
        ("micro", ctx.text("Micro: all rows alike")),
        ("weighted", ctx.text("Weighted by rows")),
    ):
        lines = [
            f"{_named(ctx, part)} {_between(ctx, result.figures[f'{kind}_{part}'])}"
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
                name: _percent(ctx, getattr(result.classes[at], name)) for name in ("precision", "recall", "f1")
            },
        )
        for at in worst
    ]  # fmt: skip
    fields.append(Field(ctx.text("Class by class, the worst first"), "\n".join(each)[:1000], inline=False))
    return tuple(fields)


def _field(ctx: Context, name: str, figure: Interval, baseline: float, *, guessed: bool = False) -> Field:
    value = _percent(ctx, baseline)
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


def _percent(ctx: Context, value: float) -> str:
    return ctx.text("not defined: 0 of 0") if math.isnan(value) else f"{value:.1%}"


def _named(ctx: Context, figure: str) -> str:
    match figure:
        case "accuracy":
            return ctx.text("Accuracy")
        case "balanced_accuracy":
            return ctx.text("Balanced accuracy")
        case "precision":
            return ctx.text("Precision")
        case "recall":
            return ctx.text("Recall")
        case _:
            return figure.upper()


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
