"""Takes reviews out of a table: which column holds the texts, which the dates, and what is to know about them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, TypeVar

from plugins.reviews.cleaning import cleaned, has_words
from plugins.reviews.dates import read_date
from plugins.reviews.model import MAX_REVIEWS
from shared.columns import column_named, listed, mean_length
from shared.errors import BadInput
from shared.inputs import Table
from shared.language import language_of

FEWEST: Final = 20
"""Different reviews that are needed: among fewer no topics can be told apart."""
SAMPLE: Final = 200
"""Rows that are looked at to find a column, and to tell languages."""
SHORT: Final = 6.0
"""Characters that the cells of a column of reviews have in the mean, at least."""
DATED: Final = 0.5
"""Share of cells that must be dates for a column to be one of dates."""
_TEXTS: Final = frozenset(
    {
        "text", "texts", "review", "reviews", "review_text", "comment", "comments", "content", "contents", "message",
        "feedback", "body", "評論", "评论", "評語", "评语", "內容", "内容", "留言", "意見", "意见", "心得", "回饋",
        "反馈", "文字", "評論內容", "评论内容", "評價", "评价",
    }
)  # fmt: skip
_DATES: Final = frozenset(
    {
        "date", "time", "datetime", "timestamp", "created", "created_at", "published", "publishtime", "day", "日期",
        "時間", "时间", "評論日期", "評論時間", "發布日期", "发布日期",
    }
)  # fmt: skip

Row = TypeVar("Row")


@dataclass(frozen=True)
class Intake:
    """Reviews with words in them, each with its row of the table, and its day where there are days.

    `rows` are those of the table that were read: all, or `MAX_REVIEWS` of them, evenly spread.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    text_at: int
    date_at: int | None
    at: tuple[int, ...]
    texts: list[str]
    days: list[date | None]
    left_out: int = 0
    repeated: int = 0
    chinese: float = 0.0

    @property
    def column(self) -> str:
        """The name of the column of texts."""
        return self.columns[self.text_at]

    @property
    def wordless(self) -> int:
        """How many rows have no words."""
        return len(self.rows) - len(self.at)

    @property
    def dated(self) -> int:
        """How many reviews have a day."""
        return sum(day is not None for day in self.days)


def take_in(table: Table, column: str | None = None) -> Intake:
    """Find the reviews of a table. Raises `BadInput` where it holds none, or too few to tell topics apart."""
    rows = spread(table.rows, MAX_REVIEWS)
    place = _text_column(table, column)
    found = taken(table.columns, rows, place, _date_column(table, place), len(table.rows) - len(rows))
    if not found.texts:
        raise BadInput(
            "The column {column} of {file} holds no text.", column=found.column[:80], file=table.name
        )
    if (different := len(found.texts) - found.repeated) < FEWEST:
        raise BadInput(
            "{file} holds {count} different reviews: {fewest} or more are needed to tell topics apart.",
            file=table.name, count=different, fewest=FEWEST,
        )  # fmt: skip
    return found


def spread(rows: Sequence[Row], most: int) -> tuple[Row, ...]:
    """Return at most `most` rows, evenly spread, so that a table in the order of time keeps all times."""
    if len(rows) <= most:
        return tuple(rows)
    return tuple(rows[at * len(rows) // most] for at in range(most))


def taken(
    columns: tuple[str, ...],
    rows: tuple[tuple[str, ...], ...],
    text_at: int,
    date_at: int | None,
    left_out: int,
) -> Intake:
    """Take reviews out of rows whose columns are known."""
    at = tuple(row for row, cells in enumerate(rows) if has_words(cells[text_at]))
    texts = [rows[row][text_at] for row in at]
    different = {cleaned(text).casefold() for text in texts}
    sample = spread(texts, SAMPLE)
    return Intake(
        columns=columns,
        rows=rows,
        text_at=text_at,
        date_at=date_at,
        at=at,
        texts=texts,
        days=[read_date(rows[row][date_at]) if date_at is not None else None for row in at],
        left_out=left_out,
        repeated=len(texts) - len(different),
        chinese=sum(language_of(text) == "zh" for text in sample) / max(1, len(sample)),
    )


def _text_column(table: Table, wanted: str | None) -> int:
    if wanted is not None:
        return column_named(table, wanted)
    named = [at for at, name in enumerate(table.columns) if name.casefold() in _TEXTS]
    if len(named) == 1:
        return named[0]
    looked = spread(table.rows, SAMPLE)
    longest, place = max(
        (mean_length([row[at] for row in looked]), -at) for at in named or range(len(table.columns))
    )
    if longest < SHORT and not named:
        raise BadInput(
            "No column of {file} seems to hold reviews. Name it as column. Its columns: {columns}",
            file=table.name, columns=listed(table.columns),
        )  # fmt: skip
    return -place


def _date_column(table: Table, text_at: int) -> int | None:
    """Return the column of dates: one that is named so, else one whose cells are dates."""
    others = [at for at in range(len(table.columns)) if at != text_at]
    named = [at for at in others if table.columns[at].casefold() in _DATES]
    for at in (*named, *others):
        cells = [row[at].strip() for row in spread(table.rows, SAMPLE) if row[at].strip()]
        # A number of ten digits may be anything, unless its column is named a time.
        usable = cells if at in named else [cell for cell in cells if not cell.isdigit()]
        if cells and sum(read_date(cell) is not None for cell in usable) >= DATED * len(cells):
            return at
    return None
