"""Rows of any table as JSON Lines, one list a row, and back: the same whichever database they are from or go to.

Tables are taken as they are in the database, not as this version declares them: a backup may be older, and of a plugin
that is not here. Integers, numbers, texts and booleans are JSON's own; bytes are base64, times are ISO 8601, and
numbers that JSON has not are "inf", "-inf" and "nan".
"""

import base64
import math
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection, MetaData, Table, func, insert, select, text
from sqlalchemy.exc import DBAPIError

from shared.backup_archive import BadBackup, Checked, Column, EntryWriter, Kind
from shared.database_trouble import trouble_of
from shared.errors import Fault
from shared.migrate import CORE, lines, version_table
from shared.tables import metadata as core_metadata

BATCH: Final = 500
BATCH_BYTES: Final = 8 << 20
LINE_LIMIT: Final = 128 << 20
_ODD: Final = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}
_KINDS: Final[Sequence[tuple[type[sa.types.TypeEngine[Any]], Kind]]] = (
    (sa.Boolean, "boolean"), (sa.Integer, "integer"), (sa.Float, "number"), (sa.LargeBinary, "bytes"),
    (sa.DateTime, "time"), (sa.JSON, "json"), (sa.String, "text"),
)  # fmt: skip
_lists: Final = msgspec.json.Decoder(list[Any])
_encoder: Final = msgspec.json.Encoder()


def tables(connection: Connection) -> dict[str, list[Table]]:
    """Return the tables that are there, by the line of migrations that they belong to, those referred to first.

    The core's are those that it declares; a plugin's begin with its name. Others are nobody's: not Hearth's.
    """
    known = lines(connection)
    there = MetaData()
    there.reflect(connection)
    found: dict[str, list[Table]] = {line: [] for line in known}
    for table in there.sorted_tables:
        line = _line(table.name, known)
        if line is not None:
            found[line].append(table)
    return found


def _line(table: str, known: dict[str, str]) -> str | None:
    if table in {version_table(line) for line in known}:
        return None
    if table in core_metadata.tables:
        return CORE if CORE in known else None
    owners = [line for line in known if table.startswith(f"{line.replace('-', '_')}_")]
    return max(owners, key=len, default=None)


def columns(table: Table) -> tuple[Column, ...]:
    """Return the columns of a table, and how each is written. Raises `Fault` for one that cannot be."""
    return tuple(Column(str(column.name), _kind(table, column)) for column in table.columns)


def _kind(table: Table, column: sa.Column[Any]) -> Kind:
    for type_, kind in _KINDS:
        if isinstance(column.type, type_):
            return kind
    raise Fault(
        "The column {column} of {table} is of a type that a backup cannot hold ({type}).",
        column=column.name,
        table=table.name,
        type=str(column.type),
    )


def write_rows(connection: Connection, table: Table, out: EntryWriter) -> int:
    """Write every row, and return how many there were."""
    encoders = [_encoders[column.kind] for column in columns(table)]
    query = select(table).order_by(*table.primary_key.columns)
    count = 0
    for rows in connection.execution_options(yield_per=BATCH).execute(query).partitions():
        count += len(rows)
        out.write(
            b"".join(
                _encoder.encode(
                    [
                        None if value is None else encode(value)
                        for encode, value in zip(encoders, row, strict=True)
                    ]
                )
                + b"\n"
                for row in rows
            )
        )
    return count


def read_rows(connection: Connection, table: Table, source: Checked, stated: Sequence[Column]) -> int:
    """Insert every row, and return how many there were. Raises `BadBackup` where they do not fit the table."""
    there = {column.name: column.kind for column in columns(table)}
    if wrong := [each.name for each in stated if there.get(each.name) != each.kind]:
        raise BadBackup("{table} has no such column as {column}.", table=table.name, column=wrong[0][:80])
    count, statement = 0, insert(table)
    # What SQLite takes and PostgreSQL does not: a text with the character 0 in it.
    decoders = _decoders | ({"text": _without_nul} if connection.dialect.name == "postgresql" else {})
    for rows in _batches(table.name, source, stated, [decoders[each.kind] for each in stated]):
        try:
            connection.execute(statement, rows)
        except (DBAPIError, OverflowError) as error:
            if trouble_of(error) is not None:
                raise
            why = str(error.orig if isinstance(error, DBAPIError) else error)
            raise BadBackup(
                "The rows of {table} do not fit: {why}", table=table.name, why=why[:200]
            ) from None
        count += len(rows)
    _count_on(connection, table)
    return count


def _batches(
    table: str, source: Checked, stated: Sequence[Column], decoders: Sequence[Callable[[Any], Any]]
) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    size = 0
    while line := source.line(LINE_LIMIT):
        try:
            values = _lists.decode(line)
            if len(values) != len(stated):
                raise ValueError("another number of values than columns")
            batch.append(
                {
                    column.name: None if value is None else decode(value)
                    for column, decode, value in zip(stated, decoders, values, strict=True)
                }
            )
        except (msgspec.MsgspecError, ValueError, TypeError, RecursionError) as error:
            raise BadBackup(
                "A row of {table} cannot be read: {reason}", table=table, reason=str(error)
            ) from None
        size += len(line)
        if len(batch) == BATCH or size > BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _count_on(connection: Connection, table: Table) -> None:
    """Have PostgreSQL number new rows after those that were inserted with their numbers; SQLite does by itself."""
    if connection.dialect.name != "postgresql":
        return
    quoted = connection.dialect.identifier_preparer.format_table(table)
    for column in table.primary_key.columns:
        if not isinstance(column.type, sa.Integer):
            continue
        find = text("SELECT pg_get_serial_sequence(:table, :column)")
        sequence = connection.execute(find, {"table": quoted, "column": column.name}).scalar()
        if sequence is not None:
            last = connection.execute(select(func.max(column))).scalar()
            if last is not None:
                connection.execute(
                    text("SELECT setval(CAST(:name AS text)::regclass, :last)"),
                    {"name": sequence, "last": last},
                )


def _is(type_: type) -> Callable[[Any], Any]:
    def checked(value: Any) -> Any:
        # True is an int to Python, and to no column.
        if not isinstance(value, type_) or (isinstance(value, bool) and type_ is not bool):
            raise TypeError(f"{value!r:.40} is no {type_.__name__}")
        return value

    return checked


def _without_nul(value: Any) -> Any:
    return _text(value).replace("\0", "\N{REPLACEMENT CHARACTER}")


def _number_out(value: float) -> float | str:
    number = float(value)
    return number if math.isfinite(number) else str(number)


def _number_in(value: Any) -> float:
    if isinstance(value, str):
        return _ODD[value] if value in _ODD else _is(float)(value)
    if isinstance(value, bool):
        raise TypeError("a boolean is no number")
    return float(value)


_text: Final = _is(str)
_encoders: Final[dict[Kind, Callable[[Any], Any]]] = {
    "boolean": _is(bool),
    "integer": _is(int),
    "number": _number_out,
    "text": _text,
    "bytes": lambda value: base64.b64encode(value).decode(),
    "time": lambda value: value.isoformat(),
    "json": lambda value: value,
}
_decoders: Final[dict[Kind, Callable[[Any], Any]]] = {
    "boolean": _is(bool),
    "integer": _is(int),
    "number": _number_in,
    "text": _text,
    "bytes": lambda value: base64.b64decode(value, validate=True),
    "time": datetime.fromisoformat,
    "json": lambda value: value,
}
