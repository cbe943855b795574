"""`/lesson doctor`: reads the losses of a training and names what it sees, with its evidence."""

import math
import re
from typing import Annotated, Final

from plugins.lesson.curves_examples import Example, made_up
from shared.charts import Chart
from shared.columns import listed
from shared.command import Range, Table, command
from shared.context import Context
from shared.curve_doctor import FEWEST, Finding
from shared.errors import BadInput
from shared.pictured import pictured
from shared.reply import Field, Reply, Tone, escape
from shared.texts import Text, joined
from shared.training_report import NOTHING, Curves, losses

MOST_EPOCHS: Final = 10_000
TRAIN: Final = frozenset({"train", "trainloss", "trainingloss", "loss", "training", "訓練", "訓練損失"})
TEST: Final = frozenset(
    {"test", "testloss", "val", "valloss", "valid", "validloss", "validation", "validationloss", "eval", "evalloss",
     "dev", "devloss", "測試", "測試損失", "驗證", "驗證損失"}
)  # fmt: skip
COUNTS: Final = frozenset(
    {"", "epoch", "epochs", "step", "steps", "iteration", "iter", "batch", "time", "回合"}
)
"""Columns that count, and hold no losses."""


@command()
async def doctor(
    ctx: Context,
    table: Table | None = None,
    example: Example = "overfitting",
    seed: Annotated[int, Range(0, 1_000_000)] = 0,
) -> Reply:
    """Have the loss curves of a training read: overfitting, diverging, and what else goes wrong

    table: your own losses, a CSV with a row for each epoch, its columns called train_loss and val_loss or so
    example: a made-up curve that shows one trouble
    seed: draws the noise on a made-up curve
    """
    curves = from_table(table) if table is not None else made_up(example, seed)
    title = (
        ctx.text("Loss curves of {file}", file=table.name[:60])
        if table is not None
        else ctx.text("A made-up curve: {kind}", kind=_name_of(ctx, example))
    )
    findings = curves.findings()

    def say(text: Text) -> str:
        return ctx.texts.render(text, ctx.asker.locale, ctx.plugin)

    ctx.progress(0.3, ctx.text("reading and drawing"))
    chart = losses(title, curves, findings, say)
    said = [say(finding.said) for finding in findings] or [say(NOTHING)]
    alt = joined((_seen(ctx, curves), *said))
    return Reply(
        title=escape(title),
        text=joined((_seen(ctx, curves), _not(ctx, curves))),
        tone=_tone(findings),
        fields=(
            Field(
                ctx.text("What the doctor says"),
                "\n".join(f"- {escape(each)}" for each in said),
                inline=False,
            ),
        ),
        pictures=await pictured(ctx, Chart(chart), alt, "losses.png"),
    )


def from_table(table: Table) -> Curves:
    """Find the losses of a table by their columns' names, or by their place. Raises `BadInput`."""
    columns, rows = table.columns, table.rows
    if columns and all(_number(name) is not None for name in columns):
        # A file without a header: its first row was taken for one.
        columns, rows = tuple(f"{at}" for at in range(1, len(columns) + 1)), (columns, *rows)
    train, test = _columns(table, columns, rows)
    losses_of = {at: _losses(table, columns, rows, at) for at in (train, test) if at is not None}
    first = losses_of[train]
    second = losses_of[test] if test is not None else []
    if not 1 <= len(first) <= MOST_EPOCHS:
        raise BadInput(
            "{file} has losses of {count:,} epochs; 1 to {most:,} can be read.",
            file=table.name, count=len(first), most=MOST_EPOCHS,
        )  # fmt: skip
    if test is not None and len(first) != len(second):
        raise BadInput(
            "{file} has {first:,} losses under {train} and {second:,} under {test}: each epoch needs both.",
            file=table.name, first=len(first), train=columns[train][:40], second=len(second), test=columns[test][:40],
        )  # fmt: skip
    return Curves("", first, second)


