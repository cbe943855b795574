"""`hearth backup` and `hearth restore` as an operator types them, beside a bot that runs as a process of its own."""

import asyncio
import json
import os
import sqlite3
import sys
from dataclasses import dataclass
from pathlib import Path
from pkgutil import iter_modules

import plugins
from bot.sandbox.server import Sandbox
from tests.kit.person import Person

REPOSITORY = Path(__file__).parents[2]
FOLDER = Path(__file__).parents[1] / "fixtures" / "jobs"


@dataclass(frozen=True)
class Said:
    status: int
    out: str
    error: str


def environment(data: Path) -> dict[str, str]:
    return {
        **os.environ, "HEARTH_DATA_DIR": str(data), "HEARTH_HTTP_PORT": "", "HEARTH_INSTANCE": "the-one",
        "HEARTH_PLUGIN_FOLDERS": json.dumps([str(FOLDER)]),
        "HEARTH_DISABLED_PLUGINS": json.dumps([p.name for p in iter_modules(plugins.__path__)]),
    }  # fmt: skip


async def hearth(data: Path, *words: str | Path) -> Said:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.cli", *words, cwd=REPOSITORY, env=environment(data),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, error = await process.communicate()
    return Said(process.returncode or 0, out.decode(), error.decode())


async def test_from_a_bot_that_runs_to_a_new_installation(tmp_path: Path) -> None:
    data, there, file = tmp_path / "data", tmp_path / "there", tmp_path / "all.zip"
    async with Sandbox(port=0) as sandbox, Person.of(sandbox, "admin") as admin:
        bot = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot.sandbox.bot_process", cwd=REPOSITORY, stdin=asyncio.subprocess.PIPE,
            env={
                **environment(data),
                "HEARTH_SANDBOX_API": sandbox.api_base,
                "HEARTH_SANDBOX_GATEWAY": sandbox.gateway_url,
                "HEARTH_SANDBOX_TOKEN": sandbox.bot_token,
            },
        )  # fmt: skip
        try:
            await admin.waits_for_command("jobs", 30)
            await admin.slash("jobs add", job="core/say", schedule="9:00", text="Stand-up!", channel="models")
            made, listed = await asyncio.gather(hearth(data, "backup", file), admin.slash("jobs list"))
            assert "core/say" in listed.text
            assert (made.status, made.error) == (0, "")
            assert "The secret key is not in it" in made.out
            refused = await hearth(data, "restore", file)
            assert (refused.status, refused.out) == (1, "")
            assert refused.error == f"hearth: A bot runs on {data}: stop it first.\n"
        finally:
            bot.kill()
            await bot.wait()
    checked = await hearth(there, "restore", file, "--check", "--json")
    assert json.loads(checked.out)["rows"] > 3
    assert not (there / "hearth.db").exists()
    restored = await hearth(there, "restore", file)
    assert (restored.status, restored.error) == (0, "")
    with sqlite3.connect(there / "hearth.db") as connection:
        (said,) = connection.execute("SELECT arguments FROM job WHERE name = 'say'").fetchone()
    connection.close()
    assert json.loads(said) == {"text": "Stand-up!"}
    # Nothing of the bot that was killed holds its installation any more; there is something in it.
    refused = await hearth(data, "restore", file)
    assert (
        refused.error
        == "hearth: The database of this installation is not empty: --force replaces it wholly.\n"
    )
