"""Cutting faces out of a folder: what is unreadable is counted, and a second call does only what is new."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from plugins.animeface.crop import AnimeCrop, as_read, with_margin
from plugins.animeface.crop_folder import crop_folder, pack
from plugins.animeface.model import AnimeFace, FacesRequest, FacesResult
from plugins.animeface.training_data import read_faces
from shared.errors import BadInput
from shared.model import Device
from tests.kit import pictures


def silent(done: float, note: str = "") -> None:
    assert 0 <= done <= 1


@pytest.fixture(scope="module")
def face() -> bytes:
    """Return a face that the generator drew."""
    (drawn,) = AnimeFace.load(AnimeFace.default, Device()).predict([FacesRequest(seeds=[7], truncation=0.5)])
    assert isinstance(drawn, FacesResult)
    return drawn.faces[0]


def test_faces_are_cut_out_once_and_files_that_cannot_be_read_are_counted(
    face: bytes, tmp_path: Path
) -> None:
    source, folder = tmp_path / "in", tmp_path / "in" / "faces"
    (source / "deep").mkdir(parents=True)
    (source / "one.png").write_bytes(face)
    (source / "deep" / "one.png").write_bytes(face)
    (source / "half.jpg").write_bytes(pictures.truncated_jpeg())
    (source / "note.txt").write_text("no picture")
    first = crop_folder(source, folder, silent)
    assert (first.pictures, first.faces, first.known) == (2, 2, 0)
    assert [line.partition(":")[0] for line in first.unread] == ["half.jpg"]
    made = sorted(folder.glob("*.png"))
    assert len(made) == 2
    assert {Image.open(io.BytesIO(path.read_bytes())).size for path in made} == {(96, 96)}

    (source / "two.png").write_bytes(face)
    second = crop_folder(source, folder, silent)
    assert (second.pictures, second.known, len(second.unread)) == (1, 2, 1)
    assert len(list(folder.glob("*.png"))) == 3

    assert pack(folder, tmp_path / "faces.npz") == 3
    assert len(read_faces(tmp_path / "faces.npz")) == 3


def test_the_command_line_cuts_faces_out_and_packs_them(face: bytes, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "one.png").write_bytes(face)
    (tmp_path / "in" / "broken.png").write_bytes(pictures.svg_named_png())
    named = ("data", "animefaces", tmp_path / "in", tmp_path / "out", "--npz", tmp_path / "faces.npz")
    ran = subprocess.run(
        [sys.executable, "-m", "bot", *map(str, named)],
        env=os.environ | {"HEARTH_DATA_DIR": str(tmp_path / "hearth"), "OMP_NUM_THREADS": "1"},
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    assert "1 pictures, 1 faces" in ran.stdout
    assert "skipped: broken.png: " in ran.stdout
    assert len(read_faces(tmp_path / "faces.npz")) == 1


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no folder"):
        crop_folder(tmp_path / "none", tmp_path / "faces", silent)
    with pytest.raises(BadInput, match="no faces"):
        pack(tmp_path, tmp_path / "faces.npz")


def test_faces_are_numbered_as_people_read() -> None:
    first, second, third, fourth = (10, 12, 50, 50), (90, 4, 60, 60), (5, 80, 50, 50), (95, 70, 55, 55)
    assert as_read([fourth, second, third, first]) == [first, second, third, fourth]
    assert as_read([]) == []


def test_a_crop_is_a_square_within_its_picture() -> None:
    assert with_margin((40, 40, 50, 50), 200, 200) == (35, 35, 60, 60)
    assert with_margin((-10, -5, 100, 100), 300, 90) == (0, 0, 90, 90)
    assert with_margin((170, 10, 50, 50), 200, 200) == (140, 5, 60, 60)


def test_a_sheet_of_many_faces_is_found_nearly_whole(face: bytes) -> None:
    import numpy as np

    sheet = Image.new("RGB", (10 * 130, 6 * 130), (200, 210, 230))
    for number in range(60):
        sheet.paste(
            Image.open(io.BytesIO(face)).resize((100, 100)), (number % 10 * 130 + 15, number // 10 * 130 + 15)
        )
    assert len(AnimeCrop.load(None, Device()).find(np.asarray(sheet))) >= 55
