"""Packs of pictures are read as they are, and hostile ones are refused in words."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from plugins.image.cifar_data import LABELS, SIDE, fitted, read_thumbnails, write_pack
from shared.errors import BadInput


def png(shade: int, size: tuple[int, int] = (SIDE, SIDE)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (shade, 0, 255 - shade)).save(out, "PNG")
    return out.getvalue()


def pack(path: Path, **changes: Any) -> Path:
    """Write three pictures; arrays are replaced by `changes`, or left out where one is None."""
    write_pack(path, [png(10), png(20), png(30)], [1, 0, 1], ["truck", "cat"])
    with np.load(path) as found:
        arrays = dict(found) | changes
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})
    return path


def index(*rows: tuple[int, int, int]) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.array(rows, np.int64)


def test_a_pack_gives_back_what_was_packed_by_the_names_of_its_classes(tmp_path: Path) -> None:
    rows = read_thumbnails(pack(tmp_path / "a.npz"))
    assert rows.pixels[:, 0, 0, 0].tolist() == [10, 20, 30]
    assert [LABELS[label] for label in rows.labels] == ["cat", "truck", "cat"]
    assert len(rows.part(np.array([True, False, True]))) == 2


def test_pictures_of_other_sizes_and_kinds_become_small_squares(tmp_path: Path) -> None:
    grey = io.BytesIO()
    Image.new("L", (SIDE, SIDE), 77).save(grey, "JPEG")
    path = tmp_path / "a.npz"
    write_pack(path, [png(40, (100, 60)), png(50, (7, 9)), grey.getvalue()], [0, 1, 2], LABELS)
    rows = read_thumbnails(path)
    assert rows.pixels.shape == (3, SIDE, SIDE, 3)
    assert rows.pixels[:, 16, 16, 0].tolist() == [40, 50, 77]


def test_a_large_picture_is_averaged_over_its_middle() -> None:
    checkers = np.indices((64, 96)).sum(0) % 2 * 255
    small = np.asarray(fitted(Image.fromarray(np.stack([checkers] * 3, 2).astype(np.uint8))))
    assert small.shape == (SIDE, SIDE, 3)
    assert np.abs(small.astype(int) - 127).max() <= 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"index": index((0, 9999, 0))}, "outside of jpeg"),
        ({"index": index((-1, 10, 0))}, "outside of jpeg"),
        ({"index": index((2**62, 2**62, 0))}, "outside of jpeg"),
        ({"index": np.array([[2**64 - 1, 1, 0]], np.uint64)}, "outside of jpeg"),
        ({"index": index((0, 0, 0))}, "outside of jpeg"),
        ({"index": index((0, 80, 2))}, "not in classes"),
        ({"index": index((0, 80, -1))}, "not in classes"),
        ({"index": index((0, 20, 0))}, "picture 0 cannot be read"),
        ({"index": np.zeros((0, 3), np.int64)}, "no rows"),
        ({"index": np.zeros((3, 2), np.int64)}, "no rows"),
        ({"index": np.zeros((3, 3))}, "no rows"),
        ({"index": None}, "no array index"),
        ({"jpeg": np.zeros((4, 4), np.uint8)}, "no row of bytes"),
        ({"jpeg": np.zeros(400, np.uint16)}, "no row of bytes"),
        ({"jpeg": np.zeros(400, np.uint8)}, "picture 0 cannot be read"),
        ({"classes": np.array(["truck", "unicorn"])}, "unicorn"),
        ({"classes": np.array([b"truck"])}, "no row of names"),
        ({"classes": np.array(["truck"], object)}, "kind that is never read"),
        ({"index": np.array([[0, 80, 0]], object)}, "kind that is never read"),
    ],
)  # fmt: skip
def test_a_hostile_pack_is_refused_in_words(tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadInput, match=reason):
        read_thumbnails(pack(tmp_path / "a.npz", **changes))


def header(shape: str, descr: str = "'|u1'") -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (header("(9999999999999,)"), "too large"),
        (header("(9999999999999, 9999999999999)"), "too large"),
        (header("(-5,)"), "too large"),
        (header("(500,)") + b"short", "cut short"),
        (header("('a',)"), "cannot be read"),
        (header("(" * 400), "cannot be read"),
        (b"\x93NUMPY\x09\x00", "cannot be read"),
        (b"", "cannot be read"),
    ],
)  # fmt: skip
def test_a_hostile_header_is_refused_before_memory_is_taken(tmp_path: Path, data: bytes, reason: str) -> None:
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("jpeg.npy", data)
    with pytest.raises(BadInput, match=reason):
        read_thumbnails(path)


@pytest.mark.parametrize("kind", ["missing", "cut short", "no zip", "empty", "folder", "changed inside"])
def test_what_is_no_pack_is_refused_in_words(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.npz"
    match kind:
        case "cut short":
            path.write_bytes(pack(path).read_bytes()[:-80])
        case "no zip":
            path.write_bytes(b"PK but not really" * 50)
        case "empty":
            path.write_bytes(b"")
        case "folder":
            path.mkdir()
        case "changed inside":
            whole = bytearray(pack(path).read_bytes())
            whole[200] ^= 255
            path.write_bytes(bytes(whole))
    with pytest.raises(BadInput, match=r"a\.npz"):
        read_thumbnails(path)


def test_a_picture_too_large_for_a_pack_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    write_pack(path, [png(1, (3000, 1)), png(1, (300, 300))], [0, 1], LABELS)
    with pytest.raises(BadInput, match="picture 1 cannot be read: it is too large"):
        read_thumbnails(path)
