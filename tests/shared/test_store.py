"""The model store: versions are whole or absent, the champion is swapped at once, and damage is named."""

import itertools
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from shared.errors import BadInput, HearthError, Refusal
from shared.fingerprint import Fingerprint, fingerprint
from shared.manifest import Judgement, Manifest
from shared.model import Interval, Report
from shared.store import ChampionChanged, Damaged, Store, UnknownVersion

REPOSITORY = Path(__file__).parents[2]
REPORT = Report(
    n=3,
    metrics={"accuracy": Interval(0.9, 0.8, 1.0)},
    baseline={"accuracy": 0.6},
    baseline_name="majority",
    losses=[0.0, 1.0, 0.0],
)


def put(
    store: Store, write: Callable[[Path], object], report: Report = REPORT, parent: str | None = None
) -> Manifest:
    with store.stage("toy") as folder:
        write(folder)
        data = Fingerprint("rows.csv", "0" * 64, 3)
        return store.publish(
            "toy", folder, report=report, data=data, licence="CC0", code="hearth 1", parent=parent
        )


def add(store: Store, content: str = "{}", parent: str | None = None) -> Manifest:
    def write(folder: Path) -> None:
        (folder / "deep").mkdir()
        (folder / "weights.json").write_text(content)
        (folder / "deep" / "more.json").write_text(content)

    return put(store, write, parent=parent)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "models")


def test_a_published_version_is_read_back_whole(store: Store) -> None:
    manifest = add(store, '{"a": 1}', parent="20200101T000000-0000")
    assert re.fullmatch(r"\d{8}T\d{6}-[0-9a-f]{4}", manifest.version)
    assert store.manifest("toy", manifest.version) == manifest
    assert store.report("toy", manifest.version) == REPORT
    assert set(manifest.files) == {"weights.json", "deep/more.json", "report.json"}
    assert manifest.created.tzinfo is not None
    assert abs((datetime.now(UTC) - manifest.created).total_seconds()) < 60
    assert (store.open("toy", manifest.version) / "weights.json").read_text() == '{"a": 1}'
    assert store.names() == ["toy"]


def test_versions_of_one_second_keep_their_order(store: Store) -> None:
    made = [add(store).version for _ in range(4)]
    assert made == sorted(set(made)) == store.versions("toy")


def test_an_unpublished_stage_leaves_nothing(store: Store) -> None:
    def fail(folder: Path) -> None:
        (folder / "weights.json").write_text("{}")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        put(store, fail)
    assert store.versions("toy") == []
    assert [p.name for p in (store.root / "toy").iterdir()] == [".lock"]


def test_rollback_goes_back_again_and_again_down_to_the_shipped_weights(store: Store) -> None:
    a, b, c = (add(store).version for _ in range(3))
    assert store.champion("toy") is None
    for version in (a, b, c):
        store.promote("toy", version)
    assert store.champion("toy") == c
    assert store.rollback("toy") == b
    store.promote("toy", c)
    assert [store.rollback("toy") for _ in range(3)] == [b, a, None]
    assert store.champion("toy") is None
    with pytest.raises(Refusal, match="no champion"):
        store.rollback("toy")
    actions = [(change.action, change.version) for change in store.pointer("toy").changes]
    assert actions[-2:] == [("rollback", a), ("rollback", None)]
    assert len(actions) == 8


def test_rollback_passes_over_a_damaged_version(store: Store) -> None:
    a, b, c = (add(store).version for _ in range(3))
    for version in (a, b, c):
        store.promote("toy", version)
    (store.root / "toy" / b / "weights.json").write_text("changed")
    assert store.rollback("toy") == a


def test_the_stamp_differs_after_each_change_of_the_champion(store: Store) -> None:
    a, b = (add(store).version for _ in range(2))
    stamps = [store.champion_stamp("toy")]
    for version in (a, b):
        store.promote("toy", version)
        stamps.append(store.champion_stamp("toy"))
    store.rollback("toy")
    stamps.append(store.champion_stamp("toy"))
    assert stamps[0] is None
    assert len(set(stamps)) == 4
    assert store.champion_stamp("toy") == stamps[-1]


def test_promotion_can_insist_on_the_champion_it_was_judged_against(store: Store) -> None:
    a, b = (add(store).version for _ in range(2))
    store.promote("toy", a, expect=None)
    with pytest.raises(ChampionChanged):
        store.promote("toy", b, expect=None)
    store.promote("toy", b, expect=a)
    assert store.champion("toy") == b


