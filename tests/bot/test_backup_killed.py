"""A backup or a restore that is killed, or has no room, leaves what was there; a running bot is not in its way."""

import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.engine import Connection

from shared.backup import back_up
from shared.backup_archive import Archive
from shared.database import Database
from shared.errors import Busy
from shared.in_use import in_use
from shared.migrate import migrate
from shared.restore import finish_interrupted, restore
from shared.settings import Settings
from shared.tables import quota, watch
from tests.kit.postgres import new_database, postgres

REPOSITORY = Path(__file__).parents[2]
ROWS = 5_000
WRITER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
number = 0
while True:
    connection.execute("BEGIN IMMEDIATE")
    # Each transaction writes one row to each of two tables: a snapshot has as many of the one as of the other.
    connection.execute("INSERT INTO watch VALUES ('x', ?, NULL, 0)", (number,))
    connection.execute("INSERT INTO quota VALUES (?, 0, 0, 0, 0)", (f"x{number}",))
    connection.execute("COMMIT")
    number += 1
    print(number, flush=True)
"""

SCRIPT = """
import asyncio, sys
from pathlib import Path
from shared.backup import back_up
from shared.restore import restore
from shared.settings import Settings

def run(coroutine):
    try:
        asyncio.run(coroutine)
    except OSError as error:
        sys.exit(str(error))

here = Settings(_env_file=None, data_dir=Path(sys.argv[1]), database_url=sys.argv[2])
file = Path(sys.argv[3])
"""
BACKUP = "back_up(here, file, force=True)"
RESTORE = "restore(here, file, {}, force=True)"


def settings(folder: Path, url: str | None = None) -> Settings:
    return Settings(_env_file=None, data_dir=folder, http_port=None, database_url=url)  # type: ignore[call-arg]


async def filled(here: Settings, word: str, rows: int = ROWS) -> None:
    database = Database(here.database)
    await migrate(database)
    values = [{"plugin": word, "channel_id": n, "changed_ms": 0} for n in range(rows)]

    def work(connection: Connection) -> None:
        if values:
            connection.execute(watch.insert(), values)

    await database.transact(work)
    await database.close()
    for part in ("plugins/stock", "models/spam"):
        (here.data_dir / part).mkdir(parents=True)
    (here.data_dir / "plugins" / "stock" / "word.txt").write_text(word)
    (here.data_dir / "models" / "spam" / "champion.json").write_text(json.dumps({"trail": [], "changes": []}))


async def word_of(here: Settings) -> tuple[set[str], str]:
    """Return which words the rows have, and which the file has."""
    database = Database(here.database, "test")

    def work(connection: Connection) -> set[str]:
        return set(connection.execute(select(watch.c.plugin).distinct()).scalars())

    words = await database.transact(work)
    await database.close()
    return words, (here.data_dir / "plugins" / "stock" / "word.txt").read_text()


@contextmanager
def process(
    code: str, here: Settings, file: Path, limit: int | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Run one of the two in a process of its own; `limit`: no file of its may be larger, as on a full disk."""
    running = subprocess.Popen(
        [sys.executable, "-c", f"{SCRIPT}\nrun({code})", str(here.data_dir), here.database, str(file)],
        cwd=REPOSITORY, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=None if limit is None else lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )  # fmt: skip
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


def killed_once(running: subprocess.Popen[str], folder: Path, pattern: str, delay: float) -> None:
    """Kill the process `delay` seconds after a file or folder of this pattern has come."""
    until = time.monotonic() + 60
    while not list(folder.glob(pattern)):
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < until
        time.sleep(0.002)
    time.sleep(delay)
    running.send_signal(signal.SIGKILL)
    running.wait()


async def test_kill_9_in_mid_backup_leaves_no_file_of_that_name(tmp_path: Path) -> None:
    here = settings(tmp_path / "here")
    await filled(here, "here")
    for delay in (0.0, 0.05):
        with process(BACKUP, here, tmp_path / "all.zip") as running:
            killed_once(running, tmp_path, ".all.zip.*.part", delay)
            assert not (tmp_path / "all.zip").exists()
    await back_up(here, tmp_path / "all.zip")
    with Archive.open(tmp_path / "all.zip") as archive:
        archive.verify()


async def test_a_backup_that_has_no_room_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    here = settings(tmp_path / "here")
    await filled(here, "here")
    before = (tmp_path / "all.zip").write_bytes(b"an older one")
    (here.data_dir / "plugins" / "stock" / "large").write_bytes(os.urandom(300_000))
    with process(BACKUP, here, tmp_path / "all.zip", limit=200_000) as running:
        _, said = running.communicate(timeout=60)
    assert running.returncode == 1
    assert said == "[Errno 27] File too large\n"
    assert (tmp_path / "all.zip").stat().st_size == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["all.zip", "here"]


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest) -> Iterator[str | None]:
    if request.param == "sqlite":
        yield None
    else:
        with postgres() as url:
            yield url


