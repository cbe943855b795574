"""The same bot on a real PostgreSQL: migrations, quotas, buttons, feedback, and two bots that start at once."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, select

from bot.privacy_rows import forget_rows
from plugins.spam.tables import feedback
from shared.database import Database
from shared.errors import QuotaExceeded
from shared.migrate import CORE_MIGRATIONS, migrate, migrate_back
from shared.plugins import Plugins
from shared.quota import Bucket, Buckets
from shared.settings import Quota, Settings
from shared.tables import metadata
from shared.texts import Text
from tests.kit.house import house
from tests.kit.postgres import postgres
from tests.kit.privacy import forget


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with postgres() as url:
        yield url


def differences(connection: Connection) -> list[object]:
    found = compare_metadata(MigrationContext.configure(connection), metadata)
    return [d for d in found if "_version" not in str(d)]


async def test_two_that_migrate_at_once_make_exactly_the_declared_tables(address: str) -> None:
    database = Database(Settings(_env_file=None, database_url=address).database)  # type: ignore[call-arg]
    try:
        await asyncio.gather(migrate(database), migrate(database))
        async with database.begin() as connection:
            assert await connection.run_sync(differences) == []
        await migrate_back(database, "base", "hearth", CORE_MIGRATIONS)
        await migrate(database)
    finally:
        await database.close()


async def test_many_at_once_take_exactly_what_there_is(address: str) -> None:
    database = Database(Settings(_env_file=None, database_url=address).database)  # type: ignore[call-arg]
    buckets, rule = Buckets(database), Bucket("person:7", Quota(burst=40, per_minute=1), Text("Later."))

    async def ask() -> bool:
        try:
            await database.transact(lambda connection: buckets.take(connection, (rule,), 0))
        except QuotaExceeded:
            return False
        return True

    try:
        await migrate(database)
        assert sum(await asyncio.gather(*(ask() for _ in range(60)))) == 40
    finally:
        await database.close()


async def test_a_message_is_scored_and_the_feedback_kept_and_forgotten(address: str, tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path, http_port=None, database_url=address)  # type: ignore[call-arg]
    async with house(settings) as home:
        person = await home.person()
        answer = await person.slash("spam score", text="WINNER! Call 09061701461 to claim your prize")
        assert "Noted: right" in (await person.press(answer, "Right")).text
        await person.press(answer, "Wrong")
        async with home.core.database.begin() as connection:
            rows = (await connection.execute(select(feedback.c.label))).scalars().all()
        assert rows == ["ham"]
        assert "Removed" in (await forget(person)).text
        admin = await home.person("admin")
        await admin.slash("hearth cooldown", plugin="spam", seconds=5)
        # SQLite's LIKE makes no difference between large and small letters, PostgreSQL's does.
        assert "cool-down" in (await admin.slash("audit list", about="Spam")).text


async def test_what_a_plugin_kept_that_is_gone_goes_whatever_its_tables_look_like(address: str) -> None:
    database = Database(Settings(_env_file=None, database_url=address).database)  # type: ignore[call-arg]
    user = 2**60
    try:
        await migrate(database)
        async with database.begin() as connection:
            for statement in (
                "CREATE TABLE gone_version (version_num VARCHAR(32) PRIMARY KEY)",
                "INSERT INTO gone_version VALUES ('0001')",
                # No id of Discord's fits the second column.
                "CREATE TABLE gone_album (user_id BIGINT PRIMARY KEY, author INTEGER)",
                "CREATE TABLE gone_page (owner_id BIGINT REFERENCES gone_album (user_id))",
                f"INSERT INTO gone_album VALUES ({user}, 1), (7, 2)",
                f"INSERT INTO gone_page VALUES ({user}), (7)",
            ):
                await connection.exec_driver_sql(statement)
        removed, found = await forget_rows(database, Plugins(()), user)
        assert removed == 2
        assert len(found["plugins-not-loaded/gone_album"]) == 1
        async with database.begin() as connection:
            for table in ("gone_page", "gone_album", "gone_version"):
                left = (await connection.exec_driver_sql(f"SELECT count(*) FROM {table}")).scalar_one()
                assert left == 1
                await connection.exec_driver_sql(f"DROP TABLE {table}")
    finally:
        await database.close()
