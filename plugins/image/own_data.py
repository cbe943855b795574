"""Reads a person's own folder of labelled pictures: in it a folder for each class. Needs numpy: trainer only.

What cannot be read is named and passed over; how much is read has limits, so that a folder chosen by mistake ends in
words and not in a full memory. Pictures are looked at one by one, and only what the network sees of them is kept.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shared.errors import BadInput
from shared.model import Progress
from shared.pictures import decode

KINDS: Final = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".heic"})
FEWEST_CLASSES: Final = 2
FEWEST: Final = 5
"""Pictures of a class, each unlike the others."""
MAX_CLASSES: Final = 200
MAX_FILES: Final = 10_000
MAX_BYTES: Final = 25 << 20
"""Bytes of a picture."""
SIDE: Final = 224
SMALL: Final = 64
CHUNK: Final = 32
Pixels = NDArray[np.uint8]
Integers = NDArray[np.int64]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Labelled:
    """Features of pictures and of their mirror images (n x 1280), the number of each one's class, the classes' names.

    `small` are the pictures themselves at 64 x 64. `unread` names files that could not be read, with the reason.
    """

    features: Floats
    mirrored: Floats
    small: Pixels
    labels: Integers
    names: list[str]
    unread: list[str]

    def __len__(self) -> int:
        return len(self.labels)


def read_folder(
    folder: Path, embed: Callable[[Pixels], Floats], progress: Progress, *, mirror: bool = True
) -> Labelled:
    """Read all pictures below `folder`; without `mirror` there are no features of mirror images.

    Raises `BadInput` where it is no such folder, or is too large.
    """
    names = class_names(folder)
    files = listed(folder, names)
    unread: list[str] = []
    labels: list[int] = []
    parts: list[tuple[Floats, Floats, Pixels]] = []
    for first in range(0, len(files), CHUNK):
        progress(first / len(files), f"picture {first} of {len(files)}")
        chunk: list[Pixels] = []
        for label, path in files[first : first + CHUNK]:
            try:
                chunk.append(_read(path))
                labels.append(label)
            except (BadInput, OSError) as error:
                unread.append(f"{path.relative_to(folder).as_posix()}: {error}")
        if chunk:
            pixels = np.stack(chunk)
            small = np.stack([square(each, SMALL) for each in chunk])
            turned = np.ascontiguousarray(pixels[:, :, ::-1]) if mirror else pixels[:0]
            parts.append((embed(pixels), embed(turned), small))
    if not parts:
        raise BadInput("{path} holds no picture that can be read.", path=folder)
    features, mirrored, small = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Labelled(features, mirrored, small, np.array(labels, np.int64), names, unread)


def checked(folder: Path, progress: Progress) -> tuple[dict[str, int], list[str]]:
    """Look at all pictures, small; return how many of each class can be read, and the others with the reason."""
    names = class_names(folder)
    files = listed(folder, names)
    counts, unread = dict.fromkeys(names, 0), []
    for done, (label, path) in enumerate(files):
        if not done % CHUNK:
            progress(done / len(files), f"picture {done} of {len(files)}")
        try:
            _read(path, SMALL)
            counts[names[label]] += 1
        except (BadInput, OSError) as error:
            unread.append(f"{path.relative_to(folder).as_posix()}: {error}")
    return counts, unread


def _read(path: Path, side: int = SIDE) -> Pixels:
    if path.stat().st_size > MAX_BYTES:
        raise BadInput("The picture is larger than {limit} MiB.", limit=MAX_BYTES >> 20)
    return square(decode(path.read_bytes(), longest=max(4 * side, SIDE)), side)


def class_names(folder: Path) -> list[str]:
    """Return the classes of a folder, by name. Raises `BadInput` where there are too few or too many."""
    try:
        found = sorted(
            entry.name for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith(".")
        )
    except OSError as error:
        raise BadInput("{path} cannot be read: {reason}", path=folder, reason=error.strerror) from None
    if len(found) < FEWEST_CLASSES:
        raise BadInput(
            "{path} needs a folder of pictures for each class, at least {fewest} of them.",
            path=folder, fewest=FEWEST_CLASSES,
        )  # fmt: skip
    if len(found) > MAX_CLASSES:
        raise BadInput("{path} has more than {most} classes.", path=folder, most=MAX_CLASSES)
    return found


def must_suffice(rows: Labelled, groups: Integers) -> None:
    """Raise `BadInput` where a class has fewer than five pictures that are unlike each other."""
    for number, name in enumerate(rows.names):
        enough(name, len(set(groups[rows.labels == number].tolist())))


def enough(name: str, found: int) -> None:
    """Raise `BadInput` where a class has fewer than five pictures."""
    if found < FEWEST:
        raise BadInput(
            "The class {name!r} has {found} readable pictures that differ from each other; it needs {fewest}.",
            name=name[:80], found=found, fewest=FEWEST,
        )  # fmt: skip


def square(pixels: Pixels, side: int = SIDE) -> Pixels:
    """Return the middle square of a picture, `side` pixels wide."""
    image = Image.fromarray(pixels)
    edge = min(image.size)
    left, top = (image.width - edge) / 2, (image.height - edge) / 2
    kind = Image.Resampling.BOX if edge >= 2 * side else Image.Resampling.BICUBIC
    return np.asarray(image.resize((side, side), kind, (left, top, left + edge, top + edge)))


def listed(folder: Path, names: list[str]) -> list[tuple[int, Path]]:
    """Return the pictures of each class, in the order of their names; links lead nowhere.

    Raises `BadInput` where there are too many.
    """
    found: list[tuple[int, Path]] = []
    for number, name in enumerate(names):
        for path in (folder / name).rglob("*"):
            if path.suffix.lower() in KINDS and path.is_file() and not path.is_symlink():
                found.append((number, path))
                if len(found) > MAX_FILES:
                    raise BadInput("{path} holds more than {most} pictures.", path=folder, most=MAX_FILES)
    return sorted(found)
