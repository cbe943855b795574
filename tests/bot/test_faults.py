"""What breaks, breaks alone, and whoever waited is told: real processes are killed under real requests."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from bot.downloads import read
from bot.parse import Remote
from bot.sandbox.point import pointed_at
from bot.sandbox.server import Sandbox
from shared.errors import BadInput
from shared.settings import Quota, Settings
from tests.kit.answer import Answer
from tests.kit.house import house
from tests.kit.person import Person

FOLDER = Path(__file__).parents[1] / "fixtures" / "folder"
OTHERS = sorted(path.parent.name for path in (FOLDER.parents[2] / "plugins").glob("*/__init__.py"))
"""The plugins that ship, whose models a bot's process need not load here."""
GENEROUS = Quota(burst=10_000, per_minute=10_000)


def settings(tmp_path: Path, **changes: Any) -> Settings:
    values = {
        "data_dir": tmp_path / "data", "http_port": None, "plugin_folders": (FOLDER,),
        "person_quota": GENEROUS, "server_quota": GENEROUS, **changes,
    }  # fmt: skip
    return Settings(_env_file=None, **values)


def is_told(answer: Answer) -> bool:
    return answer.message.content.startswith("did ") or "id: `" in answer.message.content


async def test_kill_9_of_the_worker_with_64_in_flight_loses_nobody(tmp_path: Path) -> None:
    async with house(settings(tmp_path)) as home:
        person = await home.person()
        asked = [
            asyncio.create_task(person.slash("trial deed", what="sleep", seconds=0.05, within=30))
            for _ in range(64)
        ]
        await asyncio.sleep(0.5)
        pid = (await home.core.predictor.engine.status()).worker_pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        answers = await asyncio.gather(*asked)
        assert all(is_told(answer) for answer in answers)
        after = await person.slash("trial deed", what="echo", within=5)
        assert after.message.content == "did echo"


@pytest.mark.parametrize("bad", ["raise", "abort"])
async def test_a_deed_that_raises_or_aborts_fails_alone(tmp_path: Path, bad: str) -> None:
    async with house(settings(tmp_path)) as home:
        person = await home.person()
        deeds = ["echo"] * 5 + [bad] + ["echo"] * 5
        answers = await asyncio.gather(*(person.slash("trial deed", what=deed, within=30) for deed in deeds))
        said = [answer.message.content for answer in answers]
        assert said.count("did echo") == 10
        assert "id: `" in said[5]
        assert answers[5].ephemeral


async def test_a_deed_that_outsleeps_its_deadline_fails_alone(tmp_path: Path) -> None:
    async with house(settings(tmp_path)) as home:
        person = await home.person()
        late = asyncio.create_task(person.slash("trial hasty", seconds=15.0, within=30))
        await asyncio.sleep(0.3)
        others = await asyncio.gather(*(person.slash("trial deed", what="echo", within=30) for _ in range(5)))
        assert {answer.message.content for answer in others} == {"did echo"}
        assert "id: `" in (await late).message.content


async def test_a_model_that_refuses_says_why_without_an_id(tmp_path: Path) -> None:
    async with house(settings(tmp_path)) as home:
        answer = await (await home.person()).slash("trial deed", what="refuse")
        assert answer.message.content == "The picture holds no digit."


async def test_a_full_queue_says_busy_at_once(tmp_path: Path) -> None:
    async with house(settings(tmp_path, max_waiting=8)) as home:
        person = await home.person()
        asked = [
            asyncio.create_task(person.slash("trial deed", what="sleep", seconds=0.4, within=60))
            for _ in range(40)
        ]
        busy = await person.sees(lambda m: m.content.startswith("Busy"), within=5)
        assert busy.ephemeral
        answers = await asyncio.gather(*asked)
        assert {"did sleep"} < {answer.message.content for answer in answers}


async def test_an_answer_is_kept_until_discord_is_reached_again(tmp_path: Path) -> None:
    async with house(settings(tmp_path)) as home:
        person = await home.person()
        asked = asyncio.create_task(person.slash("trial deed", what="sleep", seconds=0.7, within=30))
        await person.sees(lambda m: m.loading)
        # Port 9 is that of "discard", where nothing listens.
        with pointed_at("http://127.0.0.1:9/api/v10", home.sandbox.gateway_url):
            await asyncio.sleep(2)
            assert not asked.done()
        assert (await asked).message.content == "did sleep"


