"""Stand-in models for tests of the worker: what they do is said by the request, and some do harm."""

import os
import re
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self

import msgspec

from shared.model import Device, Failure


class Ask(msgspec.Struct, frozen=True):
    """What to do: say `text`, or harm, as `Echo` and `_do` have it. "sleep" lasts `seconds`."""

    text: str = ""
    act: str = "say"
    seconds: float = 0.0
    ballast: bytes = b""


class Said(msgspec.Struct, frozen=True):
    """The text in return, by which version, in a batch of how many, in which process."""

    text: str
    version: str
    batch: int
    pid: int


class Echo:
    """Says what it was asked to say, and its version: the text of `version` in its folder."""

    name: ClassVar[str] = "echo"
    request: ClassVar[type[msgspec.Struct]] = Ask
    result: ClassVar[type[msgspec.Struct]] = Said
    max_batch: ClassVar[int] = 8
    default: ClassVar[Path | None] = None

    def __init__(self, version: str) -> None:
        self.version = version

    @classmethod
    def load(cls, folder: Path | None, device: Device) -> Self:
        """Read the version; a folder with a file `act` has the load do that instead: abort, raise, exit or sleep."""
        if folder is None:
            return cls("none")
        act = folder / "act"
        if act.exists():
            _do(*act.read_text().split())
        return cls((folder / "version").read_text())

    def predict(self, batch: Sequence[Ask]) -> Sequence[Said | Failure]:
        """Do what each request says."""
        answers = [self._answer(ask, len(batch)) for ask in batch]
        # Fewer or more answers than requests are the model's fault.
        return answers + answers if any(ask.act == "surplus" for ask in batch) else answers

    def _answer(self, ask: Ask, size: int) -> Said | Failure:
        match ask.act:
            case "refuse":
                return Failure("The picture holds no digit.", refusal=True)
            case "unwritable":
                return Said(object(), self.version, size, os.getpid())  # type: ignore[arg-type]
            case "mistyped":
                return Said(7, self.version, size, os.getpid())  # type: ignore[arg-type]
            case "environment":
                return Said(os.environ.get(ask.text, ""), self.version, size, os.getpid())
            case "modules":
                return Said(" ".join(sorted(sys.modules)), self.version, size, os.getpid())
            case "say":
                return Said(ask.text, self.version, size, os.getpid())
            case act:
                _do(act, str(ask.seconds))
                return Said(ask.text, self.version, size, os.getpid())


class SecondEcho(Echo):
    """Another model, so that there are two."""

    name: ClassVar[str] = "second"


class ThirdEcho(Echo):
    """And a third."""

    name: ClassVar[str] = "third"


class HeavyEcho(Echo):
    """Takes about 100 MiB."""

    name: ClassVar[str] = "heavy"

    def __init__(self, version: str) -> None:
        super().__init__(version)
        self.ballast = b"x" * (100 << 20)


class HeavierEcho(HeavyEcho):
    """Takes about 100 MiB too."""

    name: ClassVar[str] = "heavier"


def _do(act: str, seconds: str = "0") -> None:
    match act:
        case "raise":
            raise ZeroDivisionError("as asked")
        case "abort":
            os.abort()
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "exit":
            sys.exit(3)
        case "fork":
            # A child of its own lives on a while, and has what it had open.
            if os.fork() == 0:
                time.sleep(20)
            os._exit(0)
        case "sleep":
            time.sleep(float(seconds))
        case "hold":
            # A search that backtracks for ever, in C: no other thread of the process runs meanwhile.
            re.search(r"(a+)+$", "a" * 60 + "b")
