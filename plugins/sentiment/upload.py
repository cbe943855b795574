"""What chat sees of a table: every review judged, two columns added, and how they spread."""

from collections.abc import Sequence
from pathlib import PurePath
from typing import Annotated, Final, Literal

from plugins.sentiment.model import SentimentModel, SentimentRequest, SentimentResult
from shared.cells import as_sheet
from shared.charts import Chart, Histogram
from shared.columns import column_named, free_names, listed, mean_length
from shared.command import Range, Table, command
from shared.context import Context
from shared.errors import BadInput, HearthError
from shared.marked import percent
from shared.pictured import pictured
from shared.reply import Field, File, Picture, Reply, escape

CHUNK: Final = 480
"""Rows between two steps of the progress shown."""
BINS: Final = 20
QUOTES: Final = 3
QUOTED: Final = 140
SAMPLE: Final = 200
"""Rows that are looked at to find the column of reviews."""
SHORT: Final = 8.0
"""Characters that the cells of a column of reviews have in the mean, at least."""
LONGER: Final = 2.0
"""So many times longer than every other column's must its cells be for it to be found by itself."""
_NAMES: Final = frozenset(
    {
        "text",
        "review",
        "reviews",
        "comment",
        "comments",
        "content",
        "message",
        "feedback",
        "評論",
        "评论",
        "評語",
    }
    | {"內容", "内容", "留言", "意見", "意见", "心得", "回饋", "文字"}
)
Judged = SentimentResult | None
"""What was said of a row; None where it has no text, or could not be answered."""


@command(name="table", timeout=600)
async def table(ctx: Context, table: Table, column: Annotated[str, Range(1, 100)] | None = None) -> Reply:
    """Judge a table of reviews: adds two columns and draws how they spread

    table: a CSV file with a header line and one review a row
    column: the column that holds the reviews, where it is not plain
    """
    at = _column(table, column)
    texts = [row[at] for row in table.rows]
    if not any(text.strip() for text in texts):
        raise BadInput("The column {column} holds no text.", column=table.columns[at])
    judged = await _judged(ctx, texts)
    found = [each for each in judged if each is not None]
    picture = await _picture(ctx, [each.probability for each in found])
    return Reply(
        title="📊 " + ctx.plural("{count} review judged", "{count} reviews judged", len(found)),
        text="\n\n".join(_lines(ctx, texts, judged, table.columns[at])),
        fields=_shares(ctx, found),
        pictures=picture,
        files=(File(_name(table.name), written(table, judged)),),
        source=await ctx.source(SentimentModel),
    )


def written(table: Table, judged: Sequence[Judged]) -> bytes:
    """Return the table as CSV with two columns more.

    A cell that a spreadsheet would take for a formula begins with an apostrophe; plain numbers stay as they are.
    """
    rows = [(*table.columns, *free_names(table.columns, ("sentiment", "probability")))]
    for row, each in zip(table.rows, judged, strict=True):
        added = ("", "") if each is None else (each.verdict, f"{each.probability:.4f}")
        rows.append((*row, *added))
    return as_sheet(rows, numbers=True)


async def _judged(ctx: Context, texts: Sequence[str]) -> list[Judged]:
    """Judge every text, behind whoever chats. Raises the first error where none could be judged."""
    judged: list[Judged] = [None] * len(texts)
    places = [at for at, text in enumerate(texts) if text.strip()]
    first_error: HearthError | None = None
    for start in range(0, len(places), CHUNK):
        chunk = places[start : start + CHUNK]
        ctx.progress(
            start / len(places), ctx.text("{done:,} of {all:,} reviews", done=start, all=len(places))
        )
        requests = [SentimentRequest(texts[at], words=False) for at in chunk]
        answers = await ctx.predictor.predict_many(SentimentModel, requests, timeout=ctx.timeout)
        for at, answer in zip(chunk, answers, strict=True):
            if isinstance(answer, SentimentResult):
                judged[at] = answer
            else:
                first_error = first_error or answer
    if first_error is not None and not any(judged):
        raise first_error
    return judged


def _column(table: Table, wanted: str | None) -> int:
    """Return which column holds the reviews. Raises `BadInput`, which lists the columns."""
    if wanted is not None:
        return column_named(table, wanted)
    named = [at for at, name in enumerate(table.columns) if name.casefold() in _NAMES]
    if len(named) == 1:
        return named[0]
    looked = table.rows[:SAMPLE]
    lengths = [(mean_length([row[at] for row in looked]), at) for at in named or range(len(table.columns))]
    (longest, at), *others = sorted(lengths, reverse=True)
    if longest >= SHORT and all(longest >= LONGER * other for other, _ in others):
        return at
    raise BadInput(
        "Which column of {file} holds the reviews? Name it as column. Its columns: {columns}",
        file=table.name, columns=listed(table.columns),
    )  # fmt: skip


def _name(name: str) -> str:
    return f"{PurePath(name).stem[:60] or 'reviews'}-sentiment.csv"


def _shares(ctx: Context, found: Sequence[SentimentResult]) -> tuple[Field, ...]:
    names: dict[Literal["positive", "negative", "unclear"], str] = {
        "positive": "😊 " + ctx.text("Positive"),
        "negative": "🙁 " + ctx.text("Negative"),
        "unclear": "🤔 " + ctx.text("Mixed or unclear"),
    }
    counts = {verdict: sum(each.verdict == verdict for each in found) for verdict in names}
    return tuple(
        Field(name, f"{counts[verdict]:,} ({counts[verdict] / max(1, len(found)):.1%})")
        for verdict, name in names.items()
    )


def _lines(ctx: Context, texts: Sequence[str], judged: Sequence[Judged], column: str) -> list[str]:
    lines = [ctx.text("Read from the column {column}.", column=escape(column[:80]))]
    blank = sum(not text.strip() for text in texts)
    failed = sum(each is None for each in judged) - blank
    if blank:
        lines.append(ctx.plural("{count} row has no text.", "{count} rows have no text.", blank))
    if failed:
        lines.append(
            "⚠️ " + ctx.plural("{count} row could not be judged.", "{count} rows could not be judged.", failed)
        )
    ranked = sorted(
        ((each.probability, text) for text, each in zip(texts, judged, strict=True) if each is not None)
    )
    lower = [pair for pair in ranked if pair[0] < 0.5][:QUOTES]
    upper = [pair for pair in reversed(ranked) if pair[0] >= 0.5][:QUOTES]
    for name, pairs in ((ctx.text("Most positive"), upper), (ctx.text("Most negative"), lower)):
        if pairs:
            lines.append("\n".join([f"**{name}**", *(_quote(text, p) for p, text in pairs)]))
    return lines


def _quote(text: str, probability: float) -> str:
    flat = " ".join(text.split())
    shown = flat[:QUOTED].rstrip() + (" …" if len(flat) > QUOTED else "")
    return f"> {escape(shown)} ({percent(probability)})"


async def _picture(ctx: Context, probabilities: Sequence[float]) -> tuple[Picture, ...]:
    counts = [0] * BINS
    for probability in probabilities:
        counts[min(BINS - 1, int(probability * BINS))] += 1
    title = ctx.text("How positive the reviews are")
    request = Histogram(
        title=title,
        counts=counts,
        low_label=ctx.text("negative"),
        high_label=ctx.text("positive"),
        count_label=ctx.text("reviews"),
    )
    return await pictured(ctx, Chart(request), title, "sentiment.png")
