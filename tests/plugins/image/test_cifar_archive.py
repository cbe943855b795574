"""CIFAR-10's archive becomes pictures, and a pickle in it can do nothing else."""

import io
import os
import pickle
import struct
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from PIL import Image

from plugins.image.cifar_archive import MAX_STEPS, read_batches, read_names
from plugins.image.cifar_data import read_thumbnails
from plugins.image.cifar_pictures import write_packs, write_pictures
from shared.errors import BadInput

NAMES = [b"airplane", b"automobile", b"bird"]
ROWS = 4


def pixels(seed: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(seed).integers(0, 256, (ROWS, 3072), np.uint8)


def batch(seed: int, **changes: Any) -> dict[bytes, Any]:
    names = [f"picture {row}.png".encode() for row in range(ROWS)]
    found = {b"batch_label": b"one of", b"labels": [0, 1, 2, 0], b"data": pixels(seed), b"filenames": names}
    return found | {name.encode(): value for name, value in changes.items()}


def pickled(found: Any) -> bytes:
    return pickle.dumps(found, protocol=2)


class Python2(pickle._Pickler):
    """Pickles as Python 2 did, which wrote the archive: one kind of string for texts and bytes."""

    dispatch: ClassVar[dict[type, Any]] = dict(pickle._Pickler.dispatch)

    def save_string(self, found: str | bytes) -> None:
        raw = found.encode() if isinstance(found, str) else found
        self.write(pickle.BINSTRING + struct.pack("<i", len(raw)) + raw)
        self.memoize(found)

    dispatch[str] = dispatch[bytes] = save_string


def as_python_2(found: Any) -> bytes:
    """Return a pickle as the archive has them, with the old name of numpy's module."""
    out = io.BytesIO()
    Python2(out, protocol=2).dump(found)
    return out.getvalue().replace(b"numpy._core.multiarray", b"numpy.core.multiarray")


def archive(path: Path, members: Mapping[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def whole(path: Path, **changed: bytes) -> Path:
    members = {
        "data_batch_2": as_python_2(batch(2)),
        "readme.html": b"<p>",
        "test_batch": as_python_2(batch(9)),
        "batches.meta": as_python_2({b"label_names": NAMES, b"num_vis": 3072}),
        "data_batch_1": as_python_2(batch(1)),
    }
    return archive(path, members | changed)


def silent(done: float, note: str = "") -> None:
    assert 0 <= done <= 1


def test_every_picture_is_written_below_its_part_and_class(tmp_path: Path) -> None:
    counts = write_pictures(whole(tmp_path / "a.tar.gz"), tmp_path / "out", silent)
    assert counts == {"train": 8, "test": 4}
    written = sorted(p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.png"))
    assert len(written) == 12
    assert {"train/airplane/00000.png", "train/bird/10002.png", "test/automobile/00001.png"} <= set(written)
    with Image.open(tmp_path / "out/train/bird/10002.png") as image:
        found = np.asarray(image)
    assert (found == pixels(2)[2].reshape(3, 32, 32).transpose(1, 2, 0)).all()


def test_an_unpacking_that_was_broken_off_goes_on(tmp_path: Path) -> None:
    source, out = whole(tmp_path / "a.tar.gz"), tmp_path / "out"
    write_pictures(source, out, silent)
    kept, gone = out / "train/airplane/00000.png", out / "train/airplane/00003.png"
    before = kept.stat().st_mtime_ns
    gone.unlink()
    assert write_pictures(source, out, silent)["train"] == 8
    assert gone.exists()
    assert kept.stat().st_mtime_ns == before
    assert not list(out.rglob("*.part"))


def test_packs_hold_the_same_pictures_without_loss(tmp_path: Path) -> None:
    assert write_packs(whole(tmp_path / "a.tar.gz"), tmp_path, silent) == {"train": 8, "test": 4}
    rows = read_thumbnails(tmp_path / "train.npz")
    assert rows.labels.tolist() == [0, 1, 2, 0] * 2
    wanted = np.concatenate([pixels(1), pixels(2)]).reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    assert (rows.pixels == wanted).all()


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_batch_that_python_3_wrote_with_keys_of_text_is_read_too(tmp_path: Path, protocol: int) -> None:
    found = {name.decode(): value for name, value in batch(1).items()}
    source = archive(tmp_path / "a.tar.gz", {"data_batch_1": pickle.dumps(found, protocol)})
    (read,) = read_batches(source)
    assert (read.pixels.transpose(0, 3, 1, 2).reshape(ROWS, -1) == pixels(1)).all()


class Runs:
    """Becomes a pickle that calls something when it is read."""

    def __init__(self, call: Callable[..., Any], *arguments: Any) -> None:
        self.call, self.arguments = call, arguments

    def __reduce__(self) -> Any:
        return self.call, self.arguments


@pytest.mark.parametrize("place", ["batch", "labels", "data", "names"])
def test_a_pickle_that_would_run_a_command_is_refused_and_runs_nothing(tmp_path: Path, place: str) -> None:
    mark = tmp_path / "ran"
    evil = Runs(os.system, f"touch {mark}")
    match place:
        case "batch":
            source = whole(tmp_path / "a.tar.gz", data_batch_1=pickled(evil))
        case "names":
            source = whole(tmp_path / "a.tar.gz", **{"batches.meta": pickled({b"label_names": [evil]})})
        case _:
            source = whole(tmp_path / "a.tar.gz", data_batch_1=pickled(batch(1, **{place: evil})))
    with pytest.raises(BadInput, match=r"(posix|nt)\.system"):
        write_pictures(source, tmp_path / "out", silent)
    assert not mark.exists()


@pytest.mark.parametrize(
    "evil",
    [
        Runs(eval, "1"),
        Runs(getattr, "", "join"),
        Runs(np.zeros, 3),
        Runs(np.dtype, "O"),
        np.zeros((ROWS, 3072), np.float32),
        np.zeros((ROWS, 3072), object),
        np.zeros(ROWS, [("a", "u1")]),
        np.ma.zeros((ROWS, 3072), np.uint8),
        Path("/"),
    ],
    ids=["eval", "getattr", "numpy function", "object dtype", "floats", "objects", "records", "masked", "path"],
)  # fmt: skip
def test_what_no_batch_needs_is_refused(tmp_path: Path, evil: Any) -> None:
    source = archive(tmp_path / "a.tar.gz", {"data_batch_1": pickled(batch(1, data=evil))})
    with pytest.raises(BadInput, match="data_batch_1 is refused"):
        list(read_batches(source))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"labels": [0, 1]}, "one label for each"),
        ({"labels": [0, 1, 2, -1]}, "no number of a class"),
        ({"labels": [0, 1, 2, True]}, "no number of a class"),
        ({"labels": None}, "one label for each"),
        ({"data": np.zeros((ROWS, 3071), np.uint8)}, "no pictures"),
        ({"data": b"bytes"}, "no pictures"),
    ],
    ids=["few", "negative", "flag", "none", "narrow", "bytes"],
)
def test_a_batch_that_is_none_is_refused_in_words(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    source = archive(tmp_path / "a.tar.gz", {"data_batch_1": pickled(batch(1, **changes))})
    with pytest.raises(BadInput, match=reason):
        list(read_batches(source))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"junk",
        b"\x80\x02.",
        pickle.dumps([1]),
        b"\x80\x02" + b"]0" * MAX_STEPS + b"].",
        b"\x80\x02}" * 9,
    ],
    ids=["empty", "junk", "nothing", "a list", "too many steps", "unended"],
)
def test_bytes_that_are_no_batch_are_refused_in_words(tmp_path: Path, data: bytes) -> None:
    source = archive(tmp_path / "a.tar.gz", {"data_batch_1": data})
    with pytest.raises(BadInput, match="data_batch_1"):
        list(read_batches(source))


