"""`hearth models train` and `hearth models report` write pages and pictures, as an operator sees them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.reports import version_to_report
from shared.errors import Refusal
from shared.store import Store
from tests.kit.page import Page
from tests.kit.trainable import write_points

REPOSITORY = Path(__file__).parents[2]
PLUGIN = """
import json
import msgspec
from shared.plugin import Card, hookimpl
from tests.kit.trainable import NearestMean

class Points(NearestMean):
    name = "points"

    @classmethod
    def train(cls, data, folder, progress):
        report = super().train(data, folder, progress)
        train = [1 / (1 + at) for at in range(30)]
        test = [0.4 + abs(at - 9) / 20 for at in range(30)]
        return msgspec.structs.replace(report, details={"curves": {"train": train, "test": test}})

@hookimpl
def card():
    return Card(name="points", summary="Tells points.")

@hookimpl
def models():
    return [Points]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "plugins" / "points").mkdir(parents=True)
    (tmp_path / "plugins" / "points" / "__init__.py").write_text(PLUGIN)
    write_points(tmp_path / "points.csv", spread=2.5)
    return tmp_path


def hearth(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("HEARTH_")},
        "PYTHONPATH": str(REPOSITORY),
        "HEARTH_DATA_DIR": str(folder / "data"),
        "HEARTH_PLUGIN_FOLDERS": json.dumps([str(folder / "plugins")]),
    }
    return subprocess.run(
        [sys.executable, "-m", "bot.cli", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=folder,
        env=environment,
    )


def test_a_training_writes_its_report_and_it_can_be_written_again(folder: Path) -> None:
    trained = hearth(
        folder, "models", "train", "points", "--data", str(folder / "points.csv"), "--licence", "CC0"
    )
    assert trained.returncode == 0, trained.stderr
    store = Store(folder / "data" / "models")
    (version,) = store.versions("points")
    written = folder / "data" / "reports" / f"points-{version}.html"
    assert str(Path("data") / "reports" / written.name) in trained.stdout
    source = written.read_text()
    page = Page(source)
    assert page.leads == []
    assert page.handlers == []
    assert "script" not in page.tags
    assert page.marks["data-finding"] == ["overfitting"]
    for word in (
        "CC0",
        "60",
        "accuracy",
        "majority",
        "guessing",
        "let it through",
        "promoted: default",
        version,
    ):
        assert word.casefold() in page.text.casefold(), word
    # The store's own checksums still hold.
    assert store.open("points", version).is_dir()

    out, png = folder / "out" / "page.html", folder / "picture.png"
    again = hearth(
        folder,
        *("models", "report", "points", "--version", version, "--out", str(out), "--png", str(png)),
    )
    assert again.returncode == 0, again.stderr
    assert again.stdout.split() == [str(out), str(png)]
    assert out.read_text() == source
    assert png.read_bytes().startswith(b"\x89PNG")


def test_a_report_needs_a_training(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="has not been trained here yet"):
        version_to_report(Store(tmp_path), "points")
