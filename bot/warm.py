"""Warm models within one process, whatever brings it work: the local worker's socket, or Ray.

Nothing here raises: a batch or an order that fails is answered as such.
"""

import contextlib
import ctypes
import gc
import importlib
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import psutil

from shared.device import choose_device
from shared.engine import Weights
from shared.frames import WHOLE_BATCH, Broken, Done, Items, Load, Loaded, Run, Unload, describe
from shared.model import AnyModel, Device, Failure
from shared.redaction import Redactor
from shared.tracing import NO_TRACES, Traces, trace_id

Find = Callable[[AnyModel, Weights], Path | None]
"""Finds the folder of weights on this machine."""


class _Warm:
    """A loaded model, and how its requests and results are written."""

    def __init__(self, path: str, weights: Weights, device: Device, find: Find) -> None:
        kind = _class(path)
        self.model: Any = kind.load(find(kind, weights), device)
        self.requests, self.results = Items(kind.request), Items(kind.result)


def told(model: AnyModel, weights: Weights) -> Path | None:
    """Take the folder that was told: who tells it is on the same machine."""
    return None if weights.folder is None else Path(weights.folder)


class WarmModels:
    """Answers batches of the models that it has loaded. One thread may load while another answers."""

    def __init__(
        self, device: str, threads: int | None, traces: Traces = NO_TRACES, find: Find = told
    ) -> None:
        self._wanted, self._threads, self._traces, self._find = device, threads, traces, find
        self._device: Device | None = None
        self._models: dict[str, _Warm] = {}
        self._process: Final = psutil.Process()

    def run(self, run: Run) -> Done:
        """Answer a batch."""
        started = time.perf_counter()
        try:
            warm = self._models[run.model]
            with self._traces.span(f"run {run.model}", parent=run.traceparent):
                results, failures = _answer(warm, run.batch)
        except Exception as error:
            log("batch failed", model=run.model, error=repr(error))
            results, failures = msgspec.Raw(b"\x90"), {WHOLE_BATCH: describe(error)}
        return Done(run.id, results, failures, time.perf_counter() - started)

    def carry_out(self, order: Load | Unload) -> Loaded | Broken:
        """Load a model, beside what answers meanwhile, or drop one."""
        try:
            return self._carry_out(order)
        # Also SystemExit, which would end the thread alone, and all loading with it.
        except BaseException as error:
            log("load failed", model=order.model, error=repr(error))
            return Broken(order.id, describe(error).reason)

    def _carry_out(self, order: Load | Unload) -> Loaded:
        before = self._rss()
        if self._device is None:
            # Not before it is needed: to look for a GPU may mean to import torch.
            self._device = choose_device(self._wanted, self._threads)
        match order:
            case Load(model=name, path=path, weights=weights):
                # The swap: the next batch is answered by the new one.
                self._models[name] = _Warm(path, weights, self._device, self._find)
            case Unload(model=name):
                self._models.pop(name, None)
                _free_memory()
        after = self._rss()
        return Loaded(order.id, self._device.name, after, after - before)

    def _rss(self) -> float:
        return self._process.memory_info().rss / 2**20


def log(event: str, **values: object) -> None:
    """Write one line of JSON to standard error; structlog would cost the process memory for nothing."""
    traced = {"trace_id": here} if (here := trace_id()) is not None else {}
    said = Redactor.here().clean({"logger": "hearth.worker", "event": event, **traced, **values})
    with contextlib.suppress(OSError):
        sys.stderr.write(json.dumps(said)[:2000] + "\n")


def _answer(warm: _Warm, data: msgspec.Raw) -> tuple[msgspec.Raw, dict[int, Failure]]:
    """Answer each item, or say why it failed; what one of them breaks is kept from its neighbours."""
    answers = warm.requests.decode(data)
    asked = [i for i, request in enumerate(answers) if not isinstance(request, Failure)]
    for i, answer in zip(asked, _predict(warm.model, [answers[i] for i in asked]), strict=True):
        answers[i] = answer if isinstance(answer, Failure) else warm.results.encode(answer)
    failures = {i: answer for i, answer in enumerate(answers) if isinstance(answer, Failure)}
    results = msgspec.msgpack.encode([None if i in failures else each for i, each in enumerate(answers)])
    return msgspec.Raw(results), failures


def _predict(model: Any, batch: Sequence[Any]) -> list[Any]:
    if not batch:
        return []
    try:
        answers = list(model.predict(batch))
        if len(answers) != len(batch):
            raise ValueError(f"{len(answers)} results for {len(batch)} requests")
    except Exception as error:
        if len(batch) == 1:
            log("request failed", model=type(model).name, error=repr(error))
            return [describe(error)]
        # One bad item must not fail its neighbours.
        return [_predict(model, [item])[0] for item in batch]
    return answers


def _class(path: str) -> AnyModel:
    module, _, name = path.partition(":")
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found  # type: ignore[no-any-return]


def _free_memory() -> None:
    gc.collect()
    if (torch := sys.modules.get("torch")) is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    # glibc keeps what was freed; other C libraries have no such call.
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