async def test_kill_9_in_mid_restore_leaves_the_old_or_the_new_and_never_both(
    address: str | None, tmp_path: Path
) -> None:
    new = settings(tmp_path / "new")
    await filled(new, "new")
    await back_up(new, tmp_path / "new.zip")
    seen = set()
    for number, delay in enumerate((0.0, 0.15, 0.3)):
        url = None if address is None else await new_database(address, f"old{number}")
        old = settings(tmp_path / f"old{number}", url)
        await filled(old, "old", 100)
        with process(RESTORE, old, tmp_path / "new.zip") as running:
            killed_once(running, old.data_dir, ".restore-*", delay)
        # As the next start does.
        await finish_interrupted(old)
        words, word = await word_of(old)
        assert words == {word}
        assert not list(old.data_dir.glob(".restore-*"))
        seen.add(word)
        await restore(old, tmp_path / "new.zip", {}, force=True)
        assert await word_of(old) == ({"new"}, "new")
    assert "old" in seen


@pytest.mark.parametrize("after", ["commit", "old models", "new models", "old plugins"])
async def test_a_restore_that_was_killed_after_its_commit_is_brought_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: str
) -> None:
    new, old = settings(tmp_path / "new"), settings(tmp_path / "old")
    await filled(new, "new", 10)
    await filled(old, "old", 10)
    await back_up(new, tmp_path / "new.zip")
    renames = {"commit": 0, "old models": 1, "new models": 2, "old plugins": 3}[after]
    rename, count = Path.rename, 0

    class Killed(BaseException):
        """The process ends here."""

    def counted(path: Path, target: Path) -> Path:
        nonlocal count
        if count == renames:
            raise Killed
        count += 1
        return rename(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", counted)
        with pytest.raises(Killed):
            await restore(old, tmp_path / "new.zip", {}, force=True)
    assert len(list(old.data_dir.glob(".restore-*"))) == 1
    await finish_interrupted(old)
    assert await word_of(old) == ({"new"}, "new")
    assert not list(old.data_dir.glob(".restore-*"))


async def test_nobody_starts_while_a_restore_is_under_way(tmp_path: Path) -> None:
    new, old = settings(tmp_path / "new"), settings(tmp_path / "old")
    await filled(new, "new")
    await filled(old, "old", 10)
    await back_up(new, tmp_path / "new.zip")

    started = []

    def look(_done: float, note: str = "") -> None:
        if note == "watch" and list(old.data_dir.glob(".restore-*")):
            with pytest.raises(Busy), in_use(old):
                pass
            with pytest.raises(Busy):
                finish_interrupted(old).send(None)
            started.append(note)

    await restore(old, tmp_path / "new.zip", {}, force=True, progress=look)
    assert started


async def test_a_backup_beside_a_writer_at_full_speed_is_of_one_moment(tmp_path: Path) -> None:
    here = settings(tmp_path / "here")
    await filled(here, "here", 0)
    writer = subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-c", WRITER, str(here.data_dir / "hearth.db")], stdout=subprocess.PIPE, text=True
    )
    try:
        assert writer.stdout is not None
        for _ in range(500):
            writer.stdout.readline()
        made = []
        for number in range(3):
            backup = await back_up(here, tmp_path / f"{number}.zip")
            made.append(backup.manifest.tables["watch"].rows)
            assert backup.manifest.tables["quota"].rows == made[-1]
            # What it wrote meanwhile: it was not kept waiting.
            for _ in range(200):
                assert writer.stdout.readline()
    finally:
        writer.kill()
        writer.communicate()
    assert 500 <= made[0] < made[1] < made[2]
    for number, rows in enumerate(made):
        there = settings(tmp_path / f"there{number}")
        await restore(there, tmp_path / f"{number}.zip", {})
        with sqlite3.connect(there.data_dir / "hearth.db") as connection:
            found = connection.execute(
                "SELECT (SELECT count(*) FROM watch), (SELECT count(*) FROM quota), (SELECT max(channel_id) FROM watch)"
            ).fetchone()
        connection.close()
        assert found == (rows, rows, rows - 1)


async def test_a_postgresql_snapshot_does_not_see_what_is_written_later(tmp_path: Path) -> None:
    with postgres() as url:
        here = settings(tmp_path / "here", url)
        await filled(here, "here", 3)
        database = Database(here.database)
        async with database.snapshot() as reading:
            async with database.begin() as writing:
                await writing.execute(quota.delete())
                await writing.execute(watch.insert().values(plugin="later", channel_id=1, changed_ms=0))
            rows = (await reading.execute(select(watch.c.plugin))).scalars().all()
            assert rows == ["here"] * 3
        await database.close()
