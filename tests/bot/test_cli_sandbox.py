"""`hearth sandbox` as a newcomer starts it: it says where it is, answers, and leaves nothing behind."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.kit.person import Person

ROOT = Path(__file__).parents[2]


def start(folder: Path, *more: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "bot.cli", "sandbox", "--port", "0", "--no-open", "--data-dir", str(folder), *more],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True,
        env={**os.environ, **environment},
    )  # fmt: skip


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
async def test_it_answers_and_stops_within_five_seconds_with_all_its_processes(
    tmp_path: Path, stop: signal.Signals
) -> None:
    process = start(tmp_path)
    assert process.stdout is not None
    url = await asyncio.to_thread(process.stdout.readline)
    assert url.startswith("http://127.0.0.1:")
    assert await asyncio.to_thread(process.stdout.readline) == "ready\n"
    async with Person(url.strip(), "member-1") as person:
        await person.waits_for_command("spam")
        answer = await person.slash("spam score", text="see you at eight")
        assert answer.message.embeds[0]["title"]
    family = psutil.Process(process.pid).children(recursive=True)
    assert len(family) >= 2
    if stop is signal.SIGINT:
        # A terminal sends it to the whole group.
        os.killpg(process.pid, stop)
    else:
        process.send_signal(stop)
    await asyncio.to_thread(process.wait, 5)
    _, alive = await asyncio.to_thread(psutil.wait_procs, family, 5)
    assert not alive
    with process:
        assert process.stderr is not None
        log = process.stderr.read()
    if stop is not signal.SIGKILL:
        # A killed sandbox takes the bot's connection away from under it, which discord.py logs at length.
        assert "Traceback" not in log, log


def test_it_refuses_to_start_beside_a_real_token(tmp_path: Path) -> None:
    process = start(tmp_path, DISCORD_TOKEN="x" * 24 + ".abcdef." + "y" * 30)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert out == ""
    assert len(err.strip().splitlines()) == 1
    assert "y" * 30 not in err


async def test_a_port_that_is_taken_is_said_in_one_line(tmp_path: Path) -> None:
    server = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    process = start(tmp_path, "--port", str(port))
    _, err = await asyncio.to_thread(process.communicate, None, 30)
    server.close()
    assert process.returncode == 1
    assert f"Port {port} cannot be used" in err
    assert len(err.strip().splitlines()) == 1


async def test_a_bot_that_is_killed_is_started_again_and_the_page_keeps_its_messages(tmp_path: Path) -> None:
    process = start(tmp_path)
    assert process.stdout is not None
    url = (await asyncio.to_thread(process.stdout.readline)).strip()
    await asyncio.to_thread(process.stdout.readline)
    async with Person(url, "member-1") as person:
        await person.waits_for_command("spam")
        await person.say("still here")
        (bot,) = [
            p for p in psutil.Process(process.pid).children() if "bot.sandbox.bot_process" in p.cmdline()
        ]
        bot.kill()
        assert "started again" in await asyncio.to_thread(process.stdout.readline)
        assert await asyncio.to_thread(process.stdout.readline) == "ready\n"
        answer = await person.slash("spam score", text="see you at eight", within=30)
        assert answer.message.embeds[0]["title"]
        assert "still here" in [m.content for m in await person.history()]
        (bot,) = [
            p for p in psutil.Process(process.pid).children() if "bot.sandbox.bot_process" in p.cmdline()
        ]
        bot.kill()
        # The second time in a row is not at once.
        said = await asyncio.to_thread(process.stdout.readline)
        assert said == "The bot was killed again; it is started again in 1 s.\n"
        assert await asyncio.to_thread(process.stdout.readline) == "ready\n"
    process.terminate()
    await asyncio.to_thread(process.communicate, None, 20)
    assert process.returncode == 0
