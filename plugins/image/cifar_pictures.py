"""Writes CIFAR-10's archive out as pictures: PART/CLASS/NNNNN.png, or a pack of each part.

NNNNN is the picture's number in its part of the data set. What is there already is not written again, so an unpacking
that was broken off goes on. Imported by the command line only: it needs numpy and Pillow.
"""

import io
import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from PIL import Image

from plugins.image.cifar_archive import BATCHES, Batch, Part, Pixels, read_batches, read_names
from plugins.image.cifar_data import write_pack
from shared.errors import BadInput
from shared.model import Progress

REPORTED: Final = 500
"""Pictures between two words on how far it has come."""


def write_pictures(archive: Path, folder: Path, progress: Progress) -> dict[str, int]:
    """Write each picture as a PNG; return how many there are now of each part. Raises `BadInput`."""
    names = read_names(archive)
    counts: dict[str, int] = defaultdict(int)
    for done, batch in _counted(archive, progress):
        for name in names:
            (folder / batch.part / name).mkdir(parents=True, exist_ok=True)
        for row, label in enumerate(batch.labels):
            path = folder / batch.part / _name(archive, names, label) / f"{batch.first + row:05d}.png"
            counts[batch.part] += 1
            if not path.exists():
                _write(path, _png(batch.pixels[row]))
            if not row % REPORTED:
                progress(done + row / len(batch.labels) / len(BATCHES), f"{batch.name}, picture {row}")
    progress(1.0, "done")
    return dict(counts)


def write_packs(archive: Path, folder: Path, progress: Progress) -> dict[str, int]:
    """Write FOLDER/train.npz and FOLDER/test.npz, in the form that models train on. Raises `BadInput`."""
    names = read_names(archive)
    folder.mkdir(parents=True, exist_ok=True)
    batches: dict[Part, list[Batch]] = defaultdict(list)
    for _, batch in _counted(archive, progress):
        for label in set(batch.labels):
            _name(archive, names, label)
        batches[batch.part].append(batch)
    counts = {}
    for part, found in batches.items():
        found.sort(key=lambda batch: batch.first)
        files = [_png(pixels) for batch in found for pixels in batch.pixels]
        labels = [label for batch in found for label in batch.labels]
        written = folder / f"{part}.npz.part"
        write_pack(written, files, labels, names)
        os.replace(written, folder / f"{part}.npz")
        counts[str(part)] = len(files)
    progress(1.0, "done")
    return counts


def _counted(archive: Path, progress: Progress) -> Iterator[tuple[float, Batch]]:
    for number, batch in enumerate(read_batches(archive)):
        done = number / len(BATCHES)
        progress(done, batch.name)
        yield done, batch


def _name(archive: Path, names: list[str], label: int) -> str:
    if label >= len(names):
        raise BadInput(
            "{path} is no archive of CIFAR-10: {reason}.", path=archive, reason=f"class {label} has no name"
        )
    return names[label]


def _png(pixels: Pixels) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=6)
    return out.getvalue()


def _write(path: Path, data: bytes) -> None:
    # At no time is there half a picture under that name.
    written = path.with_suffix(".part")
    written.write_bytes(data)
    os.replace(written, path)
