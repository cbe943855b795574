"""`hearth models`, as an operator runs it."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from shared.store import Store
from tests.kit.trainable import write_points

REPOSITORY = Path(__file__).parents[2]
PLUGIN = """
import os
from shared.plugin import Card, hookimpl
from tests.kit.trainable import EndlessMean, MeanRequest, MeanResult, NearestMean, SwappedMean, TalkingMean

# The same model with a fault in its code, so that one version can be worse than another.
class Points(SwappedMean if os.environ.get("SWAPPED") else NearestMean):
    name = "points"

class Talking(TalkingMean):
    name = "talking"

class Endless(EndlessMean):
    name = "endless"

class Broken(NearestMean):
    name = "broken"

    @classmethod
    def load(cls, folder, device):
        raise KeyError("a missing layer")

class Fixed:
    name = "fixed"
    request, result, max_batch, default = MeanRequest, MeanResult, 1, None

    @classmethod
    def load(cls, folder, device):
        return cls()

    def predict(self, batch):
        return [MeanResult("low", 0.0) for _ in batch]

@hookimpl
def card():
    return Card(name="points", summary="Tells points.")

@hookimpl
def models():
    return [Points, Talking, Endless, Broken, Fixed]
"""


@dataclass
class Hearth:
    """The command line, in a folder of its own with a plugin of its own."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            **{k: v for k, v in os.environ.items() if not k.startswith("HEARTH_")},
            "PYTHONPATH": str(REPOSITORY),
            "HEARTH_DATA_DIR": str(self.folder / "data"),
            "HEARTH_PLUGIN_FOLDERS": json.dumps([str(self.folder / "plugins")]),
        }

    def __call__(self, *arguments: str, fails: bool = False, **extra: str) -> str:
        """Run a command, and return what it prints; or, where it is to fail, its one line of error."""
        done = subprocess.run(
            [sys.executable, "-m", "bot.cli", *arguments],
            capture_output=True,
            text=True,
            timeout=120,
            cwd=self.folder,
            env={**self.environment, **extra},
        )
        if not fails:
            assert done.returncode == 0, done.stderr
            return done.stdout
        assert done.returncode != 0, done.stdout
        assert "Traceback" not in done.stderr
        assert done.stdout == ""
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
        return done.stderr

    def train(self, *arguments: str, **extra: str) -> str:
        """Train `points`, and return the newest version."""
        self("models", "train", "points", "--data", str(self.data), *arguments, **extra)
        return self.store.versions("points")[-1]

    def answers(self) -> str:
        """Return the version of `points` that answers."""
        rows = {row["model"]: row for row in json.loads(self("models", "list", "--json"))}
        return str(rows["points"]["version"])

    @property
    def data(self) -> Path:
        return self.folder / "points.csv"

    @property
    def store(self) -> Store:
        return Store(self.folder / "data" / "models")


@pytest.fixture
def hearth(tmp_path: Path) -> Hearth:
    (tmp_path / "plugins" / "points").mkdir(parents=True)
    (tmp_path / "plugins" / "points" / "__init__.py").write_text(PLUGIN)
    write_points(tmp_path / "points.csv", spread=2.5)
    return Hearth(tmp_path)


def test_evaluating_prints_one_object_and_nothing_else_whatever_the_model_prints(hearth: Hearth) -> None:
    hearth("models", "train", "talking", "--data", str(hearth.data))
    printed = hearth("models", "evaluate", "talking", "--data", str(hearth.data), "--json")
    report = json.loads(printed)
    assert printed.count("\n") == 1
    assert set(report) == {"model", "version", "n", "metrics", "baseline", "reference"}
    assert (report["model"], report["n"]) == ("talking", 60)
    assert report["version"] == hearth.store.champion("talking")
    accuracy = report["metrics"]["accuracy"]
    assert set(accuracy) == {"value", "low", "high"}
    assert 0.5 < accuracy["low"] < accuracy["value"] < accuracy["high"] <= 1
    assert report["baseline"] == {"accuracy": 0.5}


def test_a_table_shows_each_figure_beside_the_baseline_and_pictures_are_drawn(hearth: Hearth) -> None:
    version = hearth.train()
    pictures = hearth.folder / "drawn"
    printed = hearth(
        *("models", "evaluate", "points", "--data", str(hearth.data)),
        *("--part", "holdout", "--version", version, "--pictures", str(pictures)),
    )
    held_out = hearth.store.report("points", version)
    assert f"{held_out.n} rows" in printed
    for word in (
        "accuracy",
        f"{held_out.metrics['accuracy'].value:.4f}",
        "majority",
        "guessing",
        "0.5000",
        version,
    ):
        assert word in printed
    drawn = sorted(pictures.iterdir())
    assert len(drawn) == 2
    for path in drawn:
        assert path.name in printed
        assert path.read_bytes().startswith(b"\x89PNG")


