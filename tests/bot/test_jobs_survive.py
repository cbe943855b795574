"""Each due time is run once: by two bots on one database, and over kill -9 in the middle of a run."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from pkgutil import iter_modules

import pytest

import plugins
from bot.sandbox.server import Sandbox
from schedules.ledger import Ledger
from shared.database import Database
from shared.jobs import Jobs
from shared.migrate import migrate
from shared.schedule import Schedule
from shared.settings import Settings
from tests.kit.person import Person
from tests.kit.postgres import postgres

FOLDER = Path(__file__).parents[1] / "fixtures" / "jobs"
REPOSITORY = Path(__file__).parents[2]
RUNS = 1000
BOT = """
import asyncio, os, sys
from pathlib import Path
from schedules.clock import Clock
from schedules.ledger import Ledger
from schedules.runner import Runner
from shared.database import Database
from shared.plugin import Job

async def work(claim, job):
    with open(sys.argv[2], "a") as log:
        log.write(f"{claim.run.job_id} {claim.run.due_ms}\\n")

async def main():
    database = Database(sys.argv[1])
    job = Job(name="write", run=work, misfire="all")
    ledger = Ledger(database, instance=sys.argv[3], life="1")
    runner = Runner(ledger, lambda: {("toil", "write"): job}, work, slots=8)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    # As a bot has it: a database that is held for long by the other must not end it.
    async with Clock(runner):
        while not Path(sys.argv[4]).exists():
            await asyncio.sleep(0.05)
    await database.close()

asyncio.run(main())
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path}/hearth.db"
    else:
        with postgres() as url:
            yield Settings(_env_file=None, database_url=url).database  # type: ignore[call-arg]


def start(address: str, log: Path, name: str, end: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", BOT, address, str(log), name, str(end)],
        cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


async def test_two_bots_on_one_database_run_a_thousand_due_runs_once_each(
    address: str, tmp_path: Path
) -> None:
    database = Database(address)
    await migrate(database)
    past = Jobs(database, lambda: 1_700_000_000_000)
    entries = [
        await past.put("toil", "write", Schedule.read("every 1m"), key=str(n), misfire="all")
        for n in range(10)
    ]
    # A hundred due times of each job.
    until = entries[0].anchor_ms + 100 * 60_000
    stopped = Ledger(database, instance="x", life="1", now=lambda: until)
    log, end = tmp_path / "runs.log", tmp_path / "end"
    bots = [start(address, log, name, end) for name in ("one", "two")]
    try:
        for bot in bots:
            assert bot.stdout is not None
            assert bot.stdout.readline() == "ready\n"
        await stopped.advance()
        for entry in entries:
            await past.pause(entry.id, True)
        for bot in bots:
            assert bot.stdin is not None
            bot.stdin.write("go\n")
            bot.stdin.flush()
        async with asyncio.timeout(120):
            while not log.exists() or len(log.read_text().splitlines()) < RUNS:
                await asyncio.sleep(0.1)
        # Whatever they might run twice, they would now.
        await asyncio.sleep(0.5)
    finally:
        end.touch()
        for bot in bots:
            bot.communicate(timeout=30)
    ran = Counter(log.read_text().splitlines())
    assert len(ran) == RUNS
    assert set(ran.values()) == {1}
    states = Counter([run.state for entry in entries for run in await past.history(entry.id, 200)])
    assert states == {"done": RUNS}
    await database.close()


@contextmanager
def bot_on(sandbox: Sandbox, data: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the bot as a process of its own."""
    env = {
        **os.environ,
        "HEARTH_SANDBOX_API": sandbox.api_base,
        "HEARTH_SANDBOX_GATEWAY": sandbox.gateway_url,
        "HEARTH_SANDBOX_TOKEN": sandbox.bot_token,
        "HEARTH_DATA_DIR": str(data),
        "HEARTH_HTTP_PORT": "",
        "HEARTH_PLUGIN_FOLDERS": json.dumps([str(FOLDER)]),
        "HEARTH_DISABLED_PLUGINS": json.dumps([p.name for p in iter_modules(plugins.__path__)]),
        "HEARTH_INSTANCE": "the-one",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "bot.sandbox.bot_process"], cwd=REPOSITORY, env=env, stdin=subprocess.PIPE
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=20)


async def test_kill_9_in_mid_run_is_noticed_and_what_was_posted_is_not_posted_twice(tmp_path: Path) -> None:
    flag = tmp_path / "go"
    async with Sandbox(port=0) as sandbox:
        with bot_on(sandbox, tmp_path / "data") as process:
            admin = await Person.of(sandbox, "admin")
            await admin.waits_for_command("jobs", 30)
            added = await admin.slash("jobs add", job="toil/halves", schedule="every 1h", text=f"wait={flag}")
            number = int(added.text.split("number ")[1].split(":")[0])
            await admin.slash("jobs run", number=number)
            await admin.sees(lambda m: m.content.startswith("first half"))
            process.send_signal(signal.SIGKILL)
            await asyncio.to_thread(process.wait, 20)
        flag.touch()
        with bot_on(sandbox, tmp_path / "data"):
            await admin.sees(lambda m: any(e.get("title") == "second half" for e in m.embeds), 40)
            async with asyncio.timeout(20):
                while "🟢" not in (await admin.slash("jobs history", number=number)).text:
                    await asyncio.sleep(0.2)
            seen = await admin.history()
            assert sum(m.content.startswith("first half") for m in seen) == 1
            assert sum(any(e.get("title") == "second half" for e in m.embeds) for m in seen) == 1
            attempts = flag.with_suffix(".log").read_text().splitlines()
            assert [line.split()[0] for line in attempts] == ["1", "2"]
        await admin.close()
