"""`/lesson reduce`: many columns in a plane, by PCA, t-SNE and UMAP, and what each picture may not be used for."""

import math
from collections import Counter
from typing import Annotated, Final

from plugins.lesson.embeddings import Embeddings2D, ReduceRequest, ReduceResult, Rows
from shared.columns import column_named, listed
from shared.command import Range, Table, command
from shared.context import Context
from shared.errors import BadInput
from shared.reply import Field, Picture, Reply, escape
from shared.texts import joined

FEWEST_ROWS: Final = 20
FEWEST_COLUMNS: Final = 3
MOST_KINDS: Final = 10
"""Kinds that are told apart by colour at most."""
LABELS: Final = ("label", "class", "target", "kind", "species")
"""What a column of kinds is called, where none is named."""


@command()
async def reduce(
    ctx: Context,
    table: Table | None = None,
    label: Annotated[str, Range(1, 80)] | None = None,
    perplexity: Annotated[float, Range(2, 50)] = 30.0,
    neighbours: Annotated[int, Range(3, 50)] = 15,
    seed: Annotated[int, Range(0, 1_000_000)] = 0,
) -> Reply:
    """See digits, or a table of your own, in a plane: PCA, t-SNE and UMAP side by side

    table: your own rows: a CSV with at least three columns of numbers
    label: the column that colours the points; by default the one called label or class
    perplexity: how many neighbours t-SNE thinks of, about
    neighbours: how many neighbours UMAP thinks of
    seed: draws the sample, and where random methods begin
    """
    rows = rows_of(table, label) if table is not None else None
    name = table.name[:60] if table is not None else ctx.text("scikit-learn's digits, 8 × 8 pixels")
    request = ReduceRequest(
        rows=rows,
        perplexity=perplexity,
        neighbours=neighbours,
        seed=seed,
        title=name,
        below=ctx.text("trustworthiness") + " {trust}",
    )
    ctx.progress(0.1, ctx.text("laying out and drawing"))
    result = await ctx.predict(Embeddings2D, request)
    trusts = ", ".join(f"{method.name} {method.trust:.3f}" for method in result.methods)
    alt = ctx.text(
        "{count} rows of {columns} columns as points, three times side by side: PCA, t-SNE, UMAP; trustworthiness: "
        "{trusts}.",
        count=result.count, columns=result.columns, trusts=trusts,
    )  # fmt: skip
    return Reply(
        title=escape(ctx.text("{data} in a plane, three ways", data=name)),
        text=joined((_seen(ctx, result), _why(ctx, result), _not(ctx))),
        fields=(*_fields(ctx, result), Field(ctx.text("Options"), _options(result, seed), inline=False)),
        pictures=(Picture(result.png, alt, "reduce.png"),),
    )


def rows_of(table: Table, label: str | None) -> Rows:
    """Read the columns of numbers that differ from row to row, and the kinds. Raises `BadInput`."""
    if len(table.rows) < FEWEST_ROWS:
        raise BadInput(
            "{file} has {rows} rows; at least {fewest} are needed for neighbours to mean anything.",
            file=table.name, rows=len(table.rows), fewest=FEWEST_ROWS,
        )  # fmt: skip
    named = column_named(table, label) if label is not None else _label(table)
    columns = []
    for at in range(len(table.columns)):
        numbers = _numbers(table, at) if at != named else None
        if numbers is not None and min(numbers) < max(numbers):
            columns.append(numbers)
    if len(columns) < FEWEST_COLUMNS:
        raise BadInput(
            "{file} needs at least {fewest} columns with a number in each row, different ones; it has {found}. Its "
            "columns: {columns}",
            file=table.name, fewest=FEWEST_COLUMNS, found=len(columns), columns=listed(table.columns),
        )  # fmt: skip
    cells = [row[named].strip() for row in table.rows] if named is not None else []
    kinds = [kind for kind, _ in sorted(Counter(cells).items())]
    if len(kinds) > MOST_KINDS:
        if label is not None:
            raise BadInput(
                "Column {column} of {file} holds {found} different labels; colours tell {most} apart.",
                column=label, file=table.name, found=len(kinds), most=MOST_KINDS,
            )  # fmt: skip
        cells, kinds = [], []
    return Rows(
        values=[list(row) for row in zip(*columns, strict=True)],
        kind_of=[kinds.index(cell) for cell in cells],
        kinds=kinds,
    )


def _label(table: Table) -> int | None:
    """Return the column of kinds: one of a usual name, else the last where that holds words."""
    folded = [name.casefold() for name in table.columns]
    for name in LABELS:
        if name in folded:
            return folded.index(name)
    return len(folded) - 1 if _numbers(table, len(folded) - 1) is None else None


def _numbers(table: Table, column: int) -> list[float] | None:
    try:
        numbers = [float(row[column]) for row in table.rows]
    except ValueError:
        return None
    return numbers if all(math.isfinite(number) and abs(number) < 1e100 for number in numbers) else None


def _seen(ctx: Context, result: ReduceResult) -> str:
    best = max(result.methods, key=lambda method: method.trust)
    if result.count < result.of:
        return ctx.text(
            "You see a sample of {count} of {of} rows, {columns} numbers each, once for each method; neighbours in"
            " the picture are true neighbours most often with {best} (trustworthiness {trust:.3f} of 1).",
            count=result.count, of=result.of, columns=result.columns, best=best.name, trust=best.trust,
        )  # fmt: skip
    return ctx.text(
        "You see {count} rows, {columns} numbers each, once for each method; neighbours in the picture are true "
        "neighbours most often with {best} (trustworthiness {trust:.3f} of 1).",
        count=result.count, columns=result.columns, best=best.name, trust=best.trust,
    )  # fmt: skip


def _why(ctx: Context, result: ReduceResult) -> str:
    return ctx.text(
        "PCA turns the table and keeps the two directions of greatest variance ({share:.0%} of it in all), so that"
        " the rest falls on top of one another; t-SNE and UMAP keep neighbours together and bend everything else "
        "to do so.",
        share=sum(result.explained),
    )


def _not(ctx: Context) -> str:
    return ctx.text(
        "Do not use PCA's picture to say that two kinds cannot be told apart (other directions may do it); do not "
        "read distances between clusters, their sizes or their density, or the axes, in those of t-SNE and UMAP, "
        "nor take their clusters for found ones: another seed or number of neighbours moves them."
    )


def _fields(ctx: Context, result: ReduceResult) -> list[Field]:
    fields = []
    for method in result.methods:
        lines = [
            ctx.text("{seconds:.2f} s", seconds=method.seconds),
            ctx.text("trustworthiness {trust:.3f}", trust=method.trust),
            ctx.text("explained variance {first:.1%} + {second:.1%}", first=result.explained[0],
                     second=result.explained[1])
            if method.name == "PCA"
            else ctx.text("explained variance: not defined, its axes are no directions"),
        ]  # fmt: skip
        fields.append(Field(method.name, "\n".join(lines)))
    return fields


def _options(result: ReduceResult, seed: int) -> str:
    return f"perplexity {result.perplexity:g}, neighbours {result.neighbours}, seed {seed}"
