"""Ends work of other people's code that takes too long, such as a parser's on a hostile file."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

AGAIN_SECONDS: Final = 0.5
"""After which it rings again, should the code have caught what was raised."""


class OutOfTime(BaseException):
    """Raised in the midst of the work. Not an `Exception`, so that a parser's own `except` lets it through."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise `OutOfTime` once the block has run for `seconds`, between two steps of Python code.

    Only the main thread can be interrupted, which in the worker is the one that predicts; elsewhere this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, _ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN_SECONDS)
    try:
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        # Once more: it may have rung just before it was turned off.
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _ring(number: int, frame: FrameType | None) -> None:
    raise OutOfTime
