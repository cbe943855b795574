"""`hearth data cifar10` and `hearth data folder`, as an operator runs them."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

REPOSITORY = Path(__file__).parents[3]


def hearth(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the command line with a data folder of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HEARTH_")}
    return subprocess.run(
        [sys.executable, "-m", "bot", *map(str, arguments)],
        env=kept | {"HEARTH_DATA_DIR": str(folder / "hearth"), "OMP_NUM_THREADS": "1"},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )


def noise(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 60, 3), np.uint8)
    Image.fromarray(pixels).save(path)


def test_a_folder_is_checked_before_it_is_trained_on(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for seed in range(5):
        noise(data / "cats" / f"{seed}.png", seed)
    for seed in range(4):
        noise(data / "dogs" / f"{seed}.png", 10 + seed)
    (data / "dogs" / "5.png").write_bytes(b"<svg/>")
    ran = hearth(tmp_path, "data", "folder", data)
    assert ran.returncode
    assert "cats: 5 pictures" in ran.stdout
    assert "skipped: dogs/5.png: " in ran.stdout
    assert "'dogs' has 4 readable pictures" in ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr


def test_what_is_no_archive_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.tar.gz").write_bytes(b"<html>")
    ran = hearth(tmp_path, "data", "cifar10", tmp_path / "a.tar.gz", tmp_path / "out")
    assert ran.returncode
    assert "a.tar.gz cannot be read" in ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr
    assert not (tmp_path / "out").exists()
