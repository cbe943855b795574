"""How long vectors of texts are kept on disk: what was not used for two days goes, and all with one who is forgotten.

A file a day old is set aside, where it is still read, and removed a day later; what was used of it is in the next file
by then. Nothing is opened here, so that the bot's process can do it.
"""

import time
from pathlib import Path
from typing import Final

from shared.durable import locked

FILE: Final = "embeddings.safetensors"
ASIDE: Final = "embeddings-before.safetensors"
BEGUN: Final = "begun"
LOCK: Final = "embeddings.lock"
DAY_SECONDS: Final = 86_400


def begin(folder: Path) -> None:
    """Note that a file begins, where none has; the caller holds the lock."""
    if not (folder / FILE).exists():
        (folder / BEGUN).write_bytes(b"")


def sweep(folder: Path) -> None:
    """Set aside what is a day old, and remove what was set aside and was last written a day ago."""
    if not folder.is_dir():
        return
    with locked(folder / LOCK):
        if (folder / FILE).exists() and _is_old(folder / BEGUN):
            (folder / FILE).replace(folder / ASIDE)
        if _is_old(folder / ASIDE):
            (folder / ASIDE).unlink(missing_ok=True)


def clear(folder: Path) -> None:
    """Remove all vectors."""
    if not folder.is_dir():
        return
    with locked(folder / LOCK):
        for name in (FILE, ASIDE):
            (folder / name).unlink(missing_ok=True)


def _is_old(path: Path) -> bool:
    """Tell whether a file was written a day ago or earlier; one that is not there counts as old."""
    try:
        return time.time() - path.stat().st_mtime >= DAY_SECONDS
    except FileNotFoundError:
        return True
