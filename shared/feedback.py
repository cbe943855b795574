"""Feedback on verdicts: the buttons under an answer, the table that keeps what people said, and how to learn from it.

Kept is only what a person gives for this purpose by pressing a button: the text, what they say that it is, their id.
Each plugin has a table of its own, made by a migration of its own, and a hidden private command `mark` that its buttons
press.
"""

import csv
import hashlib
import io
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Delete,
    Float,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    TableClause,
    UniqueConstraint,
    column,
    delete,
    inspect,
    select,
)
from sqlalchemy import Text as LongText
from sqlalchemy import table as named

from shared.command import MAX_TEXT
from shared.context import Context
from shared.database import now_ms
from shared.errors import Denied
from shared.plugin import Kept
from shared.reply import Button, Reply
from shared.texts import Text

_FEEDBACK: Final = "_feedback"
DAYS: Final = 730
"""After which feedback goes; the core's housekeeping sees to it."""
KEPT: Final = Kept(
    "texts that you marked right or wrong, with your id, to improve the model",
    DAYS,
    rows=("feedback",),
    why=Text("so that the model learns from it; you gave it for that, by pressing the button"),
)
"""What a plugin with feedback states on its card."""


def feedback_table(plugin: str, metadata: MetaData, longest_label: int = 16) -> Table:
    """Declare the table of a plugin's feedback."""
    return Table(
        f"{plugin}{_FEEDBACK}",
        metadata,
        Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
        Column("user_id", BigInteger, nullable=False, index=True),
        Column("guild_id", BigInteger),
        Column("text", LongText, nullable=False),
        # SHA-256 of the text: one person's later word on a text replaces the earlier one.
        Column("digest", String(64), nullable=False),
        Column("label", String(longest_label), nullable=False),
        Column("probability", Float, nullable=False),
        Column("created_ms", BigInteger, nullable=False),
        UniqueConstraint("user_id", "digest", name=f"{plugin}_feedback_once"),
    )


def feedback_tables(connection: Connection) -> list[TableClause]:
    """Return the tables of feedback that are in a database, also of plugins that are not loaded."""
    look = inspect(connection)
    found = []
    for name in look.get_table_names():
        if name.endswith(_FEEDBACK):
            names = [each["name"] for each in look.get_columns(name)]
            if {"user_id", "digest", "created_ms"} <= set(names):
                found.append(named(name, *(column(each) for each in names)))
    return found


def feedback_buttons(
    ctx: Context, text: str, said: str, probability: float, others: Sequence[tuple[str, str]]
) -> tuple[Button, ...]:
    """Return buttons for "right" (the label `said`), and for what else it may be: (label, words on the button).

    One other alone is simply "wrong". What of `text` is longer than a command's text is cut. None where feedback is
    switched off.
    """
    if not ctx.feedback:
        return ()

    def button(words: str, emoji: str, label: str) -> Button:
        arguments = {
            "text": text[:MAX_TEXT],
            "label": label,
            "right": label == said,
            "probability": probability,
        }
        return Button(label=words, emoji=emoji, command="mark", arguments=arguments)

    wrong = [(label, ctx.text("Wrong") if len(others) == 1 else words) for label, words in others]
    return (
        button(ctx.text("Right"), "👍", said),
        *(button(words, "👎" if len(others) == 1 else "✏️", label) for label, words in wrong),
    )


async def keep_feedback(
    ctx: Context, table: Table, text: str, label: str, right: bool, probability: float
) -> Reply:
    """Keep a person's word on a verdict, and thank for it. Raises `Denied` where feedback is switched off."""
    if not ctx.feedback:
        raise Denied("Feedback is switched off here, so nothing was kept.")
    row = {
        "guild_id": ctx.asker.guild_id,
        "text": text,
        "label": label,
        "probability": probability,
        "created_ms": now_ms(),
    }
    async with ctx.database.begin() as connection:
        await connection.execute(
            ctx.database.insert(table)
            .values(user_id=ctx.asker.user_id, digest=hashlib.sha256(text.encode()).hexdigest(), **row)
            .on_conflict_do_update(index_elements=[table.c.user_id, table.c.digest], set_=row)
        )
    thanks = ctx.text("Thank you. Noted: right.") if right else ctx.text("Thank you. Noted: wrong.")
    kept = ctx.text("The text and your id are kept to improve the model; /privacy forget removes them.")
    return Reply(text=f"{thanks}\n-# {kept}", tone="good", private=True)


def export_feedback(table: Table, user: int) -> Mapping[str, Select[Any]]:
    """Return how to read a person's feedback; for the hook `export_user`."""
    return {"feedback": select(table).where(table.c.user_id == user)}


def forget_feedback(table: Table, user: int) -> Sequence[Delete]:
    """Return how to remove a person's feedback; for the hook `forget_user`."""
    return (delete(table).where(table.c.user_id == user),)


def as_training_rows(said: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Turn (text, label) of many people into one row a text: the label of most of them.

    Where as many say one thing as another, nobody knows, and the text is left out.
    """
    labels: dict[str, Counter[str]] = defaultdict(Counter)
    for text, label in said:
        labels[text][label] += 1
    rows = []
    for text, counted in labels.items():
        first, *rest = counted.most_common(2)
        if not rest or rest[0][1] < first[1]:
            rows.append((text, first[0]))
    return rows


def as_csv(rows: Iterable[tuple[str, str]]) -> str:
    """Write rows as a data file that a model trains on: columns text and label."""
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(("text", "label"))
    writer.writerows(rows)
    return written.getvalue()