@asynccontextmanager
async def bot_process(sandbox: Sandbox, folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    environment = {
        **os.environ,
        "HEARTH_DATA_DIR": str(folder), "HEARTH_HTTP_PORT": "", "HEARTH_INSTANCE": "test",
        "HEARTH_PLUGIN_FOLDERS": f'["{FOLDER}"]', "HEARTH_DISABLED_PLUGINS": json.dumps(OTHERS),
        "HEARTH_SANDBOX_API": sandbox.api_base, "HEARTH_SANDBOX_GATEWAY": sandbox.gateway_url,
        "HEARTH_SANDBOX_TOKEN": sandbox.bot_token,
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.sandbox.bot_process", env=environment, stdin=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_after_kill_9_of_the_bot_who_waited_is_told_and_no_worker_is_left(tmp_path: Path) -> None:
    async with Sandbox() as sandbox, Person.of(sandbox, "member-1") as person:
        async with bot_process(sandbox, tmp_path) as bot:
            await person.waits_for_command("trial", within=30)
            asked = asyncio.create_task(person.slash("trial slow", seconds=60.0, within=60))
            await person.sees(lambda m: "Cancel" in m.buttons)
            children = psutil.Process(bot.pid).children(recursive=True)
            assert children
            bot.kill()
            await bot.wait()
            _, alive = await asyncio.to_thread(psutil.wait_procs, children, 5)
            assert not alive
        async with bot_process(sandbox, tmp_path):
            answer = await asked
            assert "restarted" in answer.message.content
            assert "/trial slow" in answer.message.content
            await sandbox.wait_for_bot()
            again = await person.slash("trial ping", within=10)
            assert again.message.content == "pong"


async def test_who_waited_is_told_in_the_channel_where_the_token_is_gone_too(tmp_path: Path) -> None:
    async with (
        Sandbox() as sandbox,
        Person.of(sandbox, "member-1") as person,
        bot_process(sandbox, tmp_path) as bot,
    ):
        await person.waits_for_command("trial", within=30)
        asked = asyncio.create_task(person.slash("trial slow", seconds=60.0, within=60))
        await person.sees(lambda m: "Cancel" in m.buttons)
        bot.kill()
        await bot.wait()
        asked.cancel()
    # Another sandbox knows nothing of that interaction; its people and channels are the same.
    async with (
        Sandbox() as sandbox,
        Person.of(sandbox, "member-1") as person,
        bot_process(sandbox, tmp_path),
    ):
        told = await person.sees(lambda m: "restarted" in m.content, within=30)
        assert told.content.startswith(f"<@{person.id}> ")
        assert "/trial slow" in told.content


async def test_a_bot_that_is_stopped_tells_who_waits_before_it_goes(tmp_path: Path) -> None:
    async with (
        Sandbox() as sandbox,
        Person.of(sandbox, "member-1") as person,
        bot_process(sandbox, tmp_path) as bot,
    ):
        await person.waits_for_command("trial", within=30)
        asked = asyncio.create_task(person.slash("trial slow", seconds=60.0, within=60))
        await person.sees(lambda m: "Cancel" in m.buttons)
        bot.terminate()
        async with asyncio.timeout(5):
            assert await bot.wait() == 0
        assert "restarting" in (await asked).message.content


async def test_a_file_whose_download_breaks_off_is_to_be_sent_again(tmp_path: Path) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        await writer.drain()
        writer.close()

    async with (
        house(settings(tmp_path)) as home,
        await asyncio.start_server(hang_up, "127.0.0.1", 0) as there,
    ):
        port = there.sockets[0].getsockname()[1]
        remote = Remote("cat.png", f"http://127.0.0.1:{port}/cat.png", 100)
        asked: Any = SimpleNamespace(client=home.bot.client)
        with pytest.raises(BadInput, match="could not be read from Discord"):
            await read(asked, remote, 2**20)