@pytest.mark.parametrize("names", [["../x"], ["a/b"], [""], ["a", "a"], [".."], ["x" * 99], ["貓"], []])
def test_a_class_whose_name_is_no_folder_is_refused(tmp_path: Path, names: list[str]) -> None:
    source = whole(tmp_path / "a.tar.gz", **{"batches.meta": pickled({"label_names": names})})
    with pytest.raises(BadInput, match=r"batches\.meta"):
        read_names(source)


@pytest.mark.parametrize("kind", ["missing", "cut short", "no archive", "empty", "no batch"])
def test_what_is_no_archive_is_refused_in_words(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.tar.gz"
    match kind:
        case "cut short":
            whole(path)
            path.write_bytes(path.read_bytes()[:-9000])
        case "no archive":
            path.write_bytes(b"<html>" * 100)
        case "empty":
            path.write_bytes(b"")
        case "no batch":
            archive(path, {"other": b"1"})
    with pytest.raises(BadInput, match=r"a\.tar\.gz"):
        list(read_batches(path))


def test_links_and_paths_out_of_the_folder_lead_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        link = tarfile.TarInfo("cifar-10-batches-py/data_batch_2")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
        for name, data in {
            "../../batches.meta": pickled({b"label_names": NAMES}),
            "/data_batch_1": as_python_2(batch(1)),
        }.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    write_pictures(path, tmp_path / "below" / "out", silent)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.tar.gz", "below"]
    assert len(list((tmp_path / "below/out").rglob("*.png"))) == ROWS
