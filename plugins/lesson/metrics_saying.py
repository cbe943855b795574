"""What `/lesson metrics` says of figures: what is seen, which of them to go by, and what they are no good for."""

import math
from typing import Final

from plugins.lesson.metrics_table import Judged
from plugins.lesson.scores import ScoresResult
from shared.context import Context
from shared.reply import escape
from shared.texts import joined

FEW: Final = 30
"""Rows below which intervals are hardly worth their name."""
FEW_OF_CLASS: Final = 10
"""The same of a single class."""
APART: Final = 0.001
"""From which difference on two means of precision and recall are shown beside each other."""


def seen(ctx: Context, found: Judged, result: ScoresResult) -> str:
    """Say how many are right, beside answering the commonest always."""
    whole = sum(map(sum, found.counts))
    right = sum(row[at] for at, row in enumerate(found.counts))
    accuracy = result.figures["accuracy"]
    return ctx.text(
        "Of {count:,} rows {right:,} are right: accuracy {accuracy:.1%} (95% interval {low:.1%} to {high:.1%}), where "
        "answering {label} always would be right in {baseline:.1%}.",
        count=whole, right=right, accuracy=accuracy.value, low=accuracy.low, high=accuracy.high,
        label=escape(found.labels[result.common]), baseline=result.baseline["accuracy"],
    )  # fmt: skip


def preferred(ctx: Context, found: Judged, result: ScoresResult) -> str:
    """Say by which figure to go, and where scores are, from which on to say yes."""
    said = _prefer_many(ctx, result) if found.positive is None else _prefer_two(ctx, found, result)
    if result.curves is None:
        return said
    best = result.curves.best
    more = ctx.text(
        "On these rows {figure} is highest, {value:.1%}, where {label} is said from a score of {at:.4g} on: {misses:,} "
        "misses and {alarms:,} false alarms.",
        figure=named(ctx, best.figure), value=best.value, label=escape(found.labels[1]), at=best.at,
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
                value=percent(ctx, figures["f2"].value),
            )
        case "f0.5":
            return ctx.text(
                "False alarms cost more, so go by precision: of {count:,} that are called {label}, {alarms:,} are not; "
                "and by F0.5 ({value}), which weighs precision twice as much as recall, since precision alone is won "
                "by saying {label} only once, when surest.",
                count=fp + tp,
                label=label,
                alarms=fp,
                value=percent(ctx, figures["f0.5"].value),
            )
        case "f1":
            return ctx.text(
                "{share:.0%} of the rows are {common}, so accuracy flatters whoever says so always: go by F1 of "
                "{label} ({value}), which does not count what is rightly left alone, or by balanced accuracy "
                "({balanced}), which is 50% for any constant answer.",
                share=result.share,
                common=escape(found.labels[result.common]),
                label=label,
                value=percent(ctx, figures["f1"].value),
                balanced=percent(ctx, figures["balanced_accuracy"].value),
            )
    return ctx.text(
        "Both labels are about as common and both mistakes cost the same, so accuracy is a fair figure to go by; were "
        "one of them rare, or one mistake dearer, it would not be."
    )


def _prefer_many(ctx: Context, result: ScoresResult) -> str:
    value = percent(ctx, result.figures[result.recommended].value)
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


def limits(ctx: Context, result: ScoresResult) -> str:
    """Say what the figures may not be used for."""
    if result.curves is not None:
        return ctx.text(
            "Do not promise these figures for other kinds of rows: the intervals tell how they vary between samples "
            "drawn like this one, and a threshold chosen on the rows that it is judged on looks better than it is."
        )
    return ctx.text(
        "Do not promise these figures for other kinds of rows, nor from rows that the model was trained on: the "
        "intervals only tell how they vary between samples drawn like this one."
    )


def notes(ctx: Context, found: Judged, result: ScoresResult) -> list[str]:
    """Say what else must be known to read them."""
    whole, remarks = sum(map(sum, found.counts)), []
    if found.columns:
        names = ", ".join(escape(name[:40]) for name in found.columns)
        remarks.append(
            ctx.text("Columns read, in the order of truth, prediction and score: {names}.", names=names)
        )
    if found.threshold is not None:
        remarks[-1] = ctx.text(
            "Columns read: {names}. There are no predictions, so {label} is said from a probability of one half on.",
            names=", ".join(escape(name[:40]) for name in found.columns), label=escape(found.labels[1]),
        )  # fmt: skip
    if result.figures["accuracy"].value == 1:
        remarks.append(
            ctx.text(
                "No row is wrong, and drawing rows anew cannot bring forth a mistake that is not there: with {count:,} "
                "rows, up to about {share:.1%} may still go wrong (rule of three).",
                count=whole,
                share=min(1.0, 3 / whole),
            )
        )
    elif whole < FEW:
        remarks.append(
            ctx.text(
                "With {count} rows the intervals are rough, and narrower than they should be.", count=whole
            )
        )
    fewest = min(each.rows for each in result.classes)
    if found.positive is None and fewest < FEW_OF_CLASS <= whole:
        remarks.append(
            ctx.text(
                "One class has {count} rows only: its figures and the macro means are rough, and their intervals too.",
                count=fewest,
            )
        )
    if found.score_unused:
        remarks.append(
            ctx.text(
                "The column of scores is not used: with more than two labels, name one with the option positive, to "
                "see its curves."
            )
        )
    if result.curves is not None and result.curves.roc_auc.value < 0.5:
        remarks.append(
            ctx.text(
                "The area under ROC is below one half: perhaps the scores are those of {other}, not of {label}; the "
                "option positive says which label they are of.",
                other=escape(found.labels[0]),
                label=escape(found.labels[1]),
            )
        )
    return remarks


def formula(ctx: Context, result: ScoresResult) -> str:
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


def percent(ctx: Context, value: float) -> str:
    """Write a share, or that it is not defined."""
    return ctx.text("not defined: 0 of 0") if math.isnan(value) else f"{value:.1%}"


def named(ctx: Context, figure: str) -> str:
    """Return what a figure is called."""
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
