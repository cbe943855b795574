"""Rows come through JSON Lines as they were, whatever is in them."""

import io
import math
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from shared.backup_archive import Checked, EntryWriter, FileNote
from shared.backup_rows import columns, read_rows, write_rows

KINDS = sa.Table(
    "kinds",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("flag", sa.Boolean),
    sa.Column("large", sa.BigInteger),
    sa.Column("number", sa.Float),
    sa.Column("said", sa.Text),
    sa.Column("sealed", sa.LargeBinary),
    sa.Column("at", sa.DateTime),
    sa.Column("more", sa.JSON(none_as_null=True)),
)
SIMPLE = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text()
ROWS = st.lists(
    st.tuples(
        st.none() | st.booleans(),
        st.none() | st.integers(-(2**63), 2**63 - 1),
        # SQLite keeps what is no number as null.
        st.none() | st.floats(allow_nan=False),
        st.none() | st.text(),
        st.none() | st.binary(),
        st.none() | st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)),
        st.none() | st.lists(SIMPLE) | st.dictionaries(st.text(), SIMPLE),
    ),
    max_size=8,
)


def taken(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Write rows to a database, take them from it as JSON Lines, put them into another, and read them there."""
    names = [column.name for column in KINDS.columns]
    out = io.BytesIO()
    here, there = (sa.create_engine("sqlite://") for _ in range(2))
    with here.begin() as connection:
        KINDS.create(connection)
        for row in rows:
            connection.execute(sa.insert(KINDS).values(dict(zip(names, row, strict=True))))
        writer = EntryWriter(out)
        assert write_rows(connection, KINDS, writer) == len(rows)
    source = Checked(io.BytesIO(out.getvalue()), "kinds", FileNote(writer.size, writer.digest.hexdigest()))
    with there.begin() as connection:
        KINDS.create(connection)
        assert read_rows(connection, KINDS, source, columns(KINDS)) == len(rows)
        source.end()
        found = [tuple(row) for row in connection.execute(sa.select(KINDS).order_by(KINDS.c.id))]
    here.dispose()
    there.dispose()
    return found


@given(ROWS)
@examples(max_examples=60, deadline=None)
def test_any_row_comes_through(rows: list[tuple[Any, ...]]) -> None:
    numbered = [(number, *row) for number, row in enumerate(rows)]
    assert taken(numbered) == numbered


def test_the_ends_of_numbers_come_through_to_the_last_bit() -> None:
    ends = [math.inf, -math.inf, 5e-324, 1.7976931348623157e308, 0.1, 1e22, 2.0**53 + 2]
    rows = [(n, None, None, value, None, None, None, None) for n, value in enumerate(ends)]
    found = [row[3] for row in taken(rows)]
    assert [value.hex() for value in found] == [value.hex() for value in ends]
