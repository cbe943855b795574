"""The trainer: a process of its own, whose death in any way leaves the store clean."""

import asyncio
import itertools
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest

from bot.trainer import TrainingFailed, code_version, train
from shared.errors import BadInput
from shared.store import Store
from tests.kit.trainable import NearestMean, write_points

MODELS = "tests.kit.trainable"
REPOSITORY = Path(__file__).parents[2]


class Steps(list[tuple[float, str]]):
    """Remembers the progress it is told, and the folder that `EndlessMean` names in it."""

    def __init__(self) -> None:
        super().__init__()
        self.folder: asyncio.Future[Path] = asyncio.get_running_loop().create_future()

    def __call__(self, done: float, note: str = "") -> None:
        self.append((done, note))
        if note.startswith("/"):
            self.folder.set_result(Path(note))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "models")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_points(tmp_path / "points.csv", spread=2.5)


def left_behind(store: Store) -> list[str]:
    return [p.name for p in store.root.rglob(".staging-*")]


def trainers() -> list[psutil.Process]:
    return [p for p in psutil.Process().children(recursive=True) if "bot.labour" in p.cmdline()]


async def test_a_trained_version_is_stored_with_all_that_made_it(store: Store, data: Path) -> None:
    steps = Steps()
    outcome = await train(f"{MODELS}:NearestMean", data, store, steps, promote=False, licence="CC0")
    assert outcome.judgement is None
    assert not outcome.promoted
    assert store.champion("nearest-mean") is None
    manifest = store.manifest("nearest-mean", outcome.version)
    assert manifest.data is not None
    assert (manifest.data.name, manifest.data.rows) == ("points.csv", 60)
    assert (manifest.licence, manifest.parent, manifest.origin) == ("CC0", None, "trained")
    assert manifest.code == code_version(NearestMean)
    assert outcome.report == store.report("nearest-mean", outcome.version)
    assert 10 < outcome.report.n < 30
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)
    assert steps[-1] == (1.0, "done")


async def test_the_first_version_is_promoted_and_a_worse_one_is_kept_as_challenger(
    store: Store, data: Path
) -> None:
    first = await train(f"{MODELS}:NearestMean", data, store, Steps())
    assert first.promoted
    assert first.judgement is not None
    assert first.judgement.against is None
    worse = await train(f"{MODELS}:SwappedMean", data, store, Steps())
    assert not worse.promoted
    assert worse.judgement is not None
    assert worse.judgement.against == first.version
    assert worse.judgement.rows == worse.report.n
    assert worse.judgement.difference is not None
    assert worse.judgement.difference > 0.3
    assert store.judgements("nearest-mean", worse.version) == [worse.judgement]
    assert store.champion("nearest-mean") == first.version
    assert store.manifest("nearest-mean", worse.version).parent == first.version


async def test_a_better_version_replaces_a_worse_champion(store: Store, data: Path) -> None:
    worse = await train(f"{MODELS}:SwappedMean", data, store, Steps())
    assert worse.promoted
    better = await train(f"{MODELS}:NearestMean", data, store, Steps())
    assert better.promoted
    assert better.judgement is not None
    assert better.judgement.difference is not None
    assert better.judgement.difference < -0.3
    assert store.pointer("nearest-mean").trail == [worse.version, better.version]


async def test_a_champion_that_cannot_be_judged_is_not_replaced_unseen(store: Store, data: Path) -> None:
    # Its checksums are right; its code is another than ours.
    with store.stage("nearest-mean") as folder:
        (folder / "other.json").write_text("{}")
        report = NearestMean({"low": (0, 0), "high": (4, 4)}).evaluate(data)
        made = store.publish(
            "nearest-mean", folder, report=report, data=None, licence="", code="", parent=None
        )
    store.promote("nearest-mean", made.version)
    outcome = await train(f"{MODELS}:NearestMean", data, store, Steps())
    assert not outcome.promoted
    assert outcome.judgement is not None
    assert "could not be judged" in outcome.judgement.reason


