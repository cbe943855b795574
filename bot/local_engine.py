"""The default engine: one supervised worker process on this machine.

When the worker dies, the batch that it worked on is tried again item by item, so that only the item that kills is
failed; batches that merely waited are sent again. A batch that outlasts its time is handled the same way, the worker
being killed. Models come back in the order of need.
"""

import asyncio
import itertools
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import msgspec
import structlog

from bot.worker_process import WorkerProcess
from shared.device import choose_device
from shared.engine import EngineStatus, ModelStatus, Weights
from shared.errors import DeadlineExceeded, HearthError, ModelFailed, ModelUnavailable, WorkerCrashed
from shared.frames import WHOLE_BATCH, Broken, Done, Load, Loaded, Unload, encode
from shared.model import AnyModel

WATCH_SECONDS: Final = 0.1
KILLS: Final = 2
"""An item that was being worked on in so many deaths of the worker is given up."""
QUICK_DEATHS: Final = 5
log = structlog.get_logger("hearth.engine")
Sent = Done | Loaded | Broken


@dataclass(slots=True, eq=False)
class _Batch:
    id: int
    model: str
    requests: Sequence[Any]
    deadlines: Sequence[float]
    future: asyncio.Future[Sequence[Any]]
    kills: int = 0
    started: float = 0.0


@dataclass(slots=True)
class _Model:
    """What the engine knows of a model."""

    name: str
    path: str
    results: msgspec.msgpack.Decoder[Any]
    weights: Weights | None = None
    loaded: bool = False
    loading: asyncio.Task[None] | None = None
    waiting: int = 0
    used: float = 0.0
    batches: int = 0
    items: int = 0
    seconds: float = 0.0
    rss_mib: float = 0.0
    orders: dict[int, asyncio.Future[Loaded]] = field(default_factory=dict)


