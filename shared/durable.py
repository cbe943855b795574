"""Files that survive a crash: written beside, flushed to disk, then renamed; and locks between processes."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.errors import Busy

LOCK_SECONDS = 30.0


def write_file(path: Path, content: bytes, beside: Path) -> None:
    """Replace the file at `path` at once and for good: readers see the old content or the new, never a part.

    `beside` is an unused path on the same file system, to write to first; a crash may leave it there.
    """
    try:
        with beside.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    sync(path.parent)


def sync(path: Path) -> None:
    """Flush a file or a folder to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """Flush a folder and all below it to disk, the innermost first."""
    for parent, _, files in os.walk(folder, topdown=False):
        for name in files:
            sync(Path(parent, name))
        sync(Path(parent))


@contextmanager
def locked(path: Path, seconds: float = LOCK_SECONDS) -> Iterator[None]:
    """Hold the lock file at `path`, against other processes and threads. Raises `Busy` after `seconds`."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        until = time.monotonic() + seconds
        while not _take(descriptor):
            if time.monotonic() > until:
                raise Busy("{path} is locked by another process.", path=path)
            time.sleep(0.02)
        yield
    finally:
        os.close(descriptor)


def hold(folder: Path) -> int | None:
    """Mark `folder` as in use until the descriptor returned is closed, or this process ends.

    Returns None where another process holds it, or it is gone.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    if _take(descriptor):
        return descriptor
    os.close(descriptor)
    return None


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
