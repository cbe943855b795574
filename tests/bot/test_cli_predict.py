"""`hearth predict`, as an operator runs it: through a real worker."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.kit.trainable import NearestMean

REPOSITORY = Path(__file__).parents[2]
PLUGIN = """
from pathlib import Path
from shared.plugin import Card, hookimpl
from tests.kit.trainable import NearestMean

class Points(NearestMean):
    name = "points"
    default = Path(__file__).parent / "weights"

    def predict(self, batch):
        if any(r.x == 666 for r in batch):
            raise ZeroDivisionError("a point of ill fame")
        return super().predict(batch)

@hookimpl
def card():
    return Card(name="points", summary="Tells points.")

@hookimpl
def models():
    return [Points]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    weights = tmp_path / "plugins" / "points" / "weights"
    weights.mkdir(parents=True)
    (weights.parent / "__init__.py").write_text(PLUGIN)
    (weights / "means.json").write_text('{"low": [0, 0], "high": [4, 4]}')
    return tmp_path


def hearth(folder: Path, *arguments: str, content: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("HEARTH_")},
        "PYTHONPATH": str(REPOSITORY),
        "HEARTH_DATA_DIR": str(folder / "data"),
        "HEARTH_PLUGIN_FOLDERS": json.dumps([str(folder / "plugins")]),
    }
    command = [sys.executable, "-m", "bot.cli", "predict", *arguments]
    return subprocess.run(
        command, input=content, capture_output=True, timeout=120, cwd=folder, env=environment
    )


def answers(done: subprocess.CompletedProcess[bytes]) -> list[dict[str, Any]]:
    assert done.returncode == 0, done.stderr.decode()
    assert b"Traceback" not in done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_lines_are_answered_in_order_and_bad_ones_in_their_place(folder: Path) -> None:
    lines = [
        b'{"x": 0, "y": 1}',
        b"not json",
        b'{"x": 4, "y": 4}',
        b'{"x": "text", "y": 4}',
        b"",
        b'{"y": 4}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"x": 666, "y": 1}',
        b'{"x": 5, "y": 3}',
        b"\r",
        b'{"x": 1, "y": 1}\r',
    ]
    found = answers(hearth(folder, "points", "-", content=b"\n".join(lines)))
    assert [line.get("label", "error" if line.get("error") else None) for line in found] == [
        *("low", "error", "high", "error", "error", "error"),
        *("error", "error", "error", "high", "error", "low"),
    ]
    assert found[0] == {"label": "low", "distance": 1.0}
    assert all(
        isinstance(line["error"], str) and "\n" not in line["error"] for line in found if "error" in line
    )
    assert "x" in found[5]["error"]


def test_a_long_stream_is_answered_like_the_bare_model(folder: Path) -> None:
    points = [(i % 7 - 1.0, i % 5 - 0.5) for i in range(3000)]
    (folder / "points.jsonl").write_text("".join(json.dumps({"x": x, "y": y}) + "\n" for x, y in points))
    found = answers(hearth(folder, "points", "points.jsonl"))
    model = NearestMean({"low": (0, 0), "high": (4, 4)})
    requests = [NearestMean.request(x=x, y=y) for x, y in points]
    assert [line["label"] for line in found] == [r.label for r in model.predict(requests)]  # type: ignore[arg-type,union-attr]


def test_a_line_beyond_all_bounds_is_refused_and_the_next_is_answered(folder: Path) -> None:
    content = b'{"x": 1, "y": "' + b"1" * (17 << 20) + b'"}\n{"x": 4, "y": 4}\n'
    refused, answered = answers(hearth(folder, "points", content=content))
    assert "longer" in refused["error"]
    assert answered["label"] == "high"


def test_no_input_gives_no_output(folder: Path) -> None:
    assert answers(hearth(folder, "points")) == []


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("nosuch",), "points"),
        (("points", "absent.jsonl"), "absent.jsonl"),
        (("points", "."), "Is a directory"),
    ],
)
def test_what_cannot_be_read_at_all_ends_with_one_clear_line(
    folder: Path, arguments: tuple[str, ...], word: str
) -> None:
    done = hearth(folder, *arguments)
    assert done.returncode != 0
    assert done.stdout == b""
    assert len(done.stderr.decode().strip().splitlines()) == 1
    assert word in done.stderr.decode()
