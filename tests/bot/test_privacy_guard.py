"""No table and no file keeps a person whom `/privacy export` does not find, or whom `/privacy forget` leaves."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.assembly import assembled
from bot.core import Core
from bot.privacy_rows import export_files, export_user, forget_user
from plugins.reviews.kept import KeptTable, Shelf
from plugins.reviews.model import Clustering
from shared.settings import Settings
from tests.kit.personal import MARK, SERVERS, STAYS, WORDS, left_in_files, unserved
from tests.kit.postgres import postgres

FORGETFUL = """
from collections.abc import Mapping, Sequence
from pathlib import Path
from sqlalchemy import BigInteger, Column, MetaData, String, Table, delete, select
from shared.plugin import Card, Kept, hookimpl

metadata = MetaData()
diary = Table("forgetful_diary", metadata, Column("id", BigInteger, primary_key=True), Column("user_id", BigInteger),
              Column("written_by", BigInteger), Column("text", String(100)))
visit = Table("forgetful_visit", metadata, Column("id", BigInteger, primary_key=True), Column("member_id", BigInteger))
fan = Table("forgetful_fan", metadata, Column("id", BigInteger, primary_key=True), Column("whom", BigInteger))

@hookimpl
def card():
    return Card(name="forgetful", summary="Keeps what it should not", keeps=(Kept("a diary", None, rows=("dairy",)),),
                migrations=Path(__file__).parent / "migrations")

@hookimpl
def export_user(user):
    return {"diary": select(diary).where(diary.c.user_id == user)}

@hookimpl
def forget_user(user):
    return [delete(diary).where(diary.c.user_id == user)]
"""
MIGRATION = """
import forgetful
from alembic import op

revision, down_revision, branch_labels, depends_on = "0001", None, None, None

def upgrade():
    forgetful.metadata.create_all(op.get_bind())

def downgrade():
    forgetful.metadata.drop_all(op.get_bind())
"""


def settings(tmp_path: Path, **more: Any) -> Settings:
    return Settings(_env_file=None, data_dir=tmp_path / "data", http_port=None, **more)


def forgetful(tmp_path: Path) -> Path:
    versions = tmp_path / "folder" / "forgetful" / "migrations" / "versions"
    versions.mkdir(parents=True)
    (versions / "0001_tables.py").write_text(MIGRATION)
    (tmp_path / "folder" / "forgetful" / "__init__.py").write_text(FORGETFUL)
    return tmp_path / "folder"


@pytest.mark.parametrize("off", [frozenset(), frozenset({"rollcall", "reviews", "stock", "spam"})])
async def test_every_column_with_a_person_is_exported_and_forgotten(
    tmp_path: Path, off: frozenset[str]
) -> None:
    async with assembled(settings(tmp_path), warm=False) as core:
        # Their tables are there, as after an update; only the plugins are not.
        for name in off:
            core.plugins.loaded.pop(name)
        assert await unserved(core) == []


async def test_the_same_holds_on_postgresql(tmp_path: Path) -> None:
    with postgres() as address:
        async with assembled(settings(tmp_path, database_url=address), warm=False) as core:
            assert await unserved(core) == []


async def test_a_plugin_that_forgets_a_table_a_column_or_an_id_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    folder = forgetful(tmp_path)
    async with assembled(settings(tmp_path, plugin_folders=(folder,)), warm=False) as core:
        assert core.plugins.get("forgetful"), core.plugins.quarantined
        wrong = await unserved(core)
    assert [line for line in wrong if not line.startswith("forgetful_")] == [
        "forgetful/diary: is exported, but no card says that it is kept",
        "forgetful/dairy: is on a card, but not exported",
        "hearth.db: the person's words are in it",
    ]
    assert {line.partition(":")[0] for line in wrong if "is not exported" in line} == {
        "forgetful_diary.written_by", "forgetful_visit.member_id",
    }  # fmt: skip
    assert {line.partition(":")[0] for line in wrong if "still holds" in line} == {
        "forgetful_diary.written_by", "forgetful_diary.text", "forgetful_visit.member_id",
    }  # fmt: skip
    assert "forgetful_fan.whom: does it hold a person's id? Say so by its name, or in NOBODY" in wrong


async def test_files_and_vectors_of_a_person_go_at_once_and_those_of_others_stay(tmp_path: Path) -> None:
    async with assembled(settings(tmp_path), warm=False) as core:
        folder = core.hands.folder("reviews")
        shelf = Shelf(folder, core.vault, core.database)
        table = KeptTable("cafe.csv", ("date", "review"), (("2024-01-01", WORDS),), 1, 0)
        mine = await shelf.put(table, Clustering([0], [], [], 0.0, b""), MARK)
        other = await shelf.put(table, Clustering([0], [], [], 0.0, b""), 5)
        cache = folder / "cache"
        cache.mkdir()
        (cache / "embeddings.safetensors").write_bytes(WORDS.encode())
        (cache / "embeddings-before.safetensors").write_bytes(WORDS.encode())
        files = await exported_files(core)
        assert list(files) == [f"reviews/{mine.key}.csv"]
        assert WORDS in files[f"reviews/{mine.key}.csv"].decode("utf-8-sig")
        await forget_user(core, MARK)
        assert [path.name for path in (folder / "kept").iterdir()] == [other.key]
        assert list(left_in_files(core.settings.data_dir)) == []
        assert await exported_files(core) == {}


async def exported_files(core: Core) -> Mapping[str, bytes]:
    return await export_files(core, MARK, await export_user(core.database, core.plugins, MARK))


def test_what_stays_is_a_short_list_with_reasons() -> None:
    assert set(STAYS) == {"audit", "quota"}
    assert set(SERVERS) == {"job", "news", "rollcall_session"}
    assert all(len(reason) > 30 for reason in [*STAYS.values(), *SERVERS.values()])
