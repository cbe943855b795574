"""Secrets are planted everywhere a bot has some, everything that can fail fails with them, and none is found again."""

import asyncio
import base64
import json
import os
import re
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from pkgutil import iter_modules
from urllib.parse import quote

import aiohttp
import pytest

import plugins
from bot.health import Health
from bot.metrics import Metrics
from bot.sandbox.server import Sandbox
from shared.redaction import BOT_ALONE
from tests.kit.models import Ask, Echo
from tests.kit.person import Person
from tests.kit.worker import warm

FIXTURE = Path(__file__).parents[1] / "fixtures" / "leaky"
REPOSITORY = Path(__file__).parents[2]
WAYS = ("bug", "fault", "refusal", "http", "predict", "crash", "labour", "thread")
# Within each secret stands what is looked for, which no way of writing it changes.
MARK = re.compile(r"Planted[A-Za-z]+X")
COMMANDS = """
import json, os, sys
from bot.cli import main
for line, changes in json.loads(sys.argv[1]):
    sys.argv = ["hearth", *line]
    os.environ.update(changes)
    for stream in (sys.stdout, sys.stderr):
        print("@@", *line, file=stream, flush=True)
    try:
        main()
    except SystemExit as end:
        print("status", end.code, file=sys.stderr, flush=True)
"""


def mark(name: str) -> str:
    return f"Planted{name}X"


def bot_token(name: str) -> str:
    """Return what has the form of a bot's token."""
    return f"MTIzNDU2Nzg5MDEyMzQ1Njc4.GaBcDe.{mark(name).ljust(38, '0')}"


@dataclass(frozen=True)
class Planted:
    """The environment of a process, full of secrets, and all of them in one text."""

    environment: dict[str, str]
    everything: str

    def leaks(self, text: str) -> list[str]:
        # Also as base64 of what was sealed or put into a header.
        found = set(MARK.findall(text))
        for word in re.findall(r"[A-Za-z0-9_-]{12,}", text):
            whole = word[: len(word) // 4 * 4] if len(word) % 4 == 1 else word + "=" * (-len(word) % 4)
            decoded = base64.urlsafe_b64decode(whole)
            found |= set(MARK.findall(decoded.decode(errors="ignore")))
        return sorted(found)


@pytest.fixture
def planted(tmp_path: Path) -> Planted:
    """Plant a secret in every place that may hold one."""
    place = tmp_path / "place"
    (place / "data").mkdir(parents=True)
    password = f'{mark("Password")}/w@"r\\d %é'
    key = base64.urlsafe_b64encode(f"{mark('Sealing')}".ljust(32, "0").encode()).decode()
    secrets = {
        "HEARTH_TOKEN": bot_token("Token"),
        "HEARTH_SECRET_KEY": key,
        "HEARTH_REVIEWS_SCRAPE_KEY": f"AIza{mark('Reviews')}",
        "POSTGRES_PASSWORD": password,
        "AWS_ACCESS_KEY_ID": f"AKIA{mark('Access')}",
        "AWS_SECRET_ACCESS_KEY": f"{mark('Aws')}/+",
        "AWS_SESSION_TOKEN": f"{mark('Session')}//",
        "HF_TOKEN": f"hf_{mark('Hub')}",
        "OTEL_EXPORTER_OTLP_HEADERS": f"api-key={mark('Traces')},authorization=Bearer%20{mark('Bearer')}",
    }
    inside = f"https://discord.com/api/webhooks/1234567/{mark('Webhook').ljust(60, '0')}"
    others = {
        "ALERTS_AT": inside,
        "UNUSED_DATABASE": f"postgresql://hearth:{quote(password, safe='')}@db/hearth",
        # It is not what the plugin takes, so the plugin is set aside, by an error that quotes it.
        "HEARTH_REVIEWS_SCRAPE_URL": f"https://api.example/reviews?key={mark('Query')}",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://otel:{mark('Endpoint')}@127.0.0.1:9",
    }
    (place / "token").write_text(bot_token("File") + "\n")
    (place / ".env").write_text(f'HEARTH_TRIAL_API_KEY="{mark("Dotenv")}"\n')
    (place / "data" / "secret.key").write_text(mark("Kept").ljust(44, "0"))
    interaction = f"aW50ZXJhY3Rpb246{mark('Interaction')}".ljust(80, "0")
    said = "\n".join(
        [
            *secrets.values(),
            *others.values(),
            mark("Bearer"),
            password,
            bot_token("File"),
            mark("Dotenv"),
            mark("Kept").ljust(44, "0"),
            f"PATCH /webhooks/1234/{interaction}/messages/@original",
            f"Authorization: Bot {mark('Header')}",
        ]
    )
    (place / "interaction").write_text(interaction)
    (place / "says").write_text(said, encoding="utf-8")
    few = [module.name for module in iter_modules(plugins.__path__) if module.name != "reviews"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("HEARTH_", "DISCORD_", "OTEL_"))}
    environment |= {
        **secrets,
        **others,
        "HEARTH_TOKEN_FILE": str(place / "token"),
        "HEARTH_DATA_DIR": str(place / "data"),
        "HEARTH_PLUGIN_FOLDERS": json.dumps([str(FIXTURE)]),
        "HEARTH_DISABLED_PLUGINS": json.dumps(few),
        "HEARTH_LOG_LEVEL": "debug",
        "LEAKY_SAYS": str(place / "says"),
        "PYTHONPATH": str(REPOSITORY),
        "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
    }
    return Planted(environment, said)


