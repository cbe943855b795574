"""Rows for any table, made from its columns alone: for tests that must have something in every table there is."""

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection, Table, insert, select

ODD: Final = "é 😀 中文 \n\t\"'\\ "
"""What must come through wherever texts go."""


def fill(connection: Connection, tables: Sequence[Table], rows: int = 2, start: int = 1) -> None:
    """Insert rows into each table, those referred to first; the first row has no null, the second as many as may be."""
    for table in tables:
        referred = {
            column.name: list(connection.execute(select(next(iter(column.foreign_keys)).column)).scalars())
            for column in table.columns
            if column.foreign_keys
        }
        for number in range(start, start + rows):
            row = {
                column.name: referred[column.name][(number - start) % len(referred[column.name])]
                if column.name in referred
                else _value(column, number, number == start + 1)
                for column in table.columns
            }
            connection.execute(insert(table).values(row))


def contents(connection: Connection, tables: Sequence[Table]) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of each table, in the order of their keys."""
    return {
        table.name: [
            tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key.columns))
        ]
        for table in tables
    }


def _value(column: sa.Column[Any], number: int, sparse: bool) -> Any:
    if sparse and column.nullable and not column.primary_key:
        return None
    match column.type:
        case sa.Boolean():
            return number % 2 == 1
        # Ids are counted from 1, as the databases do; others are as large as Discord's may be.
        case sa.BigInteger() if not (column.primary_key and column.name == "id"):
            return 2**63 - 1 - number
        case sa.Integer():
            return number
        case sa.Float():
            return number / 3 * 10**number
        case sa.LargeBinary():
            return bytes(range(256)) * number
        case sa.String() as text:
            return f"{number} {column.table.name} {ODD}"[: text.length or 10_000]
    raise AssertionError(f"no value for {column.type!r}")
