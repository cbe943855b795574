"""Judges a version that was stored and not judged: the process that trained it was killed in between."""

import importlib
from pathlib import Path

import msgspec

from shared.device import choose_device, limit_threads
from shared.manifest import Judgement
from shared.model import Progress
from shared.promotion import Gate
from shared.store import Store


class Again(msgspec.Struct, frozen=True, kw_only=True):
    """Which version of `model`, a "module:Class", and on the held-out rows of which file."""

    model: str
    version: str
    store: str
    judge: str
    fewest: int
    hub: str | None
    device: str
    threads: int


def judge_again(request: Again, progress: Progress) -> Judgement:
    """Have the gate judge the version; in a process of its own."""
    limit_threads(request.threads)
    module, _, name = request.model.partition(":")
    model = getattr(importlib.import_module(module), name)
    progress(0.1, "comparing with the champion")
    device = choose_device(request.device, request.threads)
    store, judge = Store(Path(request.store)), Path(request.judge)
    return Gate(model, store, judge, device, request.hub, request.fewest).admit(request.version)