def test_what_is_looked_for_would_be_found(planted: Planted) -> None:
    assert len(planted.leaks(planted.everything)) == 18
    assert planted.leaks(base64.b64encode(f"user:{mark('Bearer')}".encode()).decode()) == [mark("Bearer")]


@asynccontextmanager
async def bot_on(sandbox: Sandbox, planted: Planted, folder: Path) -> AsyncIterator[None]:
    """Run the bot as a process of its own; what it writes goes to `out` and `err` in `folder`."""
    environment = {
        **planted.environment,
        "HEARTH_SANDBOX_API": sandbox.api_base,
        "HEARTH_SANDBOX_GATEWAY": sandbox.gateway_url,
        "HEARTH_SANDBOX_TOKEN": sandbox.bot_token,
        "HEARTH_HTTP_PORT": "0",
        "HEARTH_LOG_FORMAT": "json",
    }
    with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot.sandbox.bot_process"),
            cwd=folder / "place", env=environment, stdin=subprocess.PIPE, stdout=out, stderr=err,
        )  # fmt: skip
        try:
            yield
        finally:
            process.terminate()
            await process.wait()


async def served(log: Path, *paths: str) -> str:
    """Return the pages of health and metrics, whose port stands in the log."""
    (line,) = (each for each in log.read_text(encoding="utf-8").splitlines() if "health and metrics" in each)
    (port,) = re.findall(r"(?:\"port\": |port=)(\d+)", line)
    pages = []
    async with aiohttp.ClientSession() as http:
        for path in paths:
            async with http.get(f"http://127.0.0.1:{port}{path}") as response:
                pages.append(f"{response.status} {await response.text()}")
    return "\n".join(pages)


def rows(data: Path, query: str) -> list[tuple[int]]:
    """Ask the bot's database."""
    database = sqlite3.connect(f"file:{data / 'hearth.db'}?mode=ro", uri=True)
    try:
        return database.execute(query).fetchall()
    finally:
        database.close()


def kept(data: Path) -> str:
    """Return all that lies in the data folder, but for the key, which belongs there."""
    files = [path for path in data.rglob("*") if path.is_file() and path.name != "secret.key"]
    assert any(path.name == "hearth.db" for path in files)
    return "\n".join(path.read_bytes().decode("latin-1") for path in files)