class LocalEngine:
    """Runs batches in a child process; see `shared.engine.Engine`.

    The worker imports the classes of `models` by their names; `weights` finds a model's weights (it is called in a
    thread). Past `memory_budget_mib` of the worker, idle models are unloaded, the least recently used first. A batch
    may take `batch_seconds`, and `grace` seconds more than the shortest deadline in it.
    """

    def __init__(
        self,
        models: Iterable[AnyModel],
        weights: Callable[[str], Weights],
        *,
        device: str = "auto",
        threads: int | None = None,
        memory_budget_mib: int | None = None,
        warm: Sequence[str] = (),
        batch_seconds: float = 20.0,
        grace: float = 1.0,
    ) -> None:
        self._models = {
            model.name: _Model(
                model.name,
                f"{model.__module__}:{model.__qualname__}",
                msgspec.msgpack.Decoder(list[model.result | None]),  # type: ignore[name-defined]
            )
            for model in models
        }
        self._find, self._budget, self._warm = weights, memory_budget_mib, warm
        self._batch_seconds, self._grace = batch_seconds, grace
        self._device = choose_device(device, threads)
        self._received: msgspec.msgpack.Decoder[Sent] = msgspec.msgpack.Decoder(Sent)
        self._ids = itertools.count(1)
        self._flying: dict[int, _Batch] = {}
        self._worker: WorkerProcess | None = None
        self._up = asyncio.Event()
        self._ended = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._rss, self._restarts, self._quick, self._closed = 0.0, 0, 0, False

    async def start(self) -> None:
        """Start the worker and load the warm set; a model that fails to load is logged, and tried again when asked."""
        await self._spawn()
        self._own(self._supervise())
        self._own(self._watch())
        for result in await asyncio.gather(
            *(self._ensure(self._models[n]) for n in self._warm), return_exceptions=True
        ):
            if isinstance(result, ModelUnavailable):
                log.error("not warm", error=str(result))
            elif isinstance(result, BaseException):
                raise result

    async def run(self, model: str, batch: Sequence[Any], deadlines: Sequence[float]) -> Sequence[Any]:
        """Answer a batch; see `shared.engine.Engine.run`."""
        return await self._run(model, batch, deadlines, 0)

    async def load(self, model: str, weights: Weights) -> None:
        """Load other weights beside those that answer, and swap."""
        known = self._models[model]
        await self._up.wait()
        await self._order_load(known, weights)

    async def unload(self, model: str) -> None:
        """Free a model's memory."""
        known = self._models[model]
        if known.loaded:
            known.loaded = False
            number = next(self._ids)
            await self._order(known, number, Unload(number, model))

    async def status(self) -> EngineStatus:
        """Return the engine's state, as it is known here; asks nobody."""
        return EngineStatus(
            engine="local",
            worker_pid=None if self._worker is None else self._worker.pid,
            alive=self._up.is_set(),
            restarts=self._restarts,
            rss_mib=round(self._rss, 1),
            device=self._device.name,
            models=[_status(m, self._flying.values()) for m in self._models.values()],
        )

    async def close(self) -> None:
        """Stop the worker."""
        self._closed = True
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._worker is not None:
            await self._worker.close()
        self._fail_all(WorkerCrashed("The worker was stopped."))

    async def _run(
        self, model: str, requests: Sequence[Any], deadlines: Sequence[float], kills: int
    ) -> Sequence[Any]:
        known, loop = self._models[model], asyncio.get_running_loop()
        known.waiting += 1
        try:
            while not known.loaded or self._worker is None:
                await self._ensure(known)
            batch = _Batch(next(self._ids), model, requests, deadlines, loop.create_future(), kills)
            known.used = batch.started = loop.time()
            if not self._send(batch):
                return [ModelFailed("The request is too large.")] * len(requests)
            try:
                return await batch.future
            except _Died:
                return await self._again(batch)
            finally:
                self._flying.pop(batch.id, None)
        finally:
            known.waiting -= 1

    def _send(self, batch: _Batch) -> bool:
        assert self._worker is not None, "callers see to it"
        try:
            frame = encode(("run", batch.id, batch.model, batch.requests))
        except (ValueError, TypeError):
            return False
        self._flying[batch.id] = batch
        self._worker.send(frame)
        return True

    async def _again(self, batch: _Batch) -> Sequence[Any]:
        """Try a batch again whose worker died: whole where it merely waited, else item by item."""
        now = asyncio.get_running_loop().time()
        if batch.kills == 0:
            return await self._run(batch.model, batch.requests, batch.deadlines, 0)
        answers: list[Any] = []
        for request, deadline in zip(batch.requests, batch.deadlines, strict=True):
            if batch.kills >= KILLS:
                answers.append(WorkerCrashed("The model's process died while it worked on this."))
            elif deadline <= now:
                answers.append(DeadlineExceeded("The answer took too long."))
            else:
                try:
                    answers += await self._run(batch.model, [request], [deadline], batch.kills)
                except HearthError as error:
                    answers.append(error)
                now = asyncio.get_running_loop().time()
        return answers

    async def _ensure(self, model: _Model) -> None:
        await self._up.wait()
        if model.loaded:
            return
        if model.loading is None or model.loading.done():
            model.loading = self._own(self._load_first(model))
        await asyncio.shield(model.loading)

    async def _load_first(self, model: _Model) -> None:
        try:
            weights = await asyncio.to_thread(self._find, model.name)
        except HearthError:
            raise
        except Exception as error:
            log.error("weights not found", model=model.name, exc_info=error)
            raise ModelUnavailable(
                "The model {model} has no weights that can be read.", model=model.name
            ) from error
        await self._order_load(model, weights)

    async def _order_load(self, model: _Model, weights: Weights) -> None:
        number = next(self._ids)
        loaded = await self._order(model, number, Load(number, model.name, model.path, weights))
        model.weights, model.loaded = weights, True
        model.used = asyncio.get_running_loop().time()
        model.rss_mib, self._rss = max(loaded.added_mib, 0.0), loaded.rss_mib
        log.info("model loaded", model=model.name, version=weights.version, origin=weights.origin)
        await self._keep_to_budget(model)

    async def _keep_to_budget(self, newest: _Model) -> None:
        while self._budget is not None and self._rss > self._budget:
            idle = [m for m in self._models.values() if m.loaded and not m.waiting and m is not newest]
            if not idle:
                return
            oldest = min(idle, key=lambda m: m.used)
            log.info("model unloaded", model=oldest.name, rss_mib=round(self._rss), budget_mib=self._budget)
            before = self._rss
            await self.unload(oldest.name)
            # The allocator may keep what was freed; it is used again by what is loaded next.
            self._rss = min(self._rss, before - oldest.rss_mib)

    async def _order(self, model: _Model, number: int, order: Load | Unload) -> Loaded:
        if self._worker is None:
            raise ModelUnavailable("The model {model} is not there at the moment.", model=model.name)
        future: asyncio.Future[Loaded] = asyncio.get_running_loop().create_future()
        model.orders[number] = future
        self._worker.send(encode(order))
        try:
            return await future
        finally:
            model.orders.pop(number, None)

    def _on_frame(self, body: bytes) -> None:
        match self._received.decode(body):
            case Done() as done:
                batch = self._flying.pop(done.id, None)
                now = asyncio.get_running_loop().time()
                # The next one in line is being worked on from now.
                if (following := next(iter(self._flying.values()), None)) is not None:
                    following.started = now
                if batch is not None:
                    self._quick = 0
                    self._settle(batch, done)
            case Loaded() as loaded:
                if (future := self._order_of(loaded.id)) is not None:
                    future.set_result(loaded)
            case Broken() as broken:
                if (future := self._order_of(broken.id)) is not None:
                    future.set_exception(
                        ModelUnavailable("The model could not be loaded: {reason}", reason=broken.reason)
                    )

    def _order_of(self, number: int) -> asyncio.Future[Loaded] | None:
        for model in self._models.values():
            if (future := model.orders.get(number)) is not None and not future.done():
                return future
        return None

    def _settle(self, batch: _Batch, done: Done) -> None:
        model = self._models[batch.model]
        model.batches += 1
        model.items += len(batch.requests)
        model.seconds += done.seconds
        if batch.future.done():
            return
        if WHOLE_BATCH in done.failures:
            batch.future.set_result([done.failures[WHOLE_BATCH]] * len(batch.requests))
            return
        answers = model.results.decode(done.results)
        for index, failure in done.failures.items():
            answers[index] = failure
        batch.future.set_result(answers)

    async def _spawn(self) -> None:
        self._ended = asyncio.Event()
        self._worker = await WorkerProcess.start(
            self._device.name, self._device.threads, self._on_frame, self._ended.set
        )
        self._up.set()

    async def _supervise(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            born = loop.time()
            await self._ended.wait()
            worker, self._worker = self._worker, None
            self._up.clear()
            self._mourn()
            assert worker is not None, "it was spawned"
            status = await worker.reap()
            self._restarts += 1
            self._quick = self._quick + 1 if loop.time() - born < 2 else 0
            log.error("worker died", status=status, restarts=self._restarts)
            if self._quick:
                await asyncio.sleep(min(0.1 * 2**self._quick, 10))
            await self._spawn()
            if self._quick >= QUICK_DEATHS:
                self._fail_all(ModelUnavailable("The models cannot be started at the moment."))

    def _mourn(self) -> None:
        """Mark all models cold, and have each batch under way tried again by who waits for it."""
        for model in self._models.values():
            model.loaded = False
            for future in model.orders.values():
                if not future.done():
                    future.set_exception(
                        ModelUnavailable("The model's process died while it was being loaded.")
                    )
        for index, batch in enumerate(list(self._flying.values())):
            # The worker answers in order, so the oldest is the one that it was working on.
            batch.kills += index == 0
            if not batch.future.done():
                batch.future.set_exception(_Died())
        self._flying.clear()

    async def _watch(self) -> None:
        """Kill the worker where a batch outlasts its time."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            oldest = next(iter(self._flying.values()), None)
            if oldest is None or self._worker is None:
                continue
            limit = min(
                oldest.started + self._batch_seconds, max(min(oldest.deadlines), oldest.started) + self._grace
            )
            if loop.time() > limit:
                log.error("batch outlasts its time", model=oldest.model, size=len(oldest.requests))
                self._worker.kill()
                await self._ended.wait()

    def _fail_all(self, error: HearthError) -> None:
        for batch in list(self._flying.values()):
            if not batch.future.done():
                batch.future.set_result([error] * len(batch.requests))
        self._flying.clear()

    def _own(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


class _Died(Exception):
    """The worker died while the batch was with it."""


def _status(model: _Model, flying: Any) -> ModelStatus:
    weights = model.weights
    origin: Literal["store", "hub", "default", "none"] = weights.origin if weights else "none"
    return ModelStatus(
        name=model.name,
        version=weights.version if weights else "",
        origin=origin,
        loaded=model.loaded,
        in_flight=sum(batch.model == model.name for batch in flying),
        batches=model.batches,
        items=model.items,
        mean_ms=round(1000 * model.seconds / model.batches, 3) if model.batches else 0.0,
        rss_mib=round(model.rss_mib, 1),
    )
