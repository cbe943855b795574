"""Ends a process with the one that started it and holds its standard input open."""

import os
import signal
import time


def end_with_parent(grace_seconds: float) -> None:
    """Wait until standard input closes, then end this process: by SIGTERM, and after `grace_seconds` for good.

    For a thread of its own. Reads what comes and drops it.
    """
    # Not through sys.stdin, whose lock a thread must not hold when the interpreter ends.
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    # Nobody is left to say goodbye to: what still waits must not hold up the end.
    time.sleep(grace_seconds)
    os._exit(1)