async def test_a_bot_in_which_everything_fails_tells_no_secret(planted: Planted, tmp_path: Path) -> None:
    data, log = tmp_path / "place" / "data", tmp_path / "err"
    async with (
        Sandbox(port=0) as sandbox,
        bot_on(sandbox, planted, tmp_path),
        Person.of(sandbox, "admin") as person,
    ):
        await person.waits_for_command("leaky", 60)
        said = {way: await person.slash(f"leaky {way}", within=30) for way in WAYS}
        faults = [way for way, answer in said.items() if "id: `" in answer.text]
        assert faults == ["bug", "fault", "http", "predict", "crash", "labour"]
        assert "[redacted]" in said["refusal"].text
        for name in ("fail", "give_up"):
            await person.slash("jobs add", job=f"leaky/{name}", schedule="every 1h")
        shown = [await person.slash("plugins list"), await person.slash("jobs list")]
        for (number,) in rows(data, "SELECT id FROM job WHERE plugin = 'leaky'"):
            await person.slash("jobs run", number=number)
            async with asyncio.timeout(20):
                while not rows(data, f"SELECT id FROM job_run WHERE job_id={number} AND state='failed'"):
                    await asyncio.sleep(0.1)
            shown.append(await person.slash("jobs history", number=number))
        assert len(shown) == 4
        pages = await served(log, "/health/live", "/health/ready", "/metrics")
        stored = kept(data)
        chat = [m.raw for m in await person.history()] + [a.message.raw for a in (*said.values(), *shown)]
    assert "hearth_answers_total" in pages
    assert "leaky" in stored
    written = (tmp_path / "out").read_text(encoding="utf-8") + log.read_text(encoding="utf-8")
    assert written.count("[redacted]") > 50
    for where in (
        "RuntimeError",
        "uncaught in a thread",
        "worker died",
        "request failed",
        "ClientResponseError",
    ):
        assert where in written, where
    assert {
        "chat": planted.leaks(json.dumps(chat, ensure_ascii=False)),
        "log": planted.leaks(written),
        "pages": planted.leaks(pages),
        "data": planted.leaks(stored),
    } == {"chat": [], "log": [], "pages": [], "data": []}


def test_the_command_line_tells_no_secret_whatever_fails(planted: Planted, tmp_path: Path) -> None:
    archive, few = tmp_path / "backup.zip", {"OTEL_EXPORTER_OTLP_ENDPOINT": ""}
    password = quote(planted.environment["POSTGRES_PASSWORD"], safe="")
    # An address that nobody listens on, one that is none, and a setting that may not be.
    gone = {"HEARTH_DATABASE_URL": f"postgresql://hearth:{password}@127.0.0.1:9/hearth"}
    none = {"HEARTH_DATABASE_URL": f"nothing://hearth:{password}@127.0.0.1:x/y"}
    wrong = {"HEARTH_FETCH_ALLOW": json.dumps([gone["HEARTH_DATABASE_URL"]])}
    lines = [
        (["call", "leaky", "bug"], few),
        (["--debug", "call", "leaky", "fault"], few),
        (["plugins", "list", "--json"], few),
        (["backup", str(archive)], few),
        (["doctor", "--json"], gone),
        (["--debug", "jobs", "list", "--json"], gone),
        (["run"], gone),
        (["jobs", "list"], none),
        (["jobs", "list"], wrong),
        (["--debug", "jobs", "list"], wrong),
    ]
    done = subprocess.run(
        [sys.executable, "-c", COMMANDS, json.dumps(lines)],
        cwd=tmp_path / "place", env=planted.environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert (done.stdout.count("@@"), done.stderr.count("@@")) == (len(lines), len(lines)), done.stderr
    assert done.stderr.count("status 1\n") == len(lines) - 2, done.stderr
    for where in (
        "RuntimeError: outer [redacted]",
        "does not answer",
        "HEARTH_FETCH_ALLOW",
        "ValidationError",
    ):
        assert where in done.stderr, where
    assert '"quarantined"' in done.stdout
    with zipfile.ZipFile(archive) as opened:
        inside = "\n".join(opened.read(name).decode("latin-1") for name in opened.namelist())
    assert '"hearth"' in inside
    assert (planted.leaks(done.stdout), planted.leaks(done.stderr), planted.leaks(inside)) == ([], [], [])


async def test_what_a_check_of_health_raises_tells_no_secret(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in planted.environment.items():
        monkeypatch.setenv(name, value)

    async def broken() -> str | None:
        raise ConnectionError(planted.environment["POSTGRES_PASSWORD"])

    async with (
        Health("127.0.0.1", 0, {"database": broken}, Metrics()) as health,
        aiohttp.ClientSession() as http,
        http.get(f"http://127.0.0.1:{health.port}/health/ready") as response,
    ):
        body = await response.json()
    assert body["checks"]["database"] == "ConnectionError: [redacted]"


async def test_a_worker_finds_no_secret_that_the_bot_alone_needs(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = sorted(BOT_ALONE & planted.environment.keys())
    assert len(names) > 3
    for name in (*names, "HEARTH_DATA_DIR"):
        monkeypatch.setenv(name, planted.environment[name])
    async with warm(Echo) as predictor:
        found = [
            await predictor.predict(Echo, Ask(text=name, act="environment"), timeout=30.0)
            for name in (*names, "HEARTH_DATA_DIR")
        ]
    assert [each.text for each in found] == [*[""] * len(names), planted.environment["HEARTH_DATA_DIR"]]
