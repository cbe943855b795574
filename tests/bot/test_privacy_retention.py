"""What a card says of how long personal data is kept is true: a day after that it is gone, a day before it is there."""

import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest_asyncio
import sqlalchemy as sa
from sqlalchemy import Connection, Table, insert, select
from sqlalchemy.sql.visitors import iterate

from bot.assembly import assembled
from bot.core import Core
from bot.privacy_kinds import CORE_KINDS
from plugins.stock.settings import StockSettings
from schedules.retrain import FOLDER
from shared.backup_rows import tables
from shared.database import now_ms
from shared.durable import hold
from shared.feedback import DAYS
from shared.settings import Settings
from shared.tables import audit, job, news
from tests.kit.jobs import job_context
from tests.kit.personal import holds_a_person

DAY_MS: Final = 86_400_000
REMOVERS: Final = (("core", "sweep"), ("reviews", "sweep"), ("rollcall", "tidy"), ("stock", "alarms"))
CORE_DAYS: Final = {"pending": 1, "button": 1, "quota": 1}
"""As the core's own list says in words."""
UNTIL_REMOVED: Final = {job.name, news.name, audit.name}
"""Kept as long as what they are about: the list says so."""


@pytest_asyncio.fixture
async def core(tmp_path: Path) -> AsyncIterator[Core]:
    settings = Settings(_env_file=None, data_dir=tmp_path, http_port=None)
    async with assembled(settings, warm=False) as made:
        yield made


def promised(core: Core, there: dict[str, Table]) -> dict[str, int]:
    """Return for how many days each table is said to be kept, by the cards."""
    days = dict(CORE_DAYS)
    for plugin in core.plugins:
        for kept in plugin.card.keeps:
            statements = plugin.export_user(1)
            for name in kept.rows or statements:
                for table in asked_of(statements[name]):
                    assert kept.days is not None, f"{plugin.name} keeps {table} for ever"
                    days[table] = kept.days
    return days


def asked_of(statement: sa.Select[Any]) -> Iterator[str]:
    """Return the tables by whose columns a person's rows are chosen."""
    assert statement.whereclause is not None
    for part in iterate(statement.whereclause):
        if isinstance(part, sa.Column):
            yield part.table.name


async def test_personal_data_goes_when_its_time_is_over_and_not_before(core: Core, tmp_path: Path) -> None:
    async with core.database.begin() as connection:
        there = {t.name: t for own in (await connection.run_sync(tables)).values() for t in own}
    days = promised(core, there)
    personal = {name for name, table in there.items() if any(holds_a_person(c) for c in table.columns)}
    assert personal - UNTIL_REMOVED == set(days), "every table with people is on a card"
    async with core.database.begin() as connection:
        for name, table in there.items():
            for number, later in ((1, 1), (2, -1)):
                age = days[name] + later if name in days else 0
                at = now_ms() - age * DAY_MS
                await connection.run_sync(fill, table, number, at)
    for plugin, name in REMOVERS:
        await run(core, tmp_path, plugin, name)
    left: dict[str, list[int]] = {}
    async with core.database.begin() as connection:
        for name in days:
            person = next(column for column in there[name].columns if holds_a_person(column))
            values = (await connection.execute(select(person))).scalars()
            left[name] = sorted(int(str(value).removeprefix("person:")) for value in values)
    assert left == {name: [2] for name in days}


def test_the_cores_list_says_the_days_that_its_sweep_keeps_to() -> None:
    said = {name.removeprefix("core/"): kind.lasts.msgid for kind in CORE_KINDS for name in kind.rows}
    assert set(said) == set(CORE_DAYS) | UNTIL_REMOVED
    assert all("a day" in said[name] for name in CORE_DAYS)


async def test_a_data_file_of_a_killed_training_goes_and_one_under_way_stays(
    core: Core, tmp_path: Path
) -> None:
    folder = core.hands.folder("core") / FOLDER
    folder.mkdir()
    file = folder / "spam.csv"
    file.write_text("text,label\nsecret words,spam\n")
    held = hold(folder)
    assert held is not None
    await run(core, tmp_path, "core", "sweep")
    assert file.exists()
    os.close(held)
    await run(core, tmp_path, "core", "sweep")
    assert not file.exists()


def test_feedback_is_kept_for_two_years_at_most() -> None:
    assert DAYS == 730


def fill(connection: Connection, table: Table, number: int, at: int) -> None:
    """Add a row whose every time is `at`, and whose every other value is `number`, a person's id among them."""
    row: dict[str, Any] = {}
    for column in table.columns:
        match column.type:
            # An alarm that is due is told.
            case _ if table.name == "stock_alarm" and column.nullable:
                row[column.name] = None
            case sa.Boolean():
                row[column.name] = True
            case sa.Integer() if column.name == "expires_ms":
                row[column.name] = at + DAY_MS
            case sa.Integer() if column.name.endswith("_ms"):
                row[column.name] = at
            case sa.LargeBinary():
                row[column.name] = bytes(number)
            case sa.String() if column.name == "bucket":
                row[column.name] = f"person:{number}"
            case sa.String():
                row[column.name] = str(number)
            case _:
                row[column.name] = number
    connection.execute(insert(table).values(row))


async def run(core: Core, root: Path, plugin: str, name: str) -> None:
    found = core.plugins.get(plugin)
    settings = found.settings if found else core.settings
    if plugin == "stock":
        # Nobody is asked for prices: nothing listens there.
        settings = StockSettings(url="http://127.0.0.1:9/", allow=("127.0.0.0/8",), seconds=0.1)
    context, _ = job_context(plugin, core.database, root, settings=settings)
    await core.declared_jobs()[plugin, name].run(replace(context, learners=core.learners()))