async def test_two_trainers_at_once_leave_one_champion_that_was_judged_against_the_other(
    store: Store, data: Path
) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(train(f"{MODELS}:NearestMean", data, store, Steps())) for _ in range(2)]
    outcomes = [task.result() for task in tasks]
    assert len({o.version for o in outcomes}) == 2
    trail = store.pointer("nearest-mean").trail
    assert set(trail) == {o.version for o in outcomes if o.promoted}
    for before, after in itertools.pairwise(trail):
        assert store.judgements("nearest-mean", after)[-1].against == before
    assert store.listing("nearest-mean").damaged == {}


async def test_data_that_cannot_be_used_is_said_in_one_line(store: Store, tmp_path: Path) -> None:
    (tmp_path / "wrong.csv").write_text("a,b\n1,2\n")
    with pytest.raises(BadInput, match="lacks a column"):
        await train(f"{MODELS}:NearestMean", tmp_path / "wrong.csv", store, Steps())
    with pytest.raises(BadInput, match=r"absent\.csv"):
        await train(f"{MODELS}:NearestMean", tmp_path / "absent.csv", store, Steps())
    assert store.versions("nearest-mean") == []
    assert left_behind(store) == []


async def test_a_model_that_raises_leaves_the_store_clean(store: Store, data: Path) -> None:
    with pytest.raises(TrainingFailed, match=r"ZeroDivisionError: nothing to divide \{by\}"):
        await train(f"{MODELS}:RaisingMean", data, store, Steps())
    assert store.versions("nearest-mean") == []
    assert left_behind(store) == []


async def test_a_trainer_killed_from_within_leaves_the_store_clean(store: Store, data: Path) -> None:
    with pytest.raises(TrainingFailed, match="-9"):
        await train(f"{MODELS}:DyingMean", data, store, Steps())
    assert store.versions("nearest-mean") == []
    assert left_behind(store) == []


async def test_kill_9_in_the_middle_of_writing_leaves_the_store_clean(store: Store, data: Path) -> None:
    steps = Steps()
    task = asyncio.create_task(train(f"{MODELS}:EndlessMean", data, store, steps))
    folder = await asyncio.wait_for(steps.folder, 30)
    assert (folder / "means.json").read_text() == '{"half": '
    (trainer,) = trainers()
    trainer.kill()
    with pytest.raises(TrainingFailed, match="-9"):
        await task
    assert store.versions("nearest-mean") == []
    assert left_behind(store) == []
    # And the next one works.
    assert (await train(f"{MODELS}:NearestMean", data, store, Steps())).promoted


async def test_cancelling_ends_the_process_and_removes_what_it_wrote(store: Store, data: Path) -> None:
    steps = Steps()
    task = asyncio.create_task(train(f"{MODELS}:EndlessMean", data, store, steps))
    await asyncio.wait_for(steps.folder, 30)
    (trainer,) = trainers()
    assert trainer.nice() > 0
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not trainer.is_running()
    assert left_behind(store) == []


async def test_what_a_model_prints_does_not_disturb_the_protocol(store: Store, data: Path) -> None:
    outcome = await train(f"{MODELS}:TalkingMean", data, store, Steps())
    assert outcome.promoted


def test_the_trainer_ends_with_the_process_that_started_it(store: Store, data: Path) -> None:
    code = f"""
        import asyncio
        from pathlib import Path
        from bot.trainer import train
        from shared.store import Store
        def show(done, note=""):
            print(note, flush=True)
        asyncio.run(train("{MODELS}:EndlessMean", Path({str(data)!r}), Store(Path({str(store.root)!r})), show))
    """
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    assert parent.stdout is not None
    with parent.stdout:
        folder = Path(parent.stdout.readline().strip())
        assert folder.is_dir()
        (trainer,) = trainers()
        parent.send_signal(signal.SIGKILL)
        parent.wait(10)
        trainer.wait(20)
    store.sweep()
    assert left_behind(store) == []
