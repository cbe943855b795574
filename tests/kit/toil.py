"""Heavy work that behaves badly: functions for a process of its own."""

import os
import subprocess
import sys
import threading
import time

import msgspec

from shared.model import Progress


class Asked(msgspec.Struct):
    """How many bytes."""

    size: int = 0


class Said(msgspec.Struct):
    """An answer."""

    text: str


def echo(asked: Asked, progress: Progress) -> Said:
    """Answer with as many bytes as asked."""
    progress(0.5, "half")
    return Said("x" * asked.size)


def linger(_asked: Asked, _progress: Progress) -> Said:
    """Answer, and then not end for a minute."""
    threading.Thread(target=lambda: time.sleep(60)).start()
    return Said("done")


def leave_a_child(_asked: Asked, progress: Progress) -> Said:
    """Answer, and leave a process behind that holds standard error open; its number is the answer."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    progress(1.0, "started")
    return Said(str(child.pid))


def lie(_asked: Asked, _progress: Progress) -> Said:
    """Answer with what is no `Said`."""
    return 7  # type: ignore[return-value]


def die(_asked: Asked, _progress: Progress) -> Said:
    """End without a word."""
    os._exit(3)
