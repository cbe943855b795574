"""A backup with everything in it comes back the same, from either database to either."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, insert, select, text

from shared.backup import SECRET, back_up
from shared.backup_archive import Archive
from shared.backup_rows import tables
from shared.database import Database
from shared.errors import Refusal
from shared.fingerprint import Fingerprint
from shared.in_use import in_use
from shared.migrate import CORE, CORE_MIGRATIONS, lines, migrate, newest_revision, revisions, upgrade
from shared.model import Interval, Report
from shared.plugins import Plugins
from shared.restore import ACT, restore
from shared.settings import Settings
from shared.store import Store
from shared.tables import audit, button, watch
from shared.vault import Vault
from tests.kit.filled import contents, fill
from tests.kit.postgres import new_database, postgres

PLUGINS = {p.name: p.card.migrations for p in Plugins.discover() if p.card.migrations is not None}
FEW = {name: PLUGINS[name] for name in ("reviews", "spam")}
"""What does not need them all is quicker with these."""
Contents = dict[str, list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres() as url:
        yield url


def made(path: Path, plugins: dict[str, Path]) -> Path:
    """Make a SQLite file with every table of the core and these plugins, and no row."""

    async def make() -> None:
        async with opened(f"sqlite+aiosqlite:///{path}") as database:
            await make_tables(database, plugins)

    asyncio.run(make())
    return path


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("empty") / "hearth.db", PLUGINS)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("small") / "hearth.db", FEW)


@asynccontextmanager
async def opened(address: str) -> AsyncIterator[Database]:
    database = Database(address, "test")
    try:
        yield database
    finally:
        await database.close()


async def make_tables(database: Database, plugins: dict[str, Path]) -> None:
    await migrate(database)
    for name, folder in plugins.items():
        await migrate(database, name, folder)


def settings(folder: Path, database_url: str | None = None) -> Settings:
    return Settings(_env_file=None, data_dir=folder / "data", http_port=None, database_url=database_url)  # type: ignore[call-arg]


def everything(connection: Connection) -> Contents:
    return contents(connection, [table for own in tables(connection).values() for table in own])


async def rows_of(here: Settings) -> Contents:
    async with opened(here.database) as database, database.begin() as connection:
        return await connection.run_sync(everything)


def expected(rows: Contents) -> Contents:
    return {name: [] if name in SECRET else found for name, found in rows.items()}


def without_the_act(rows: Contents) -> Contents:
    """Leave out the line of the audit log by which a restore tells of itself."""
    act = [column.name for column in audit.columns].index("act")
    return {**rows, "audit": [row for row in rows["audit"] if row[act] != ACT]}


def models(here: Settings) -> Store:
    store = Store(here.models_dir)
    report = Report(
        n=3, metrics={"accuracy": Interval(0.9, 0.8, 1.0)}, baseline={"accuracy": 0.6},
        baseline_name="majority", losses=[0.0, 1.0, 0.0],
    )  # fmt: skip
    for content in ("one", "two"):
        with store.stage("spam") as folder:
            (folder / "deep").mkdir()
            (folder / "deep" / "weights.json").write_text(content)
            made = store.publish(
                "spam", folder, report=report, data=Fingerprint("rows.csv", "0" * 64, 3), licence="CC0",
                code="hearth 1", parent=None,
            )  # fmt: skip
        store.promote("spam", made.version, note=content)
    store.rollback("spam", note="went back")
    return store


def plugin_files(here: Settings) -> dict[str, bytes]:
    vault = Vault.of(here)
    files = {
        "reviews/kept/a-key/table": vault.seal(b"rows", "reviews/a-key/table"),
        "stock/months/host/2330/2020-01.json": b"{}",
        "image/檔案 1.txt": b"x" * 100_000,
    }
    cached = {"reviews/cache/embeddings.safetensors": b"again", "reviews/.half": b"half"}
    for name, data in (files | cached).items():
        path = here.data_dir / "plugins" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return files


def files_below(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


async def filled(folder: Path, empty: Path, database_url: str | None) -> Settings:
    here = settings(folder, database_url)
    here.data_dir.mkdir(parents=True)
    if database_url is None:
        shutil.copy(empty, here.data_dir / "hearth.db")
    async with opened(here.database) as database:
        if database_url is not None:
            await make_tables(database, PLUGINS)
        async with database.begin() as connection:
            owned = await connection.run_sync(tables)
            for own in owned.values():
                await connection.run_sync(fill, own, 3)
    return here


@pytest.mark.parametrize(
    ("source", "target"), [("sqlite", "sqlite"), ("sqlite", "postgresql"), ("postgresql", "sqlite")]
)
async def test_everything_comes_back_the_same(
    server: str, empty: Path, tmp_path: Path, source: str, target: str
) -> None:
    async def address(kind: str, name: str) -> str | None:
        if kind == "sqlite":
            return None
        return await new_database(server, f"{name} {source} {target}")

    here = await filled(tmp_path / "here", empty, await address(source, "from"))
    store, files = models(here), plugin_files(here)
    before = await rows_of(here)
    assert len(before) > 30
    assert all(len(rows) == 3 for rows in before.values())

    made = await back_up(here, tmp_path / "all.zip")
    assert made.left_out == []
    assert (tmp_path / "all.zip").stat().st_mode & 0o777 == 0o600
    key = (here.data_dir / "secret.key").read_bytes()
    assert key not in (tmp_path / "all.zip").read_bytes()
    assert not [name for name in made.manifest.files if "secret" in name or "cache" in name]

    there = settings(tmp_path / "there", await address(target, "to"))
    done = await restore(there, tmp_path / "all.zip", PLUGINS)
    assert done.rows == sum(len(rows) for rows in expected(before).values())
    assert without_the_act(await rows_of(there)) == expected(before)
    assert files_below(there.models_dir) == files_below(store.root)
    again = Store(there.models_dir)
    assert again.pointer("spam") == store.pointer("spam")
    assert [again.open("spam", version).is_dir() for version in again.versions("spam")] == [True, True]
    assert files_below(there.data_dir / "plugins") == files
    # New rows are numbered after those that came with their numbers.
    async with opened(there.database) as database, database.begin() as connection:
        last = (await connection.execute(select(func.max(audit.c.id)))).scalar_one()
        query = insert(audit).values(at_ms=1, act="after", details="{}").returning(audit.c.id)
        assert (await connection.execute(query)).scalar_one() == last + 1


async def test_a_backup_of_each_older_schema_comes_back_and_is_brought_up_to_date(tmp_path: Path) -> None:
    for revision in revisions(CORE_MIGRATIONS)[:-1]:
        here = settings(tmp_path / f"here-{revision}")
        async with opened(here.database) as database, database.begin() as connection:
            await connection.run_sync(upgrade, CORE, CORE_MIGRATIONS, revision)
            await connection.run_sync(lambda sync: fill(sync, tables(sync)[CORE]))
        before = await rows_of(here)
        file = tmp_path / f"{revision}.zip"
        made = await back_up(here, file)
        assert made.manifest.revisions == {CORE: revision}
        there = settings(tmp_path / f"there-{revision}")
        await restore(there, file, FEW)
        after = without_the_act(await rows_of(there))
        # No migration so far changes what a row says.
        assert {name: after[name] for name in before} == expected(before)
        async with opened(there.database) as database, database.begin() as connection:
            assert await connection.run_sync(lines) == {CORE: newest_revision()}


async def test_what_is_there_is_replaced_by_force_alone_and_then_wholly(small: Path, tmp_path: Path) -> None:
    here = await filled(tmp_path / "here", small, None)
    models(here)
    await back_up(here, tmp_path / "all.zip")
    there = await filled(tmp_path / "there", small, None)
    async with opened(there.database) as database, database.begin() as connection:
        row = {"user_id": 1, "plugin": "x", "command": "x", "arguments": "{}", "expires_ms": 1}
        await connection.execute(insert(button).values(id="of there", **row))
    plugin_files(there)
    with pytest.raises(Refusal, match="--force replaces it"):
        await restore(there, tmp_path / "all.zip", FEW)
    shutil.rmtree(there.data_dir / "plugins")
    with pytest.raises(Refusal, match="The database of this installation is not empty"):
        await restore(there, tmp_path / "all.zip", FEW)
    plugin_files(there)
    await restore(there, tmp_path / "all.zip", FEW, force=True)
    assert without_the_act(await rows_of(there)) == expected(await rows_of(here))
    assert files_below(there.data_dir / "plugins") == {}
    assert [path.name for path in there.data_dir.iterdir() if path.name.startswith(".restore")] == []


async def test_data_of_a_plugin_that_is_not_here_is_refused_or_left_out(small: Path, tmp_path: Path) -> None:
    here = await filled(tmp_path / "here", small, None)
    plugin_files(here)
    await back_up(here, tmp_path / "all.zip")
    fewer = {name: folder for name, folder in FEW.items() if name != "reviews"}
    there = settings(tmp_path / "there")
    with pytest.raises(Refusal, match="the plugin reviews, which is not here"):
        await restore(there, tmp_path / "all.zip", fewer)
    await restore(there, tmp_path / "all.zip", fewer, without=["reviews"])
    before = expected(await rows_of(here))
    assert without_the_act(await rows_of(there)) == {
        name: rows for name, rows in before.items() if not name.startswith("reviews_")
    }
    assert not [name for name in files_below(there.data_dir / "plugins") if name.startswith("reviews/")]


async def test_tables_of_a_plugin_that_is_gone_are_backed_up_and_dropped(small: Path, tmp_path: Path) -> None:
    here = settings(tmp_path / "here")
    here.data_dir.mkdir(parents=True)
    shutil.copy(small, here.data_dir / "hearth.db")
    async with opened(here.database) as database, database.begin() as connection:
        for statement in (
            "CREATE TABLE gone_version (version_num VARCHAR(32) NOT NULL)",
            "INSERT INTO gone_version VALUES ('0007')",
            "CREATE TABLE gone_thing (id INTEGER PRIMARY KEY, said TEXT, at DATETIME, more JSON)",
            "INSERT INTO gone_thing VALUES (1, 'x', '2026-01-02 03:04:05.000000', '{\"a\": [1]}')",
            # Nobody's: left where it is.
            "CREATE TABLE other (id INTEGER)",
        ):
            await connection.execute(text(statement))
    made = await back_up(here, tmp_path / "gone.zip")
    assert made.manifest.revisions["gone"] == "0007"
    with Archive.open(tmp_path / "gone.zip") as archive, archive.stream("tables/gone_thing.jsonl") as stream:
        assert stream.read(1000) == b'[1,"x","2026-01-02T03:04:05",{"a":[1]}]\n'
        assert stream.read(1000) == b""
    assert "other" not in made.manifest.tables
    await restore(here, tmp_path / "gone.zip", FEW, force=True, without=["gone"])
    async with opened(here.database) as database, database.begin() as connection:
        left = await connection.run_sync(
            lambda sync: sync.execute(
                text("SELECT name FROM sqlite_master WHERE name LIKE 'gone%' OR name = 'other'")
            )
        )
        assert [name for (name,) in left] == ["other"]


async def test_a_bot_that_runs_is_not_written_under(small: Path, server: str, tmp_path: Path) -> None:
    here = await filled(tmp_path / "here", small, None)
    await back_up(here, tmp_path / "all.zip")
    there = settings(tmp_path / "there")
    with in_use(there), pytest.raises(Refusal, match="A bot runs on"):
        await restore(there, tmp_path / "all.zip", FEW)
    # One of another machine, on the same PostgreSQL.
    shared = settings(tmp_path / "there", await new_database(server, "shared"))
    bot = Database(shared.database)
    await migrate(bot)
    with pytest.raises(Refusal, match="A bot is connected"):
        await restore(shared, tmp_path / "all.zip", FEW)
    await bot.close()
    await restore(shared, tmp_path / "all.zip", FEW)


async def test_a_character_that_postgresql_does_not_take_is_replaced(server: str, tmp_path: Path) -> None:
    here = settings(tmp_path / "here")
    async with opened(here.database) as database:
        await migrate(database)
        row = {"channel_id": 1, "changed_ms": 1}
        async with database.begin() as connection:
            await connection.execute(insert(watch).values(plugin="a\0b", **row))
    await back_up(here, tmp_path / "all.zip")
    there = settings(tmp_path / "there", await new_database(server, "without 0"))
    await restore(there, tmp_path / "all.zip", {})
    async with opened(there.database) as database, database.begin() as connection:
        assert (await connection.execute(select(watch.c.plugin))).scalars().all() == [
            "a\N{REPLACEMENT CHARACTER}b"
        ]
