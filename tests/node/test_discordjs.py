"""discord.js, which shares no code with discord.py, logs in to the sandbox and answers a person."""

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pytest
import pytest_asyncio

from bot.sandbox.rest import Exchange
from bot.sandbox.server import Sandbox
from tests.bot.sandbox.openapi import Description, description_path
from tests.kit.person import File, Person
from tests.node.installed import HERE, installed_folder

pytestmark = pytest.mark.node


@pytest.fixture(scope="module")
def installed() -> Path:
    """A folder with the bot's script and discord.js."""
    folder = installed_folder()
    shutil.copy(HERE / "bot.js", folder)
    return folder


@dataclass
class NodeBot:
    """The process of the discord.js bot, and what it said."""

    process: asyncio.subprocess.Process
    said: list[dict[str, Any]] = field(default_factory=list)

    async def says(self, event: str) -> dict[str, Any]:
        """Read what it says until it says this."""
        assert self.process.stdout is not None
        async with asyncio.timeout(20):
            while line := await self.process.stdout.readline():
                self.said.append(json.loads(line))
                assert self.said[-1]["event"] != "failed", self.said[-1]
                if self.said[-1]["event"] == event:
                    return self.said[-1]
        raise AssertionError(f"it ended before it said {event}: {self.said}")


@dataclass
class Stage:
    """A sandbox, the bot on it, a person, and the traffic between them."""

    sandbox: Sandbox
    bot: NodeBot
    person: Person
    traffic: list[Exchange]

    @classmethod
    @asynccontextmanager
    async def set_up(cls, folder: Path, **environment: str) -> AsyncIterator[Self]:
        """Start everything and wait until the bot is ready."""
        traffic: list[Exchange] = []
        async with Sandbox(recorder=traffic.append, guild_locale="zh-TW") as sandbox:
            process = await asyncio.create_subprocess_exec(
                "node",
                "bot.js",
                cwd=folder,
                env={
                    **os.environ,
                    "SANDBOX_BASE": sandbox.page_base,
                    "SANDBOX_TOKEN": sandbox.bot_token,
                    **environment,
                },
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            bot = NodeBot(process)
            try:
                await bot.says("ready")
                async with Person.of(sandbox, "member-1", locale="zh-TW") as person:
                    yield cls(sandbox, bot, person, traffic)
            finally:
                assert process.stdin is not None
                process.stdin.close()
                try:
                    async with asyncio.timeout(5):
                        await process.wait()
                except TimeoutError:
                    process.kill()
                    await process.wait()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stage(installed: Path) -> AsyncIterator[Stage]:
    """One running bot for all tests: node takes a second to start."""
    async with Stage.set_up(installed) as running:
        yield running


in_one_loop = pytest.mark.asyncio(loop_scope="module")


@in_one_loop
async def test_it_logs_in_and_registers(stage: Stage) -> None:
    ready = next(said for said in stage.bot.said if said["event"] == "ready")
    assert ready == {"event": "ready", "user": "Hearth", "guilds": ["Hearth Sandbox"], "commands": 9}


@in_one_loop
async def test_slash_commands_bring_options_of_every_type(stage: Stage) -> None:
    assert (await stage.person.slash("ping")).text == "pong"
    answer = await stage.person.slash(
        "everything all",
        text="hello",
        count=3,
        ratio=0.5,
        flag=True,
        user="member-2",
        place="models",
        role="Members",
        file=File("a.txt", b"alpha"),
    )
    expected = [
        "all",
        "hello",
        3,
        0.5,
        True,
        "member-2",
        "models",
        "Members",
        "a.txt",
        "alpha",
        "zh-TW",
        "zh-TW",
    ]
    assert json.loads(answer.text) == expected


@in_one_loop
async def test_autocomplete_suggests(stage: Stage) -> None:
    assert [c["value"] for c in await stage.person.complete("suggest", "word", "ban")] == ["bana", "banb"]


@in_one_loop
async def test_a_menu_brings_its_message(stage: Stage) -> None:
    said = await stage.person.say("read me")
    assert (await stage.person.menu("Inspect", said)).text == "member-1: read me"


@in_one_loop
async def test_a_form_brings_its_text(stage: Stage) -> None:
    opened = await stage.person.slash("form")
    assert (await stage.person.submit(opened, story="once")).text == "story: once"


@in_one_loop
async def test_buttons_and_selects_work(stage: Stage) -> None:
    panel = await stage.person.slash("panel")
    assert (await stage.person.choose(panel, ["a", "b"])).text == "a,b"
    later = await stage.person.press(panel, "Later")
    await later.until(lambda a: a.message.content == "later")
    assert (await stage.person.press(panel, "Update")).message.content == "updated"


@in_one_loop
async def test_files_are_sent(stage: Stage) -> None:
    message = (await stage.person.slash("picture")).message
    assert await stage.person.download(message.embeds[0]["image"]) == b"not a picture"
    assert [(a["filename"], a["description"]) for a in message.attachments] == [("b.csv", "A table")]
    assert (await stage.bot.says("sent"))["attachments"] == ["b.csv"]


@in_one_loop
async def test_answers_are_followed_up_edited_and_deleted(stage: Stage) -> None:
    answer = await stage.person.slash("follow")
    await answer.until(lambda a: [m.content for m in a.messages] == ["second, edited", "third"])
    assert answer.messages[1].ephemeral


@in_one_loop
async def test_what_discord_refuses_has_its_code(stage: Stage) -> None:
    assert (await stage.person.slash("wrong")).text == "right"
    assert (await stage.bot.says("refused"))["codes"] == [50035, 40060]


@in_one_loop
async def test_it_hears_and_answers_messages(stage: Stage) -> None:
    said = await stage.person.say("hello")
    await stage.person.sees(lambda m: m.content == "you said hello!")
    await stage.person.sees(lambda m: m.id == said.id and bool(m.raw.get("reactions")))


@in_one_loop
async def test_it_resumes_after_a_drop(stage: Stage) -> None:
    stage.sandbox.drop_gateway()
    await stage.bot.says("resumed")
    assert (await stage.person.slash("ping")).text == "pong"


@in_one_loop
async def test_its_traffic_is_as_described(stage: Stage) -> None:
    description = Description(description_path())
    assert len(stage.traffic) > 20
    faults = [fault for exchange in stage.traffic for fault in description.faults(exchange)]
    assert not faults, "\n".join(faults)


async def test_it_takes_the_gateway_compressed(installed: Path) -> None:
    async with Stage.set_up(installed, SANDBOX_ZLIB="1") as stage:
        assert (await stage.person.slash("ping")).text == "pong"
