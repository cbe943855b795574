"""Files of digits are read as they are, and hostile ones refused before they are believed."""

import gzip
import io
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from plugins.digits.data import Digits, extra_fonts, read_pack, read_part
from plugins.digits.idx import read_idx, write_idx
from shared.errors import BadInput
from tests.plugins.digits.drawn import write_mnist

IMAGES = np.arange(3 * 28 * 28, dtype=np.uint32).astype(np.uint8).reshape(3, 28, 28)
LABELS = np.array([7, 0, 9], np.int64)


def header(*shape: int, kind: int = 8, zeros: bytes = b"\0\0") -> bytes:
    return zeros + bytes([kind, len(shape)]) + b"".join(struct.pack(">I", side) for side in shape)


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_an_idx_file_reads_as_it_was_written(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"images{suffix}"
    write_idx(path, IMAGES)
    assert np.array_equal(read_idx(path, 3), IMAGES)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\0\x08",
        header(3, 28, 28, zeros=b"\x80\x04") + b"x" * 2352,
        header(3, 28, 28, kind=13) + b"x" * 2352,
        header(3) + b"abc",
        header(3, 28, 28) + b"x" * 2351,
        header(3, 28, 28) + b"x" * 2353,
        header(2**31, 28, 28) + b"x",
        header(2**32 - 1, 2**32 - 1, 2**32 - 1),
        gzip.compress(header(3, 28, 28) + b"x" * 2352)[:-9],
        b"\x1f\x8bnot gzip at all",
        gzip.compress(header(3, 28, 28) + bytes(200_000_000), 9),
    ],
    ids=[
        "empty", "cut header", "no idx", "floats", "one dimension", "too short", "too long", "announces gigabytes",
        "announces without bound", "cut gzip", "false gzip", "a bomb",
    ],
)  # fmt: skip
def test_a_hostile_idx_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "images"
    path.write_bytes(content)
    with pytest.raises(BadInput):
        read_idx(path, 3)


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_folder_gives_its_training_and_its_test_part(tmp_path: Path, suffix: str) -> None:
    write_mnist(tmp_path, Digits(IMAGES, LABELS), Digits(IMAGES[:2], LABELS[:2]), suffix)
    train, test = read_part(tmp_path, "train"), read_part(tmp_path, "t10k")
    assert train is not None
    assert test is not None
    assert (train.labels.tolist(), len(test)) == ([7, 0, 9], 2)
    assert np.array_equal(train.images, IMAGES)


def test_a_part_that_is_not_there_is_none(tmp_path: Path) -> None:
    assert read_part(tmp_path, "train") is None


def test_images_and_labels_of_different_numbers_are_refused(tmp_path: Path) -> None:
    write_mnist(tmp_path, Digits(IMAGES, LABELS[:2]))
    with pytest.raises(BadInput, match="with a label each"):
        read_part(tmp_path, "train")


def test_a_pack_may_say_that_there_is_no_digit(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "d.npz", images=IMAGES, labels=np.array([3, -1, 4], np.int8))
    assert read_pack(tmp_path / "d.npz").labels.tolist() == [3, -1, 4]


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        (IMAGES, np.array([1, 2, 10])),
        (IMAGES, np.array([1, 2, -2])),
        (IMAGES, np.array([0.5, 1.5, 2.5])),
        (IMAGES.astype(np.float32), LABELS),
        (IMAGES[:, :20], LABELS),
        (IMAGES[:0], LABELS[:0]),
        (np.array([{"a": 1}] * 3, object), LABELS),
    ],
    ids=["a ten", "minus two", "halves", "floats", "another size", "nothing", "a pickle"],
)
def test_a_pack_that_holds_something_else_is_refused(
    tmp_path: Path, images: np.ndarray, labels: np.ndarray
) -> None:
    np.savez(tmp_path / "d.npz", images=images, labels=labels)
    with pytest.raises(BadInput):
        read_pack(tmp_path / "d.npz")


def test_a_pack_whose_header_lies_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    def array(shape: str) -> bytes:
        said = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
        return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(said)) + said.encode()

    with zipfile.ZipFile(tmp_path / "d.npz", "w") as archive:
        archive.writestr("images.npy", array("(999999999999, 28, 28)"))
        archive.writestr("labels.npy", array("(3,)"))
    with pytest.raises(BadInput, match="too large"):
        read_pack(tmp_path / "d.npz")


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 broken", pickle.dumps([1, 2, 3])], ids=["empty", "zip", "pickle"]
)
def test_what_is_no_pack_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "d.npz").write_bytes(content)
    with pytest.raises(BadInput):
        read_pack(tmp_path / "d.npz")


def test_a_pack_without_labels_is_refused(tmp_path: Path) -> None:
    out = io.BytesIO()
    np.savez(out, images=IMAGES)
    (tmp_path / "d.npz").write_bytes(out.getvalue())
    with pytest.raises(BadInput, match="cannot be read"):
        read_pack(tmp_path / "d.npz")


def test_fonts_lie_in_a_folder_beside(tmp_path: Path) -> None:
    (tmp_path / "fonts").mkdir()
    for name in ("b.ttf", "a.otf", "c.txt"):
        (tmp_path / "fonts" / name).touch()
    assert {path.name for path in extra_fonts(tmp_path)} == {"a.otf", "b.ttf"}