def test_a_worse_version_is_kept_as_challenger_until_it_is_forced_and_rolled_back(hearth: Hearth) -> None:
    printed = hearth("models", "train", "points", "--data", str(hearth.data), "--licence", "CC0")
    first = hearth.store.versions("points")[0]
    assert f"Promoted: {first}" in printed
    printed = hearth("models", "train", "points", "--data", str(hearth.data), SWAPPED="1")
    worse = hearth.store.versions("points")[1]
    assert f"Kept as challenger: {worse} is worse than {first}" in printed
    assert hearth.answers() == first

    assert "--force" in hearth("models", "promote", "points", worse, fails=True)
    assert "is worse" in hearth("models", "promote", "points", worse, "--data", str(hearth.data), fails=True)
    assert hearth.answers() == first
    hearth("models", "promote", "points", worse, "--force")
    assert hearth.answers() == worse

    assert first in hearth("models", "rollback", "points")
    assert hearth.answers() == first
    card = hearth("models", "card", "points")
    for word in (
        "# Nearest mean",
        first,
        worse,
        "CC0",
        "60 rows",
        "forced",
        "rollback",
        "kept as challenger",
        "x (a number)",
    ):
        assert word in card
    assert "none" in hearth("models", "rollback", "points")
    assert "no champion" in hearth("models", "rollback", "points", fails=True)


def test_a_version_that_was_never_compared_is_compared_when_data_is_given(hearth: Hearth) -> None:
    worse = hearth.train(SWAPPED="1")
    better = hearth.train("--no-promote")
    assert hearth.answers() == worse
    assert "not compared" in hearth("models", "promote", "points", better, fails=True)
    hearth("models", "promote", "points", better, "--data", str(hearth.data))
    assert hearth.answers() == better
    # Judged before, and rolled back since: no need to judge it again.
    hearth("models", "rollback", "points")
    hearth("models", "promote", "points", better)
    assert hearth.answers() == better


def test_a_damaged_champion_is_named_and_the_one_before_answers(hearth: Hearth) -> None:
    first, second = hearth.train(), hearth.train()
    assert hearth.answers() == second
    (hearth.store.root / "points" / second / "means.json").write_text('{"low": [9, 9]}')
    printed = hearth("models", "evaluate", "points", "--data", str(hearth.data), "--json")
    assert json.loads(printed)["version"] == first
    told = hearth("models", "evaluate", "points", "--data", str(hearth.data), "--version", second, fails=True)
    assert "means.json has changed" in told
    (hearth.store.root / "points" / first / "manifest.json").write_text("{")
    listed = hearth("models", "list")
    assert first in listed
    assert "damaged" in listed


def test_two_promoters_at_once_both_get_through_one_after_the_other(hearth: Hearth) -> None:
    versions = [hearth.train("--no-promote") for _ in range(2)]
    promoters = [
        subprocess.Popen(
            [sys.executable, "-m", "bot.cli", "models", "promote", "points", version, "--force"],
            cwd=hearth.folder,
            env=hearth.environment,
            stdout=subprocess.DEVNULL,
        )
        for version in versions
    ]
    assert [p.wait(60) for p in promoters] == [0, 0]
    pointer = hearth.store.pointer("points")
    assert sorted(pointer.trail) == versions
    assert pointer.changes[1].before == pointer.changes[0].version


def test_an_interrupted_training_ends_at_once_and_leaves_nothing(hearth: Hearth) -> None:
    training = subprocess.Popen(
        [sys.executable, "-m", "bot.cli", "models", "train", "endless", "--data", str(hearth.data)],
        cwd=hearth.folder,
        env=hearth.environment,
        stderr=subprocess.DEVNULL,
    )
    folder = hearth.store.root / "endless"
    until = time.monotonic() + 60
    while not list(folder.glob(".staging-*/means.json")):
        assert time.monotonic() < until
        time.sleep(0.05)
    training.send_signal(signal.SIGINT)
    assert training.wait(10) == 130
    assert [p.name for p in folder.iterdir()] == [".lock"]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("evaluate", "nosuch", "--data", "points.csv"), "endless, face, face-vgg, fact, fixed, image"),
        (("evaluate", "broken", "--data", "points.csv"), "KeyError: 'a missing layer'"),
        (("evaluate", "fixed", "--data", "points.csv"), "neither trained"),
        (("evaluate", "points", "--data", "absent.csv"), "absent.csv"),
        (("evaluate", "points", "--data", "points.csv"), "no weights yet"),
        (("evaluate", "points", "--data", "points.csv", "--version", "../../x"), "no version"),
        (("train", "points", "--data", "wrong.csv"), "lacks a column"),
        (("promote", "points", "20200101T000000-0000", "--force"), "20200101T000000-0000"),
        (("rollback", "points"), "points"),
        (("card", "../points"), "endless, face, face-vgg, fact, fixed, image"),
    ],
)
def test_bad_input_ends_with_one_clear_line(hearth: Hearth, arguments: tuple[str, ...], word: str) -> None:
    (hearth.folder / "wrong.csv").write_text("a,b\n1,2\n")
    assert word in hearth("models", *arguments, fails=True)
