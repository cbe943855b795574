"""Shards over several processes: two bots on one sandbox and one database, each with its part, and jobs once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from pydantic import ValidationError
from sqlalchemy import func, select

from bot.app import Connected, connected
from bot.assembly import assembled
from bot.metrics import Metrics
from bot.sandbox.point import pointed_at
from bot.sandbox.server import Sandbox
from bot.sandbox.world import GUILD_ID
from shared.settings import Quota, Settings
from shared.tables import job_run
from tests.kit.person import Person

COUNT = 2
OWNER = (int(GUILD_ID) >> 22) % COUNT
"""The shard that the sandbox's server belongs to."""


def settings(folder: Path, shards: str) -> Settings:
    return Settings(
        _env_file=None,  # type: ignore[call-arg]
        data_dir=folder,
        shards=shards,
        http_port=None,
        person_quota=Quota(burst=10_000, per_minute=10_000),
        server_quota=Quota(burst=10_000, per_minute=10_000),
    )


@pytest_asyncio.fixture
async def bots(tmp_path: Path) -> AsyncIterator[tuple[Sandbox, list[Connected]]]:
    async with Sandbox(port=0) as sandbox, AsyncExitStack() as stack:
        with pointed_at(sandbox.api_base, sandbox.gateway_url):
            made = []
            for shard in range(COUNT):
                core = await stack.enter_async_context(
                    assembled(settings(tmp_path, f"{shard}/{COUNT}"), warm=False)
                )
                bot = connected(core, Metrics(), sandbox.bot_token, guild_ready_timeout=0.1)
                made.append(await stack.enter_async_context(bot))
            async with asyncio.timeout(30):
                for bot in made:
                    await bot.client.wait_until_ready()
            yield sandbox, made


async def test_each_bot_has_its_servers_and_jobs_run_once(
    bots: tuple[Sandbox, list[Connected]],
) -> None:
    sandbox, made = bots
    there = [[guild.id for guild in bot.client.guilds] for bot in made]
    assert there[OWNER] == [int(GUILD_ID)]
    assert there[1 - OWNER] == []
    assert all(bot.client.is_connected for bot in made)
    async with Person.of(sandbox, "admin") as admin:
        await admin.waits_for_command("jobs", within=20)
        # One bot answers in the server, the first in direct messages; nobody answers twice.
        assert (
            "number" in (await admin.slash("jobs add", job="core/say", schedule="every 1m", text="Tea")).text
        )
        direct = await admin.slash("privacy export", channel=await admin.open_direct())
        assert "kept of you" in direct.text
        listed = await admin.slash("jobs list")
        number = next(
            int(field["name"].split(" · ")[0])
            for field in listed.message.embeds[0]["fields"]
            if "core/say" in field["name"]
        )
        await admin.slash("jobs run", number=number)
        await admin.sees(lambda m: m.content == "Tea", within=20)
        await asyncio.sleep(3)
        assert sum(m.content == "Tea" for m in await admin.history()) == 1
        database = made[0].client._core.database
        async with database.begin() as connection:
            twice = (
                select(job_run.c.job_id, job_run.c.due_ms)
                .group_by(job_run.c.job_id, job_run.c.due_ms)
                .having(func.count() > 1)
            )
            assert (await connection.execute(twice)).all() == []


async def test_one_bot_s_end_leaves_the_other_s_servers_answered(
    bots: tuple[Sandbox, list[Connected]],
) -> None:
    sandbox, made = bots
    await made[1 - OWNER].client.close()
    async with Person.of(sandbox, "member-1") as member:
        answer = await member.slash("spam score", text="Meet me at eight at the station.", within=30)
        assert "Probability" in answer.text


@pytest.mark.parametrize("wrong", ["2/2", "1-0/4", "0-3", "a/b", "-1/2", "0/0"])
def test_shards_that_cannot_be_are_refused(wrong: str, tmp_path: Path) -> None:
    with pytest.raises(ValidationError):
        settings(tmp_path, wrong)


def test_shards_are_read_and_name_their_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEARTH_SHARDS", "4-7/16")
    found = Settings(_env_file=None, data_dir=tmp_path)  # type: ignore[call-arg]
    assert found.shards is not None
    assert list(found.shards.ids) == [4, 5, 6, 7]
    assert found.shards.count == 16
    assert found.instance.endswith("-4-of-16")
    monkeypatch.setenv("HEARTH_INSTANCE", "north")
    assert Settings(_env_file=None).instance == "north"  # type: ignore[call-arg]