def damage_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_text('{"model": ')


def remove_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def swap_manifest(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(path.read_text().replace('"model": "toy"', '"model": "other"'))


def lengthen_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_text(" " * (4 << 20) + "{}")


@pytest.mark.parametrize("damage", [damage_manifest, remove_manifest, swap_manifest, lengthen_manifest])
def test_a_listing_names_a_damaged_manifest_and_shows_the_rest(
    store: Store, damage: Callable[[Path], None]
) -> None:
    good, bad = add(store), add(store)
    damage(store.root / "toy" / bad.version)
    listing = store.listing("toy")
    assert listing.manifests == (good,)
    assert list(listing.damaged) == [bad.version]
    assert "manifest.json" in listing.damaged[bad.version]


def change_weights(folder: Path) -> None:
    (folder / "deep" / "more.json").write_text("[]")


def remove_weights(folder: Path) -> None:
    (folder / "weights.json").unlink()


def add_file(folder: Path) -> None:
    (folder / "extra.json").write_text("{}")


def add_pickle(folder: Path) -> None:
    (folder / "model.pkl").write_bytes(b"\x80\x04N.")


def link_away(folder: Path) -> None:
    (folder / "weights.json").unlink()
    (folder / "weights.json").symlink_to("/etc/hostname")


@pytest.mark.parametrize("damage", [change_weights, remove_weights, add_file, add_pickle, link_away])
def test_a_version_whose_files_changed_is_neither_opened_nor_promoted(
    store: Store, damage: Callable[[Path], None]
) -> None:
    version = add(store).version
    damage(store.root / "toy" / version)
    with pytest.raises(Damaged):
        store.open("toy", version)
    with pytest.raises(Damaged):
        store.promote("toy", version)
    assert store.champion("toy") is None


@pytest.mark.parametrize("name", ["model.pkl", "model.PT", "pytorch_model.bin", "deep/model.joblib"])
def test_a_pickle_is_never_published(store: Store, name: str) -> None:
    def write(folder: Path) -> None:
        (folder / "deep").mkdir()
        (folder / name).write_bytes(b"\x80\x04N.")

    with pytest.raises(BadInput, match="pickle"):
        put(store, write)
    assert store.versions("toy") == []


def test_a_link_is_never_published(store: Store) -> None:
    with pytest.raises(BadInput, match="neither"):
        put(store, lambda folder: (folder / "weights.json").symlink_to("/etc/hostname"))


@pytest.mark.parametrize("name", ["..", "../toy", "", "/etc", "toy/x", "Toy", "toy\0", "a" * 65])
def test_a_model_name_that_leaves_the_store_is_refused(store: Store, name: str) -> None:
    for use in (store.versions, store.champion, store.champion_stamp, store.rollback):
        with pytest.raises(BadInput):
            use(name)
    with pytest.raises(BadInput), store.stage(name):
        pass


@pytest.mark.parametrize("version", ["..", "../../etc", "", "champion.json", "20261124T221530-ab12/.."])
def test_a_version_name_that_leaves_the_store_is_refused(store: Store, version: str) -> None:
    add(store)
    for use in (store.open, store.manifest, store.report, store.promote, store.judgements):
        with pytest.raises(BadInput):
            use("toy", version)


def test_an_unknown_version_is_said_to_be_unknown(store: Store) -> None:
    add(store)
    with pytest.raises(UnknownVersion, match="20200101T000000-0000"):
        store.promote("toy", "20200101T000000-0000")
    with pytest.raises(HearthError, match="no version"):
        store.rollback("never")


def test_a_damaged_pointer_is_named_and_mended_by_the_next_promotion(store: Store) -> None:
    version = add(store).version
    (store.root / "toy" / "champion.json").write_text('{"trail": ["../../x"]}')
    with pytest.raises(Damaged, match=r"champion\.json"):
        store.champion("toy")
    store.promote("toy", version)
    assert store.champion("toy") == version


def test_judgements_are_kept_and_leave_the_version_intact(store: Store) -> None:
    version = add(store).version
    judgement = Judgement(
        at=datetime.now(UTC),
        against=None,
        rows=3,
        difference=-0.1,
        low=-0.2,
        high=0.0,
        passed=True,
        reason="better",
    )
    store.judge("toy", version, judgement)
    store.judge("toy", version, judgement)
    assert store.judgements("toy", version) == [judgement, judgement]
    store.open("toy", version)


def test_figures_that_are_no_numbers_are_left_out_of_the_manifest(store: Store) -> None:
    nan = float("nan")
    report = msgspec.structs.replace(
        REPORT, metrics={**REPORT.metrics, "roc_auc": Interval(nan, nan, nan)}, baseline={"roc_auc": nan}
    )
    made = put(store, lambda folder: None, report)
    assert set(store.manifest("toy", made.version).metrics) == {"accuracy"}
    with pytest.raises(BadInput, match="loss"):
        put(store, lambda folder: None, msgspec.structs.replace(REPORT, losses=[nan]))


def write_many(root: Path, times: int) -> None:
    store = Store(root)
    for _ in range(times):
        version = add(store).version
        store.promote("toy", version)


def test_two_processes_may_write_at_once(store: Store) -> None:
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=write_many, args=(store.root, 5)) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [w.exitcode for w in writers] == [0, 0]
    listing = store.listing("toy")
    assert len(listing.manifests) == 10
    assert not listing.damaged
    pointer = store.pointer("toy")
    assert sorted(pointer.trail) == store.versions("toy")
    assert len(pointer.changes) == 10
    for before, after in itertools.pairwise(pointer.changes):
        assert after.before == before.version


