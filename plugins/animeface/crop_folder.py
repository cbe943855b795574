"""The tool `hearth data animefaces`: cuts faces out of a folder of pictures, and goes on where it was stopped."""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from plugins.animeface.crop import AnimeCrop, CropRequest
from shared.errors import BadInput
from shared.model import Device, Failure, Progress
from shared.tool import Tool, ToolContext

KINDS: Final = frozenset(
    {".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".heic", ".heif"}
)
LARGEST: Final = 64 * 2**20
"""Bytes of a file that is opened."""
LOG: Final = "animefaces.jsonl"
"""What was done, a line a file, so that the next call goes on from there."""
MAX_NAMED: Final = 20
"""Unread files that are named."""


@dataclass
class Tally:
    """What became of the files of a folder; `unread` says of each unreadable one why."""

    pictures: int = 0
    faces: int = 0
    known: int = 0
    unread: list[str] = field(default_factory=list)


def animefaces(
    ctx: ToolContext,
    source: Annotated[Path, typer.Argument(help="A folder of pictures; those in folders below it count.")],
    folder: Annotated[Path, typer.Argument(help="Where the faces go; made where there is none.")],
    npz: Annotated[
        Path | None, typer.Option("--npz", help="Write all faces of FOLDER to this file too, to train on.")
    ] = None,
) -> None:
    """Cut the anime faces out of a folder's pictures, 96 pixels each; what was done before is not done again."""
    tally = crop_folder(source, folder, ctx.progress)
    ctx.say(f"{tally.pictures} pictures, {tally.faces} faces in {folder}; {tally.known} were done before")
    for line in tally.unread[:MAX_NAMED]:
        ctx.say(f"skipped: {line}")
    if tally.unread:
        ctx.say(f"{len(tally.unread)} files could not be read")
    if npz is not None:
        ctx.say(f"{pack(folder, npz)} faces in {npz}")


def crop_folder(source: Path, folder: Path, progress: Progress) -> Tally:
    """Write the faces of the pictures below `source` to `folder`. Raises `BadInput` where there is no such folder."""
    if not source.is_dir():
        raise BadInput("{path} is no folder.", path=source)
    folder.mkdir(parents=True, exist_ok=True)
    model = AnimeCrop.load(None, Device())
    files = sorted(_files(source, folder))
    tally, done = Tally(), _done(folder / LOG)
    with (folder / LOG).open("a", encoding="utf-8") as log:
        for number, path in enumerate(files):
            progress(number / len(files), f"{tally.faces} faces")
            _one(model, path, str(path.relative_to(source)), folder, done, tally, log)
    progress(1.0, f"{tally.faces} faces")
    return tally


def pack(folder: Path, npz: Path) -> int:
    """Write the faces of a folder to one file, as training reads it; return how many. Raises `BadInput` for none."""
    from plugins.animeface.training_data import write_pack

    faces = [path.read_bytes() for path in sorted(folder.glob("*.png"))]
    if not faces:
        raise BadInput("{path} holds no faces.", path=folder)
    write_pack(npz, faces)
    return len(faces)


def _one(
    model: AnimeCrop, path: Path, name: str, folder: Path, done: dict[str, Any], tally: Tally, log: Any
) -> None:
    try:
        about = path.stat()
        stamp = [about.st_size, about.st_mtime_ns]
        if done.get(name) == stamp:
            tally.known += 1
            return
        if about.st_size > LARGEST:
            raise BadInput("larger than {limit} MiB", limit=LARGEST // 2**20)
        (found,) = model.predict([CropRequest(data=path.read_bytes(), shown=False)])
        if isinstance(found, Failure):
            raise BadInput(found.reason)
    except (OSError, BadInput) as error:
        tally.unread.append(f"{name}: {error}")
        return
    # The path makes names that differ where those of two folders are the same.
    mark = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:12]
    for number, data in enumerate(found.crops, 1):
        target = folder / f"{mark}-{number:02}.png"
        part = target.with_suffix(".part")
        part.write_bytes(data)
        part.replace(target)
    # Last, so that a picture whose faces were not all written is done again.
    log.write(json.dumps({"file": name, "stamp": stamp, "mark": mark, "faces": len(found.crops)}) + "\n")
    log.flush()
    tally.pictures += 1
    tally.faces += len(found.crops)


def _files(source: Path, folder: Path) -> Iterator[Path]:
    """Yield the pictures below `source`, but not the faces that were cut out of them."""
    inside = folder.resolve()
    for here, folders, names in os.walk(source):
        folders[:] = [each for each in folders if (Path(here) / each).resolve() != inside]
        if Path(here).resolve() == inside:
            continue
        for name in names:
            path = Path(here) / name
            if path.suffix.lower() in KINDS and not name.startswith(".") and path.is_file():
                yield path


def _done(log: Path) -> dict[str, Any]:
    """Return the size and time of each file that was done; a line that was cut short counts as none."""
    found: dict[str, Any] = {}
    if not log.is_file():
        return found
    for line in log.read_text(encoding="utf-8").splitlines():
        try:
            said = json.loads(line)
            found[said["file"]] = said["stamp"]
        except (ValueError, KeyError, TypeError):
            continue
    return found


TOOLS: Final = (Tool("data", "animefaces", animefaces),)
