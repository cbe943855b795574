"""A file that is no backup, or not as it was made, is refused before anything is written."""

import asyncio
import hashlib
import io
import json
import random
import shutil
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from shared.backup import back_up
from shared.backup_archive import Archive, BadBackup, check_name
from shared.database import Database
from shared.database_trouble import DatabaseTrouble
from shared.errors import BadInput, Refusal
from shared.migrate import migrate
from shared.restore import restore
from shared.settings import Settings

Change = Callable[[dict[str, bytes], dict[str, Any]], None]


def settings(folder: Path) -> Settings:
    return Settings(_env_file=None, data_dir=folder, http_port=None)  # type: ignore[call-arg]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with an installation and a backup of it, made once: only copies of it are damaged."""
    root = tmp_path_factory.mktemp("made")

    async def make() -> None:
        here = settings(root / "here")
        database = Database(here.database)
        await migrate(database)
        await database.close()
        folder = here.data_dir / "plugins" / "stock"
        folder.mkdir(parents=True)
        (folder / "note.txt").write_bytes(random.Random(1).randbytes(5000))
        await back_up(here, root / "good.zip")

    asyncio.run(make())
    return root


@pytest.fixture
def backup(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return tmp_path / "good.zip"


async def is_refused(file: Path, tmp_path: Path, match: str | None = None, **more: Any) -> None:
    there = tmp_path / "there"
    with pytest.raises(Refusal, match=match):
        await restore(settings(there), file, {}, **more)
    assert not there.exists() or not [path for path in there.iterdir() if path.name != ".in-use"]


def rewritten(backup: Path, change: Change) -> Path:
    """Write the backup anew, after `change` of its entries and its manifest."""
    with zipfile.ZipFile(backup) as zip:
        entries = {name: zip.read(name) for name in zip.namelist()}
    manifest = json.loads(entries.pop("manifest.json"))
    change(entries, manifest)
    path = backup.with_name("changed.zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zip:
        for name, data in entries.items():
            zip.writestr(name, data)
        zip.writestr("manifest.json", json.dumps(manifest))
    return path


async def test_a_file_cut_short_anywhere_is_refused(backup: Path, tmp_path: Path) -> None:
    whole, cut = backup.read_bytes(), tmp_path / "cut.zip"
    for length in [0, 1, 30, len(whole) - 1, *range(100, len(whole), len(whole) // 20)]:
        cut.write_bytes(whole[:length])
        await is_refused(cut, tmp_path)


async def test_a_file_with_a_flipped_byte_is_refused_or_says_the_same(backup: Path, tmp_path: Path) -> None:
    whole, flipped = backup.read_bytes(), tmp_path / "flipped.zip"
    chance, refused = random.Random(7), 0
    with Archive.open(backup) as archive:
        manifest = archive.manifest
    for _ in range(400):
        at = chance.randrange(len(whole))
        flipped.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << chance.randrange(8)]) + whole[at + 1 :])
        try:
            with Archive.open(flipped) as archive:
                archive.verify()
                # Where a byte says nothing, such as the time of an entry.
                assert archive.manifest == manifest
        except BadBackup:
            refused += 1
    assert refused > 300


@pytest.mark.parametrize(
    "name",
    [
        "../evil", "/etc/passwd", "plugins/../../evil", "plugins/stock/../../evil", "plugins/stock/./a", "tables/../a",
        "models/spam/20260101T000000-abcd/../../x", "plugins//a", "plugins/stock/", "plugins\\stock\\a", "C:/evil",
        "plugins/stock/C:evil", "plugins/stock/a\0b", "plugins/stock/a\nb", "plugins/stock/.hidden", "models/x",
        "models/spam/latest/weights.json", "models/../champion.json", "models/spam/20260101T000000-abcd/weights.pkl",
        "plugins/stock/model.PT", "secret.key", "hearth.db", "tables/a.jsonl/b", "tables/A.jsonl", "",
        "plugins/Stock/a",
        "plugins/stock/" + "a" * 300, "plugins/stock/" + "a/" * 600 + "a", "plugins/stock/\u202egnp.exe",
    ],
)  # fmt: skip
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(BadBackup):
        check_name(name)


@given(st.text(max_size=60).map(lambda tail: f"plugins/stock/{tail}"))
def test_a_name_that_is_taken_stays_below_its_folder(name: str) -> None:
    try:
        check_name(name)
    except BadBackup:
        return
    root = Path("/data/plugins/stock")
    assert root in Path("/data", name).resolve().parents


async def test_entries_that_lead_elsewhere_are_refused_as_a_whole(backup: Path, tmp_path: Path) -> None:
    for name in ("../evil.txt", "/tmp/evil.txt", "plugins/stock/../../../evil.txt"):

        def change(entries: dict[str, bytes], manifest: dict[str, Any], name: str = name) -> None:
            entries[name] = b"x"
            manifest["files"][name] = {"size": 1, "sha256": "0" * 64}

        await is_refused(rewritten(backup, change), tmp_path, "is no name of something in a backup")
    assert not (tmp_path / "evil.txt").exists()


async def test_links_and_devices_are_refused(backup: Path, tmp_path: Path) -> None:
    for kind in (stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFDIR):
        path = tmp_path / "linked.zip"
        path.write_bytes(backup.read_bytes())
        info = zipfile.ZipInfo("plugins/stock/link")
        info.external_attr = (kind | 0o777) << 16
        with zipfile.ZipFile(path, "a") as zip:
            zip.writestr(info, "/etc/passwd")
        await is_refused(path, tmp_path, "is no plain file")


async def test_an_entry_that_is_there_twice_or_is_not_named_is_refused(backup: Path, tmp_path: Path) -> None:
    path = tmp_path / "more.zip"
    path.write_bytes(backup.read_bytes())
    with zipfile.ZipFile(path, "a") as zip:
        zip.writestr("plugins/stock/more.txt", "x")
    await is_refused(path, tmp_path, "is not what the manifest says")
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(path, "a") as zip:
        zip.writestr("plugins/stock/note.txt", "x")
    await is_refused(path, tmp_path, "twice")


async def test_what_is_missing_or_changed_is_refused(backup: Path, tmp_path: Path) -> None:
    def without_a_table(entries: dict[str, bytes], _manifest: dict[str, Any]) -> None:
        del entries["tables/audit.jsonl"]

    def another_text(entries: dict[str, bytes], _manifest: dict[str, Any]) -> None:
        entries["plugins/stock/note.txt"] = bytes(5000)

    def a_table_unnamed(_entries: dict[str, bytes], manifest: dict[str, Any]) -> None:
        del manifest["tables"]["audit"]

    def no_format(_entries: dict[str, bytes], manifest: dict[str, Any]) -> None:
        del manifest["format"]

    for change, match in (
        (without_a_table, "audit.jsonl is missing"), (another_text, "has changed since"),
        (a_table_unnamed, "not those that the manifest names"), (no_format, "damaged"),
    ):  # fmt: skip
        await is_refused(rewritten(backup, change), tmp_path, match)
    path = tmp_path / "other.zip"
    with zipfile.ZipFile(path, "w") as zip:
        zip.writestr("plugins/stock/a", "x")
    await is_refused(path, tmp_path, "no manifest")
    await is_refused(tmp_path / "absent.zip", tmp_path, "No such file")
    await is_refused(tmp_path, tmp_path, "directory")


async def test_a_bomb_is_refused_before_it_goes_off(backup: Path, tmp_path: Path) -> None:
    def large(entries: dict[str, bytes], manifest: dict[str, Any]) -> None:
        entries["plugins/stock/zeros"] = bytes(20 << 20)
        manifest["files"]["plugins/stock/zeros"] = {"size": 20 << 20, "sha256": "0" * 64}

    path = rewritten(backup, large)
    assert path.stat().st_size < 200_000
    await is_refused(path, tmp_path, "Unpacked, the backup is larger", limit=10 << 20)
    # One that says that it is small: no more than it says is unpacked.
    whole = path.read_bytes()
    size = struct.pack("<I", 20 << 20)
    assert whole.count(size) >= 2
    path.write_bytes(whole.replace(size, struct.pack("<I", 5)))
    await is_refused(path, tmp_path)


async def test_what_a_newer_hearth_made_is_refused_in_clear_words(backup: Path, tmp_path: Path) -> None:
    def newer_format(_entries: dict[str, bytes], manifest: dict[str, Any]) -> None:
        manifest["format"] = 99

    def newer_schema(_entries: dict[str, bytes], manifest: dict[str, Any]) -> None:
        manifest["revisions"]["hearth"] = "9999"

    await is_refused(rewritten(backup, newer_format), tmp_path, "of format 99, made by a newer Hearth")
    await is_refused(rewritten(backup, newer_schema), tmp_path, r"newer version of Hearth \(revision 9999")


def a_row(line: bytes) -> Change:
    def change(entries: dict[str, bytes], manifest: dict[str, Any]) -> None:
        entries["tables/watch.jsonl"] = line
        manifest["files"]["tables/watch.jsonl"] = {
            "size": len(line), "sha256": hashlib.sha256(line).hexdigest()
        }  # fmt: skip
        manifest["tables"]["watch"]["rows"] = line.count(b"\n")

    return change


@pytest.mark.parametrize(
    "line",
    [
        b"no json\n", b"[1]\n", b'{"plugin": "x"}\n', b'["x", "1", null, 1]\n', b'["x", 1, null, true]\n',
        b'["x", 1.5, null, 1]\n', b'["x", 99999999999999999999, null, 1]\n', b"[null, 1, null, 1]\n",
        b'["x", 1, null, 1]\n["x", 1, null, 1]\n', b'["\xff", 1, null, 1]\n', b"[" * 5000 + b"\n",
    ],
)  # fmt: skip
async def test_rows_that_do_not_fit_leave_everything_as_it_was(
    backup: Path, tmp_path: Path, line: bytes
) -> None:
    here = settings(tmp_path / "here")
    note = here.data_dir / "plugins" / "stock" / "note.txt"
    note.write_text("of today")
    with pytest.raises(Refusal):
        await restore(here, rewritten(backup, a_row(line)), {}, force=True)
    assert note.read_text() == "of today"
    assert not list(here.data_dir.glob(".restore*"))
    # And the database is a whole one.
    await back_up(here, tmp_path / "after.zip")


def test_a_directory_that_points_before_the_file_is_refused(tmp_path: Path) -> None:
    path, out = tmp_path / "any.zip", io.BytesIO()
    with zipfile.ZipFile(out, "w") as zip:
        zip.writestr("manifest.json", b"{}")
    data = bytearray(out.getvalue())
    # Where the directory begins, four bytes of the record that ends the file: so far on that entries lie before 0.
    (begins,) = struct.unpack_from("<I", data, len(data) - 6)
    struct.pack_into("<I", data, len(data) - 6, begins + 1000)
    path.write_bytes(data)
    with pytest.raises(BadBackup, match="damaged"), Archive.open(path):
        pass


@given(data=st.binary(max_size=400))
@examples(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "any.zip"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as zip:
        zip.writestr("manifest.json", data)
    for content in (data, b"PK\3\4" + data, out.getvalue()):
        path.write_bytes(content)
        with pytest.raises(BadBackup), Archive.open(path):
            pass


async def test_a_file_that_is_there_is_replaced_by_force_alone(backup: Path, tmp_path: Path) -> None:
    here, before = settings(tmp_path / "here"), backup.read_bytes()
    with pytest.raises(BadInput, match="--force"):
        await back_up(here, backup)
    assert backup.read_bytes() == before
    (here.data_dir / "plugins" / "stock" / "note.txt").write_text("new")
    await back_up(here, backup, force=True)
    assert backup.read_bytes() != before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["good.zip", "here"]


async def test_a_database_that_is_damaged_is_moved_away_before_a_restore(
    backup: Path, tmp_path: Path
) -> None:
    here = settings(tmp_path / "here")
    file = here.data_dir / "hearth.db"
    file.write_bytes(random.Random(2).randbytes(50_000))
    with pytest.raises(DatabaseTrouble, match="The database is damaged"):
        await restore(here, backup, {}, force=True)
    assert not list(here.data_dir.glob(".restore*"))
    file.rename(tmp_path / "damaged.db")
    await restore(here, backup, {}, force=True)
    await back_up(here, tmp_path / "after.zip")
