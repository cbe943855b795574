"""A guard over all that is kept: puts one made-up person into every column that can hold one, and looks where it stays.

    assert await unserved(core) == []

The tables are taken as they are in the database, so none is overlooked: one that `/privacy export` does not find, or
`/privacy forget` leaves, is named with the column. For authors of plugins, too.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection, Table, insert, select

from bot.core import Core
from bot.privacy_kinds import kinds
from bot.privacy_rows import MENTIONED, NOT_LOADED, OWNED, Found, export_user, forget_user
from shared.backup_rows import tables

MARK: Final = 887_766_554_433_221_100
"""The made-up person; others are the numbers above."""
WORDS: Final = "qZ7#"
"""Stands in every text of that person's rows; as short as the shortest column."""
LARGE: Final = 1_000_000_000
TIME: Final = 4_000_000_000_000
"""What the numbers of rows are added to."""
NOBODY: Final = re.compile(
    r"id|.+_ms|(guild|channel|message|interaction|application|session|job|run)_id|open_channel|enrolments|"
    r"shares|value|trades"
)
"""Large integers that are no person's id. Another needs a line here, or a name that says that it is one."""
BOTS: Final = frozenset({("pending", "owner"), ("job_run", "owner")})
"""Owners that are bots."""
HIDDEN: Final = {("quota", "bucket"): f"person:{MARK}"}
"""Columns that hold a person's id within a text."""
STAYS: Final[Mapping[str, str]] = {
    "audit": "a log that those could empty whom it is about would be of no use",
    "quota": "forgetting must be no way round it; it goes a day after the person last asked",
}
"""Tables that keep the person, and why."""
SERVERS: Final[Mapping[str, str]] = {
    "job": "a job is its server's; who had it run is forgotten",
    "news": "a channel that hears of trainings is its server's; who had it do so is forgotten",
    "rollcall_session": "a roll call is its server's; who opened it is forgotten",
}
"""Tables whose rows stay without the person."""


async def unserved(core: Core) -> list[str]:
    """Return what is wrong with how `core` serves people: each a sentence with table and column.

    Rows are written, and everything of the person is removed again.
    """
    async with core.database.begin() as connection:
        there = await connection.run_sync(lambda c: [t for own in tables(c).values() for t in own])
    wrong = [
        f"{table.name}.{column.name}: does it hold a person's id? Say so by its name, or in NOBODY"
        for table in there
        for column in table.columns
        if isinstance(column.type, sa.BigInteger)
        and not (NOBODY.fullmatch(column.name) or holds_a_person(column))
    ]
    # Each row is told by its number, which stands in all its columns but those of people.
    rows: dict[int, sa.Column[Any]] = {}
    async with core.database.begin() as connection:
        for number, table in enumerate(there, 1):
            await connection.run_sync(_fill, table, None, number)
        for number, column in enumerate((c for table in there for c in _people(table)), len(there) + 1):
            await connection.run_sync(_fill, column.table, column.name, number)
            rows[number] = column
    found = await export_user(core.database, core.plugins, MARK)
    wrong += _unnamed(core, found)
    exported = _numbers(found)
    wrong += [
        f"{column.table.name}.{column.name}: a row of the person is not exported"
        for number, column in rows.items()
        if exported.isdisjoint({LARGE + number, TIME + number})
    ]
    others = await _others(core, there)
    await forget_user(core, MARK)
    async with core.database.begin() as connection:
        for table in there:
            wrong += await connection.run_sync(_left, table)
    if lost := {name for name, count in (await _others(core, there)).items() if count < others[name]}:
        wrong += [f"{name}: rows of others went, too" for name in sorted(lost)]
    return wrong + list(left_in_files(core.settings.data_dir))


def left_in_files(folder: Path) -> Iterator[str]:
    """Say which files still hold the person's words; the database's own too, once they were removed from it."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and WORDS.encode() in path.read_bytes():
            yield f"{path.relative_to(folder)}: the person's words are in it"


def _unnamed(core: Core, found: Found) -> Iterator[str]:
    """Say what is exported and on no card, and the other way round."""
    named = {name for kind in kinds(core.plugins) for name in kind.rows}
    there = {name for name in found if not name.startswith(f"{NOT_LOADED}/")}
    yield from (f"{name}: is exported, but no card says that it is kept" for name in sorted(there - named))
    yield from (f"{name}: is on a card, but not exported" for name in sorted(named - there))


def _numbers(found: Found) -> set[int]:
    """Return all whole numbers in what is exported."""
    cells = (value for rows in found.values() for row in rows for value in row.values())
    return {value for value in cells if isinstance(value, int)}


async def _others(core: Core, there: Iterable[Table]) -> dict[str, int]:
    """Count the rows that are of other people alone."""
    counts = {}
    async with core.database.begin() as connection:
        for table in there:
            theirs = [column != _value_of(column, MARK) for column in _people(table)]
            # A row of another that names the person may go, where it cannot stand without.
            query = select(sa.func.count()).select_from(table).where(*theirs)
            counts[table.name] = (await connection.execute(query)).scalar_one()
    return counts


def holds_a_person(column: sa.Column[Any]) -> bool:
    """Tell whether a column holds people, by its name."""
    where = (column.table.name, column.name)
    named = OWNED.fullmatch(column.name) or MENTIONED.fullmatch(column.name)
    kinds = (sa.Integer, sa.String)
    return where in HIDDEN or bool(named and where not in BOTS and isinstance(column.type, kinds))


def _people(table: Table) -> list[sa.Column[Any]]:
    return [column for column in table.columns if holds_a_person(column)]


def _value_of(column: sa.Column[Any], user: int) -> int | str:
    if hidden := HIDDEN.get((column.table.name, column.name)):
        return hidden.replace(str(MARK), str(user))
    return str(user) if isinstance(column.type, sa.String) else user


def _fill(connection: Connection, table: Table, marked: str | None, number: int) -> None:
    """Add a row; the person is in the column `marked`, somebody else in every other one that holds people."""
    about = marked is not None and table.name not in {*STAYS, *SERVERS}
    row = {}
    for column in table.columns:
        if column.foreign_keys:
            target = next(iter(column.foreign_keys)).column
            row[column.name] = connection.execute(select(target).limit(1)).scalar_one()
        elif holds_a_person(column):
            row[column.name] = _value_of(column, MARK if column.name == marked else MARK + number)
        else:
            row[column.name] = _made_up(column, number, WORDS if about else "abcd")
    connection.execute(insert(table).values(row))


def _made_up(column: sa.Column[Any], number: int, words: str) -> Any:
    match column.type:
        case sa.Boolean():
            return True
        case sa.Integer() if column.name.endswith("_ms"):
            return TIME + number
        case sa.Integer():
            return LARGE + number
        case sa.Float():
            return float(number)
        case sa.LargeBinary():
            return words.encode() * 8
        case sa.String() as text:
            return f"{words}{number}"[: text.length or 10_000]
    raise AssertionError(f"no value for {column.type!r}")


def _left(connection: Connection, table: Table) -> list[str]:
    return [] if table.name in STAYS else list(_still_there(connection, table))


def _still_there(connection: Connection, table: Table) -> Iterator[str]:
    for column in table.columns:
        for value in connection.execute(select(column)).scalars():
            match value:
                case int() if value == MARK:
                    yield f"{table.name}.{column.name}: still holds the person"
                case str() if str(MARK) in value or WORDS in value:
                    yield f"{table.name}.{column.name}: still holds the person, or their words"
                case bytes() if WORDS.encode() in value:
                    yield f"{table.name}.{column.name}: still holds the person's words"