def start_stage(root: Path) -> subprocess.Popen[str]:
    """Start a process that stages a version and then stands still in the middle of writing it."""
    code = f"""
        import time
        from pathlib import Path
        from shared.store import Store
        with Store(Path({str(root)!r})).stage("toy") as folder:
            (folder / "weights.json").write_text("half")
            print(folder, flush=True)
            time.sleep(60)
    """
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )


def test_what_a_killed_writer_left_is_swept_and_what_a_living_one_writes_is_not(store: Store) -> None:
    dead, living = start_stage(store.root), start_stage(store.root)
    left, held = (Path(p.stdout.readline().strip()) for p in (dead, living) if p.stdout)
    try:
        dead.send_signal(signal.SIGKILL)
        dead.wait(10)
        (store.root / "toy" / ".staging-0123").write_text("a pointer that was being written")
        assert left.is_dir()
        assert store.versions("toy") == []
        removed = store.sweep()
        assert {p.name for p in removed} == {left.name, ".staging-0123"}
        assert not left.exists()
        assert (held / "weights.json").read_text() == "half"
    finally:
        for process in (dead, living):
            process.kill()
            process.wait(10)
            assert process.stdout is not None
            process.stdout.close()
    # The next writer cleans up too.
    add(store)
    assert not held.exists()


@pytest.mark.parametrize(
    ("name", "content", "rows"),
    [
        ("a.csv", 'text,label\n"two\nlines",ham\nx,spam\n', 2),
        ("a.tsv", "text\tlabel\nx\tham\n", 1),
        ("a.txt", "one\n", None),
        ("empty.csv", "", 0),
    ],
)
def test_a_fingerprint_counts_the_records(tmp_path: Path, name: str, content: str, rows: int | None) -> None:
    path = tmp_path / name
    path.write_text(content)
    found = fingerprint(path)
    assert (found.name, found.rows, len(found.sha256)) == (name, rows, 64)
    path.write_text(content + "z")
    assert fingerprint(path).sha256 != found.sha256


def test_a_fingerprint_reads_packed_tables_arrays_and_folders(tmp_path: Path) -> None:
    import gzip

    import numpy as np

    with gzip.open(tmp_path / "a.csv.gz", "wt") as file:
        file.write("a\n1\n2\n")
    np.savez(tmp_path / "pack.npz", blob=np.zeros(9, np.uint8), index=np.zeros((4, 3)))
    assert fingerprint(tmp_path / "a.csv.gz").rows == 2
    assert fingerprint(tmp_path / "pack.npz").rows == 4
    folder = fingerprint(tmp_path)
    assert folder.rows == 2
    (tmp_path / "a.csv.gz").rename(tmp_path / "b.csv.gz")
    assert fingerprint(tmp_path).sha256 != folder.sha256


@pytest.mark.parametrize("name", ["absent.csv", "broken.csv.gz", "broken.npz"])
def test_data_that_cannot_be_read_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    if name.startswith("broken"):
        (tmp_path / name).write_bytes(b"\x1f\x8b not really")
    with pytest.raises(BadInput) as caught:
        fingerprint(tmp_path / name)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)
