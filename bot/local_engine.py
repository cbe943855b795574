"""The default engine: one supervised worker process on this machine.

When the worker dies, the batch that it worked on is tried again item by item, so that only the item that kills is
failed; batches that merely waited are sent again. A batch that outlasts its time is handled the same way, the worker
being killed. Models that were warm are made warm again at once, those that are waited for first.
"""

import asyncio
import contextlib
import copy
import functools
import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import structlog

from bot.first_load import load_first
from bot.flight import KILLS, Batch, Died, Item, KnownModel, Order, first, guilty, parts, see_through
from bot.own_tasks import OwnTasks
from bot.supervisor import Answer, Supervisor
from shared.device import free_cores
from shared.engine import EngineStatus, Weights
from shared.errors import BadInput, HearthError, ModelUnavailable, WorkerCrashed
from shared.frames import Broken, Done, FrameError, Load, Loaded, Unload, encode
from shared.model import AnyModel
from shared.tracing import here

WATCH_SECONDS: Final = 0.1
STOP_SECONDS: Final = 1.0
log = structlog.get_logger("hearth.engine")


class LocalEngine:
    """Runs batches in a child process; see `shared.engine.Engine`.

    The worker imports the classes of `models` by their names; `weights` finds a model's weights (it is called in a
    thread, when a model is loaded and not told which). Past `memory_budget_mib` of the worker, idle models are
    unloaded, the least recently used first.

    A batch is given up, and the worker killed, when one of its deadlines and `grace` seconds are over and it takes
    unusually long for its model, and in any case after `batch_seconds`, or 20 times what is usual if that is more. A
    load is given up after `load_seconds`.
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
        load_seconds: float = 300.0,
        grace: float = 1.0,
    ) -> None:
        self._models = {model.name: KnownModel(model) for model in models}
        self._find, self._budget, self._wanted = weights, memory_budget_mib, list(warm)
        self._batch_seconds, self._load_seconds, self._grace = batch_seconds, load_seconds, grace
        self._worker = Supervisor(
            device,
            threads or free_cores(),
            on_answer=self._on_answer,
            on_up=self._on_up,
            on_death=self._on_death,
        )
        self._ids = itertools.count(1)
        self._flying: dict[int, Batch] = {}
        self._orders: dict[int, Order] = {}
        self._stuck: Batch | Order | None = None
        # Suspects are run one at a time, so that it is plain which of them kills.
        self._alone = asyncio.Lock()
        self._tasks = OwnTasks()
        self._watcher: asyncio.Task[None] | None = None
        self._device, self._rss = device, 0.0
        self._started = False

    async def start(self) -> None:
        """Start the worker and load the warm set; a model that fails to load is logged, and tried again when asked."""
        self._worker.start()
        self._watcher = self._tasks.start(self._watch())
        await self._warm_up()
        self._started = True

    async def run(self, model: str, batch: Sequence[Any], deadlines: Sequence[float]) -> Sequence[Any]:
        """Answer a batch; see `shared.engine.Engine.run`."""
        known = self._known(model)
        items = [
            Item(known.requests.encode(request), deadline)
            for request, deadline in zip(batch, deadlines, strict=True)
        ]
        known.users += 1
        try:
            for part in parts(items):
                await see_through(part, functools.partial(self._attempt, known))
        finally:
            known.users -= 1
        return [item.answer for item in items]

    def replicas(self, model: str) -> int:
        """Return 1: there is one worker."""
        return 1

    async def load(self, model: str, weights: Weights) -> None:
        """Load other weights beside those that answer, and swap; see `shared.engine.Engine.load`."""
        known = self._known(model)
        await self._load(known, weights)
        known.recover()
        await self._keep_to_budget(known)

    async def unload(self, model: str) -> None:
        """Free a model's memory, when what it is working on is done."""
        known = self._known(model)
        async with known.changing:
            if not known.loaded:
                return
            # No batch is sent from here on.
            known.loaded = False
            while flying := [batch.future for batch in self._flying.values() if batch.model is known]:
                await asyncio.wait(flying)
            # Where the worker died it is unloaded too.
            with contextlib.suppress(Died):
                await self._order(known, lambda number: Unload(number, known.name))

    async def status(self) -> EngineStatus:
        """Return the engine's state, as it is known here; asks nobody."""
        return EngineStatus(
            engine="local",
            worker_pid=self._worker.pid,
            alive=self._worker.alive,
            restarts=self._worker.restarts,
            rss_mib=round(self._worker.rss_mib, 1),
            device=self._device,
            models=[model.status(self._flying.values()) for model in self._models.values()],
        )

    async def close(self) -> None:
        """Stop the worker; what is still under way is answered with `WorkerCrashed`."""
        await self._worker.close()
        if self._watcher is not None:
            self._watcher.cancel()
        if self._tasks.running:
            # They end by themselves, unless a search for weights holds one of them.
            _, slow = await asyncio.wait(self._tasks.running, timeout=STOP_SECONDS)
            for task in slow:
                task.cancel()
            await asyncio.gather(*slow, return_exceptions=True)

    async def _attempt(self, model: KnownModel, items: Sequence[Item], kills: int) -> Died | None:
        await self._ready(model)
        async with self._turn(kills):
            if not (model.loaded and self._worker.alive):
                return Died(guilty=False)
            loop = asyncio.get_running_loop()
            batch = Batch(next(self._ids), model, items, loop.create_future(), kills > 0, loop.time())
            model.used = batch.started
            try:
                frame = encode(("run", batch.id, model.name, [item.body for item in items], here()))
            except FrameError:
                raise BadInput("The request is too large.") from None
            self._flying[batch.id] = batch
            self._worker.send(frame)
            try:
                await batch.future
            except Died as died:
                return died
        return None

    async def _ready(self, model: KnownModel) -> None:
        """Wait until the worker is up and holds `model`. Raises `ModelUnavailable` or `WorkerCrashed`."""
        while not (model.loaded and self._worker.alive):
            await self._worker.until_up()
            if model.loaded:
                return
            model.check(asyncio.get_running_loop().time())
            if model.loading is None or model.loading.done():
                model.loading = self._tasks.start(self._load_first(model))
            await asyncio.wait([model.loading])
            if model.loading.cancelled():
                raise WorkerCrashed("The worker was stopped.")
            if (error := model.loading.exception()) is not None:
                raise copy.copy(error)

    async def _load_first(self, model: KnownModel) -> None:
        await load_first(model, self._find, functools.partial(self._load, model))
        await self._keep_to_budget(model)

    async def _load(self, model: KnownModel, weights: Weights) -> None:
        kills = 0
        while kills < KILLS:
            await self._worker.until_up()
            async with model.changing, self._turn(kills):
                if not self._worker.alive:
                    continue
                try:
                    await self._order(
                        model, lambda number: Load(number, model.name, model.path, weights), kills > 0
                    )
                except Died as died:
                    kills += died.guilty
                else:
                    log.info("model loaded", model=model.name, version=weights.version, origin=weights.origin)
                    return
        raise ModelUnavailable("The model's process died while it was being loaded.")

    async def _order(
        self, model: KnownModel, make: Callable[[int], Load | Unload], suspect: bool = False
    ) -> None:
        loop = asyncio.get_running_loop()
        message = make(next(self._ids))
        order = Order(message, model, loop.create_future(), suspect, loop.time())
        self._orders[message.id] = order
        self._worker.send(encode(message))
        await order.future

    async def _keep_to_budget(self, newest: KnownModel) -> None:
        while self._budget is not None and self._rss > self._budget:
            idle = [m for m in self._models.values() if m.loaded and not m.users and m is not newest]
            if not idle:
                return
            oldest = min(idle, key=lambda m: m.used)
            log.info("model unloaded", model=oldest.name, rss_mib=round(self._rss), budget_mib=self._budget)
            before = self._rss
            await self.unload(oldest.name)
            # The allocator may keep what was freed; it is used again by what is loaded next.
            self._rss = min(self._rss, before - oldest.rss_mib)

    async def _warm_up(self) -> None:
        """Load what is to be warm, one after the other, as far as the budget goes."""
        for name in self._wanted:
            if self._budget is not None and self._rss >= self._budget:
                log.info("not warm: the memory budget is used", model=name)
                return
            try:
                await self._ready(self._known(name))
            except HearthError as error:
                log.error("not warm", model=name, error=str(error))

    async def _watch(self) -> None:
        """Kill the worker where a batch or a load outlasts its time."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            if self._stuck is None and (stuck := self._outlasting()) is not None:
                log.error("outlasts its time", model=stuck.model.name)
                self._stuck = stuck
                self._worker.kill()

    def _outlasting(self) -> Batch | Order | None:
        now = asyncio.get_running_loop().time()
        batch, order = first(self._flying), first(self._orders)
        if order is not None and now - order.started > self._load_seconds:
            return order
        # A load beside it slows a batch down.
        if batch is not None and batch.outlasts(now, self._batch_seconds, self._grace, hurried=order is None):
            return batch
        return None

    def _on_answer(self, answer: Answer) -> None:
        now = asyncio.get_running_loop().time()
        match answer:
            case Done():
                if (batch := self._flying.pop(answer.id, None)) is not None:
                    batch.land(answer)
                # The next one in line is being worked on from now.
                if (following := first(self._flying)) is not None:
                    following.started = now
            case Loaded() | Broken():
                if (order := self._orders.pop(answer.id, None)) is not None:
                    self._carried_out(order, answer, now)
                if (next_order := first(self._orders)) is not None:
                    next_order.started = now

    def _carried_out(self, order: Order, answer: Loaded | Broken, now: float) -> None:
        match answer:
            case Loaded():
                self._rss, self._device = answer.rss_mib, answer.device
                if isinstance(order.message, Load):
                    order.model.now_has(order.message.weights, answer.added_mib, now)
                _resolve(order.future)
            case Broken() if not order.future.done():
                order.future.set_exception(
                    ModelUnavailable("The model could not be loaded: {reason}", reason=answer.reason)
                )

    def _on_up(self) -> None:
        # The first time `start` does it, and its caller waits for it.
        if self._started:
            self._tasks.start(self._warm_up())

    def _on_death(self) -> None:
        """Mark all models cold, and have all that was under way tried again by who waits for it."""
        if warm := [model for model in self._models.values() if model.loaded]:
            warm.sort(key=lambda model: (model.users, model.used), reverse=True)
            self._wanted = [model.name for model in warm]
        for model in warm:
            model.loaded = False
        blamed = guilty(first(self._flying), first(self._orders), self._stuck)
        stuck, self._stuck = self._stuck, None
        under_way: list[Batch | Order] = [*self._flying.values(), *self._orders.values()]
        self._flying.clear()
        self._orders.clear()
        for each in under_way:
            if not each.future.done():
                each.future.set_exception(Died(guilty=each in blamed, stuck=each is stuck))

    def _known(self, model: str) -> KnownModel:
        if (known := self._models.get(model)) is None:
            raise ModelUnavailable("There is no model named {model} here.", model=model)
        return known

    def _turn(self, kills: int) -> contextlib.AbstractAsyncContextManager[Any]:
        return self._alone if kills else contextlib.nullcontext()


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
