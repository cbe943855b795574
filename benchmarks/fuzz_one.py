"""Fuzzes one target in a process of its own: `python -m benchmarks.fuzz_one TARGET RUNS FOLDER`.

Inputs are mutated by libFuzzer, which atheris brings; it keeps those that reach new edges of our code and of the
parsers under it. What a target raises beyond its documented errors does not end the run: it is noted, each place
once, with the input that did it. So is what needs more than a second of the processor.
"""

import hashlib
import io
import json
import os
import signal
import sys
import time
import traceback
import warnings
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, Final

import atheris

from benchmarks.fuzz_targets import TARGETS

INSTRUMENTED: Final = [
    "shared", "plugins", "bot.dispatch", "bot.parse", "bot.exchange", "bot.payload", "csv", "zipfile", "tarfile",
    "pypdf", "protego", "htmldate", "justext", "courlan", "trafilatura", "PIL",
]  # fmt: skip
HANG_SECONDS: Final = 1.0
"""Of processor time: the clock on the wall would count what others do on the machine."""
KEPT: Final = 20
EVERY: Final = 1000


class Hang(BaseException):
    """An input took too long. No `Exception`, lest a parser take it for one of its own."""


class Run:
    """Counts, and notes what was found."""

    def __init__(self, name: str, runs: int, folder: Path) -> None:
        self._target = next(target for target in TARGETS if target.name == name)
        self._runs, self._folder = runs, folder
        self._work = folder / "work"
        self._work.mkdir(parents=True, exist_ok=True)
        self._begin = time.monotonic()
        self.inputs = self.refused = self.crashes = self.hangs = 0
        self.slowest = 0.0
        self.found: dict[str, dict[str, Any]] = {}

    def start(self) -> None:
        """Fuzz; does not return."""
        with atheris.instrument_imports(include=INSTRUMENTED, enable_loader_override=False):
            self._parse, self._documented = self._target.make(self._work)
        corpus, seeds = self._folder / "corpus", self._folder / "seeds"
        for each in (corpus, seeds):
            each.mkdir(exist_ok=True)
        for seed in self._target.seeds():
            (seeds / hashlib.sha1(seed).hexdigest()).write_bytes(seed[: self._target.longest])
        signal.signal(signal.SIGVTALRM, _ring)
        warnings.simplefilter("ignore")
        arguments = [
            f"-runs={self._runs}", f"-max_len={self._target.longest}", "-rss_limit_mb=0", "-timeout=300",
            "-print_final_stats=1", "-seed=20261125", str(corpus), str(seeds),
        ]  # fmt: skip
        atheris.Setup([sys.argv[0], *arguments], self.one)
        atheris.Fuzz()

    def one(self, data: bytes) -> None:
        """Hand one input to the parser."""
        self.inputs += 1
        before = time.process_time()
        signal.setitimer(signal.ITIMER_VIRTUAL, HANG_SECONDS)
        try:
            # Parsers may print.
            with redirect_stdout(io.StringIO()):
                self._parse(data)
        except self._documented:
            self.refused += 1
        except (Exception, Hang) as error:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            self._note(data, error)
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        took = time.process_time() - before
        if took > self.slowest:
            self.slowest = took
            (self._folder / "slowest").write_bytes(data)
            # Within C no bell is heard.
            if took > HANG_SECONDS:
                self._note(data, Hang(f"{took:.1f} s"))
        if self.inputs >= self._runs or self.inputs % EVERY == 0:
            self._write()

    def _note(self, data: bytes, error: BaseException) -> None:
        hang = isinstance(error, Hang)
        self.hangs, self.crashes = self.hangs + hang, self.crashes + (not hang)
        frames = traceback.extract_tb(error.__traceback__)[-4:]
        place = f"{type(error).__name__} {frames[-1].filename}:{frames[-1].lineno}" if frames else "slow"
        if place not in self.found and len(self.found) < KEPT:
            path = self._folder / f"found-{len(self.found)}"
            path.write_bytes(data)
            self.found[place] = {
                "input": str(path),
                "error": repr(error)[:300],
                "trace": [f"{f.filename}:{f.lineno} {f.name}" for f in frames],
            }

    def _write(self) -> None:
        seen = {
            "inputs": self.inputs, "refused": self.refused, "crashes": self.crashes, "hangs": self.hangs,
            "slowest": self.slowest, "seconds": time.monotonic() - self._begin, "found": self.found,
        }  # fmt: skip
        part = self._folder / "result.part"
        part.write_text(json.dumps(seen, indent=1), encoding="utf-8")
        os.replace(part, self._folder / "result.json")


def _ring(_number: int, _frame: object) -> None:
    raise Hang("more than a second of the processor")


if __name__ == "__main__":
    Run(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])).start()
