"""A worker never outlives who started it, and a worker that cannot start is not started for ever."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import msgspec
import psutil
import pytest

from bot.supervisor import Supervisor
from shared.engine import Weights
from shared.errors import ModelUnavailable, WorkerCrashed
from shared.frames import Load, Run, encode
from tests.kit.models import Ask, Echo
from tests.kit.worker import warm

ECHO = "tests.kit.models:Echo"
PARENT = """
import asyncio, sys
from tests.kit.models import Ask, Echo
from tests.kit.worker import warm

async def main():
    async with warm(Echo) as predictor:
        busy = asyncio.create_task(predictor.predict(Echo, Ask(act=sys.argv[1], seconds=600), timeout=600))
        while not (await predictor.engine.status()).models[0].in_flight:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)
        print("worker", (await predictor.engine.status()).worker_pid, flush=True)
        await busy

asyncio.run(main())
"""


def running(pid: int) -> bool:
    """Tell whether a process runs; a zombie does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def ended(pid: int) -> None:
    """Wait until a process is gone."""
    async with asyncio.timeout(10):
        while running(pid):
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("act", ["sleep", "hold"])
async def test_a_worker_ends_with_a_parent_that_is_killed(act: str) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, act, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    assert parent.stdout is not None
    # After what it logs.
    while not (line := await parent.stdout.readline()).startswith(b"worker"):
        assert line, "it ended before it was at work"
    worker = int(line.split()[1])
    assert running(worker)
    parent.kill()
    await parent.wait()
    await ended(worker)


async def test_a_worker_ends_at_the_end_of_its_socket_in_the_midst_of_a_prediction() -> None:
    ours, theirs = socket.socketpair()
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.worker", str(theirs.fileno()), "cpu", "1"),
        pass_fds=[theirs.fileno()],
        cwd=Path(__file__).parents[2],
    )
    theirs.close()
    ours.sendall(encode(Load(1, "echo", ECHO, Weights(None, "1", "none"))))
    ours.sendall(encode(("run", 2, "echo", [Ask(act="sleep", seconds=600)])))
    # Its greeting, and that it has loaded.
    while b"loaded" not in ours.recv(4096):
        pass
    await asyncio.sleep(0.2)
    ours.close()
    async with asyncio.timeout(10):
        assert await worker.wait() == 0


async def test_nonsense_on_its_socket_ends_the_worker() -> None:
    ours, theirs = socket.socketpair()
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.worker", str(theirs.fileno()), "cpu", "1"),
        pass_fds=[theirs.fileno()],
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    theirs.close()
    ours.sendall(b"GET / HTTP/1.1\r\n\r\n")
    async with asyncio.timeout(10):
        _, errors = await worker.communicate()
    assert b"too large" in errors
    ours.close()


async def test_signals_to_the_whole_group_leave_the_worker_to_the_bot() -> None:
    async with warm(Echo) as predictor:
        pid = (await predictor.engine.status()).worker_pid
        assert pid is not None
        os.kill(pid, signal.SIGINT)
        os.kill(pid, signal.SIGTERM)
        assert (await predictor.predict(Echo, Ask("still here"), timeout=30)).pid == pid
    await ended(pid)


async def test_closing_ends_a_worker_that_is_busy() -> None:
    async with warm(Echo) as predictor:
        pid = (await predictor.engine.status()).worker_pid
        assert pid is not None
        busy = asyncio.create_task(predictor.predict(Echo, Ask(act="hold"), timeout=60))
        await asyncio.sleep(0.2)
    await ended(pid)
    await asyncio.gather(busy, return_exceptions=True)


async def test_the_end_is_noticed_while_a_grandchild_holds_the_socket() -> None:
    async with warm(Echo) as predictor:
        # Where it were not noticed, this would end by its deadline.
        with pytest.raises(WorkerCrashed):
            await predictor.predict(Echo, Ask(act="fork"), timeout=10)
        assert (await predictor.predict(Echo, Ask("next"), timeout=10)).text == "next"


async def test_workers_that_die_at_once_are_given_up_for_a_while(tmp_path: Path) -> None:
    deaths = 0
    # What the worker imports first is broken, as after a bad update.
    (tmp_path / "msgspec.py").write_text("raise SystemExit(9)")
    sys.path.insert(0, str(tmp_path))

    def on_death() -> None:
        nonlocal deaths
        deaths += 1

    up = asyncio.Event()
    supervisor = Supervisor("cpu", 1, on_answer=lambda _: None, on_up=up.set, on_death=on_death)
    try:
        supervisor.start()
        with pytest.raises(ModelUnavailable, match="cannot be started at the moment"):
            await supervisor.until_up()
        assert deaths > 2
        # Repaired, it comes back by itself.
        sys.path.remove(str(tmp_path))
        async with asyncio.timeout(30):
            await up.wait()
        await supervisor.until_up()
    finally:
        await supervisor.close()
    with pytest.raises(WorkerCrashed, match="stopped"):
        await supervisor.until_up()


def test_a_run_is_written_as_the_struct_that_the_worker_reads() -> None:
    body = msgspec.Raw(msgspec.msgpack.encode([Ask("a")]))
    assert encode(("run", 7, "echo", [Ask("a")], None)) == encode(Run(7, "echo", body))
