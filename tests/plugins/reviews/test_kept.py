"""Kept tables last a day, are sealed, bounded, and forgotten with whom they belong to."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import update

from plugins import reviews as plugin
from plugins.reviews import kept as module
from plugins.reviews.intake import take_in
from plugins.reviews.kept import CUTS, DAY_MS, KeptTable, Opened, Shelf
from plugins.reviews.model import Clustering, Topic
from plugins.reviews.settings import ReviewsSettings
from plugins.reviews.tables import kept, metadata
from shared.database import Database
from shared.errors import BadInput
from shared.vault import Vault
from tests.kit.jobs import job_context
from tests.plugins.reviews.made import reviews, rows_of, table

USER = 5


@pytest_asyncio.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    found = Database(f"sqlite+aiosqlite:///{tmp_path}/test.db")
    async with found.begin() as connection:
        await connection.run_sync(metadata.create_all)
    yield found
    await found.close()


@pytest.fixture
def shelf(tmp_path: Path, database: Database) -> Shelf:
    return Shelf(tmp_path / "plugins" / "reviews", Vault(bytes(32)), database)


async def put(shelf: Shelf) -> Opened:
    intake = take_in(table(("id", "date", "review"), *rows_of(reviews(20))))
    found = Clustering([0] * 20, [Topic(0, 20, ["soup"], [3])], [(0.5, 0.25)] * 20, 0.0, b"tree")
    return await shelf.put(KeptTable.of("cafe.csv", intake), found, USER)


def folders(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "plugins" / "reviews" / "kept").iterdir())


async def test_what_is_kept_comes_back_and_nobody_can_read_the_file(shelf: Shelf, tmp_path: Path) -> None:
    opened = await put(shelf)
    again = await shelf.find(opened.key, opened.cut)
    assert again == opened
    assert again.table.intake().texts[0] == reviews(20)[0][1]
    (folder,) = folders(tmp_path)
    assert len(list(folder.iterdir())) == 2
    assert not any(b"2024" in path.read_bytes() for path in folder.iterdir())
    (folder / opened.cut).write_bytes((folder / "table").read_bytes())
    with pytest.raises(BadInput, match="not kept any more"):
        await shelf.find(opened.key, opened.cut)


async def test_another_cut_is_kept_beside_and_the_oldest_go(shelf: Shelf, tmp_path: Path) -> None:
    opened = await put(shelf)
    for number in range(CUTS + 2):
        other = await shelf.put_cut(opened, Clustering([number] * 20, [], [], 0.0, b""))
    (folder,) = folders(tmp_path)
    assert len(list(folder.iterdir())) == CUTS + 1
    assert (await shelf.find(other.key, other.cut)).clustering.topic[0] == CUTS + 1
    with pytest.raises(BadInput, match="not kept any more"):
        await shelf.find(opened.key, opened.cut)


@pytest.mark.parametrize("key", ["nothing", "..", "../../secret", "a/b", ""])
async def test_a_key_that_is_none_opens_nothing(shelf: Shelf, key: str) -> None:
    opened = await put(shelf)
    with pytest.raises(BadInput, match="not kept any more"):
        await shelf.find(key, opened.cut)
    with pytest.raises(BadInput, match="not kept any more"):
        await shelf.find(opened.key, key)


async def test_after_a_day_it_cannot_be_opened_and_the_sweep_removes_it(
    shelf: Shelf, database: Database, tmp_path: Path
) -> None:
    old, fresh = await put(shelf), await put(shelf)
    async with database.begin() as connection:
        await connection.execute(
            update(kept).where(kept.c.id == old.key).values(created_ms=kept.c.created_ms - DAY_MS)
        )
    with pytest.raises(BadInput, match="not kept any more"):
        await shelf.find(old.key, old.cut)
    job = next(job for job in plugin.jobs() if job.name == "sweep")
    context, _ = job_context("reviews", database, tmp_path, settings=ReviewsSettings())
    await job.run(context)
    assert [folder.name for folder in folders(tmp_path)] == [fresh.key]
    assert await shelf.find(fresh.key, fresh.cut)


async def test_what_a_person_had_forgotten_is_gone(shelf: Shelf, database: Database, tmp_path: Path) -> None:
    opened = await put(shelf)
    (query,) = plugin.export_user(USER).values()
    async with database.begin() as connection:
        assert [row.id for row in await connection.execute(query)] == [opened.key]
        for statement in plugin.forget_user(USER):
            await connection.execute(statement)
    with pytest.raises(BadInput, match="not kept any more"):
        await shelf.find(opened.key, opened.cut)
    assert await shelf.sweep() == 1
    assert not folders(tmp_path)


async def test_beyond_the_bound_the_oldest_goes(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = await put(shelf)
    os.utime(tmp_path / "plugins" / "reviews" / "kept" / old.key, (1, 1))
    monkeypatch.setattr(module, "MAX_BYTES", 1)
    fresh = await put(shelf)
    assert [folder.name for folder in folders(tmp_path)] == [fresh.key]
