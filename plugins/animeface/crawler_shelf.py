"""The crawler's folder: pictures, where each is from, what was left out, and where the next run goes on.

All functions here block: they are called beside the event loop.
"""

import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any, Final

import msgspec

PICTURES: Final = "pictures.jsonl"
SKIPPED: Final = "skipped.jsonl"
STATE: Final = "state.json"


class Item(msgspec.Struct, frozen=True):
    """A picture as the endpoint lists it; see docs/animeface.md."""

    id: str
    image: str
    author: str
    page: str
    licence: str = ""
    tags: list[str] = msgspec.field(default_factory=list)
    time: str = ""


class State(msgspec.Struct, frozen=True):
    """Which endpoint was asked, from where on it is asked next, and not before which time (seconds since 1970).

    `whole`: its list was read to the end, so that all that stands behind a known page is known too; false from the
    next new picture on until the end is reached again. `missed`: on the way, a picture could not be had that may be
    had another time.
    """

    url: str
    cursor: str | None = None
    not_before: float = 0.0
    whole: bool = False
    missed: bool = False


class Shelf:
    """The folder, open for one run."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        folder.mkdir(parents=True, exist_ok=True)
        self.state = self._read_state()
        self.ids: set[str] = set()
        self.hashes: set[str] = set()
        for name in (PICTURES, SKIPPED):
            for said in self._lines(folder / name):
                if said.get("source") == url:
                    self.ids.add(str(said.get("id")))
                if name == PICTURES:
                    self.hashes.add(str(said.get("sha256")))

    def keep(self, item: Item, data: bytes, kind: str, faces: int) -> bool:
        """Keep a picture with its attribution; False, and no file, where the same picture is there already."""
        digest = hashlib.sha256(data).hexdigest()
        if digest in self.hashes:
            self.skip(item, f"the same picture as {digest[:32]}")
            return False
        target = self.folder / f"{digest[:32]}.{kind}"
        part = target.with_suffix(".part")
        part.write_bytes(data)
        part.replace(target)
        # After the file: a line always has its picture.
        self._append(
            PICTURES,
            {
                "file": target.name,
                "sha256": digest,
                "faces": faces,
                **msgspec.to_builtins(item),
                **self._now(),
            },
        )
        self.ids.add(item.id)
        self.hashes.add(digest)
        return True

    def skip(self, item: Item, why: str) -> None:
        """Note that a picture is not wanted, so that it is not fetched again."""
        self._append(SKIPPED, {"id": item.id, "page": item.page, "why": why[:300], **self._now()})
        self.ids.add(item.id)

    def note(self, **changes: Any) -> None:
        """Change fields of the state, for the next run too."""
        self.state = msgspec.structs.replace(self.state, **changes)
        part = self.folder / (STATE + ".part")
        part.write_bytes(msgspec.json.encode(self.state))
        part.replace(self.folder / STATE)

    def _now(self) -> dict[str, Any]:
        return {"source": self.url, "fetched": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}

    def _read_state(self) -> State:
        try:
            state = msgspec.json.decode((self.folder / STATE).read_bytes(), type=State)
        except (OSError, msgspec.DecodeError):
            return State(self.url)
        # A cursor means nothing to another endpoint.
        return state if state.url == self.url else State(self.url)

    def _append(self, name: str, said: dict[str, Any]) -> None:
        path = self.folder / name
        # A line that was cut short stands alone, and spoils no other.
        with path.open("a+b") as file:
            torn = file.tell() > 0 and not _ends_with_a_line(path)
            file.write((b"\n" if torn else b"") + json.dumps(said, ensure_ascii=False).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    @staticmethod
    def _lines(path: Path) -> list[dict[str, Any]]:
        found = []
        if path.is_file():
            with path.open(encoding="utf-8", errors="replace") as file:
                for line in file:
                    try:
                        said = json.loads(line)
                    except ValueError:
                        continue
                    if isinstance(said, dict):
                        found.append(said)
        return found


def _ends_with_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