def _columns(
    table: Table, columns: tuple[str, ...], rows: tuple[tuple[str, ...], ...]
) -> tuple[int, int | None]:
    """Return which column holds the losses of the training, and which those of the test, if any."""
    plain = [re.sub(r"[^\w]|_", "", name.casefold()) for name in columns]
    train = next((at for at, name in enumerate(plain) if name in TRAIN), None)
    test = next((at for at, name in enumerate(plain) if name in TEST), None)
    if train is None:
        numeric = [
            at
            for at, name in enumerate(plain)
            if at != test
            and name not in COUNTS
            and any(row[at].strip() for row in rows)
            and all(not row[at].strip() or _number(row[at]) is not None for row in rows)
        ]
        if not numeric:
            raise BadInput(
                "{file} has no column of losses; call it train_loss, and that of the test val_loss. Its columns: "
                "{columns}",
                file=table.name, columns=listed(columns),
            )  # fmt: skip
        train = numeric[0]
        if test is None and len(numeric) > 1:
            test = numeric[1]
    return train, test


def _losses(
    table: Table, columns: tuple[str, ...], rows: tuple[tuple[str, ...], ...], column: int
) -> list[float]:
    """Return the losses of a column; empty cells are left out, as logs have them where nothing was measured."""
    found = []
    for at, row in enumerate(rows, 1):
        cell = row[column].strip()
        if not cell:
            continue
        value = _number(cell)
        if value is None:
            raise BadInput(
                "{file}, row {row}, column {column}: {cell} is not a number.",
                file=table.name, row=at, column=columns[column][:40], cell=cell[:40],
            )  # fmt: skip
        found.append(value)
    return found


def _number(cell: str) -> float | None:
    """Return a loss, also one that is infinite or NaN: that says something, too."""
    try:
        return float(cell)
    except ValueError:
        return None


def _name_of(ctx: Context, kind: Example) -> str:
    match kind:
        case "overfitting":
            return ctx.text("overfitting")
        case "underfitting":
            return ctx.text("underfitting")
        case "rate too high":
            return ctx.text("learning rate too high")
        case "diverging":
            return ctx.text("diverging")
        case "data trouble":
            return ctx.text("trouble with the data")
        case "target not scaled":
            return ctx.text("target not scaled")
        case "converged":
            return ctx.text("converged")
        case "nothing":
            return ctx.text("nothing to report")


def _tone(findings: list[Finding]) -> Tone:
    kinds = {finding.kind for finding in findings}
    if kinds - {"converged"}:
        return "bad"
    return "good" if kinds else "neutral"


def _seen(ctx: Context, curves: Curves) -> str:
    train, test = curves.train, curves.test
    if len(train) < FEWEST:
        return ctx.text(
            "{count} epochs are too few to read anything in; the doctor looks from {fewest} on.",
            count=len(train), fewest=FEWEST,
        )  # fmt: skip
    if not test:
        return ctx.text(
            "You see the training loss of {count:,} epochs, from {first:.3g} to {last:.3g}; without a test loss "
            "nobody can tell learning from learning by heart.",
            count=len(train), first=train[0], last=train[-1],
        )  # fmt: skip
    known = [value for value in test if math.isfinite(value)]
    return ctx.text(
        "You see the losses of {count:,} epochs: that of the training goes from {first:.3g} to {last:.3g}, that of "
        "the test from {test_first:.3g} to {test_last:.3g}, at its least {least:.3g} in epoch {epoch:,}.",
        count=len(train), first=train[0], last=train[-1], test_first=test[0], test_last=test[-1],
        least=min(known, default=math.nan), epoch=test.index(min(known)) + 1 if known else 0,
    )  # fmt: skip


def _not(ctx: Context, curves: Curves) -> str:
    if not curves.test:
        return ctx.text(
            "Do not read from this how good the model is on new rows: for that, measure the loss of rows that it is "
            "not fitted on, epoch by epoch."
        )
    return ctx.text(
        "Do not take curves without trouble for a good model, for they only say that the training went well; and "
        "where the test loss chose the epoch, its value there is too kind: judge on rows that neither fitted nor "
        "chose."
    )
