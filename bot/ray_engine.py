"""The engine over many machines: replicas of each model as Ray actors, each with a process of its own.

Batches are formed by the caller, and each is one call of an actor with the bytes that the local worker would get. What
a lost machine or process worked on is tried again on another replica, within its deadlines, by the rule of the local
engine: item by item, so that an item that kills is found.
"""

import asyncio
import contextlib
import copy
import functools
import itertools
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec
import ray
import structlog

from bot.first_load import load_first
from bot.flight import Batch, Died, Item, KnownModel, first, parts, see_through
from bot.own_tasks import OwnTasks
from bot.ray_actor import GROUPS, Replica, Setup
from bot.ray_pool import Pool
from shared.engine import EngineStatus, Weights
from shared.errors import BadInput, HearthError, ModelUnavailable, WorkerCrashed
from shared.frames import FrameError, encode
from shared.model import AnyModel
from shared.tracing import here

WATCH_SECONDS: Final = 0.1
KILLS: Final = 3
"""What was being worked on in so many deaths is given up: one more than on one machine, for machines are lost too."""

log = structlog.get_logger("hearth.engine")


@dataclass(frozen=True)
class Spread:
    """How models are spread: replicas, CPUs and GPUs (also parts of one) by model, and where nodes find weights.

    `store` is the address of the model store and `cache` each node's folder for it; `hub` is a hub model by model.
    """

    replicas: Mapping[str, int] = field(default_factory=dict)
    cpus: Mapping[str, float] = field(default_factory=dict)
    gpus: Mapping[str, float] = field(default_factory=dict)
    device: str = "auto"
    threads: int | None = None
    store: str | None = None
    cache: str | None = None
    hub: Mapping[str, str] = field(default_factory=dict)


class RayEngine:
    """Runs batches in Ray actors; see `shared.engine.Engine`. Ray itself is joined before: `bot.ray_cluster`.

    `weights` finds a model's weights (it is called in a thread, when a model is loaded and not told which). A batch
    that outlasts its time, by the rule of `bot.local_engine.LocalEngine`, costs its replica the process.
    """

    def __init__(
        self,
        models: Iterable[AnyModel],
        weights: Callable[[str], Weights],
        spread: Spread | None = None,
        *,
        warm: Sequence[str] = (),
        batch_seconds: float = 20.0,
        load_seconds: float = 300.0,
        grace: float = 1.0,
    ) -> None:
        spread = spread or Spread()
        self._pools = {
            model.name: Pool(
                KnownModel(model),
                spread.replicas.get(model.name, 1),
                functools.partial(_actor, model.name, spread),
                load_seconds,
            )
            for model in models
        }
        self._find, self._warm = weights, list(warm)
        self._batch_seconds, self._grace = batch_seconds, grace
        self._ids = itertools.count(1)
        self._tasks = OwnTasks()
        self._closed = False

    async def start(self) -> None:
        """Bring up the warm set, all at once; a model that fails is logged, and tried again when asked."""
        self._tasks.start(self._watch())
        await asyncio.gather(*(self._warm_up(name) for name in self._warm))

    async def run(self, model: str, batch: Sequence[Any], deadlines: Sequence[float]) -> Sequence[Any]:
        """Answer a batch; see `shared.engine.Engine.run`."""
        pool = self._pool(model)
        known = pool.model
        items = [
            Item(known.requests.encode(request), deadline)
            for request, deadline in zip(batch, deadlines, strict=True)
        ]
        known.users += 1
        try:
            for part in parts(items):
                await see_through(part, functools.partial(self._attempt, pool), most_kills=KILLS)
        finally:
            known.users -= 1
        return [item.answer for item in items]

    def replicas(self, model: str) -> int:
        """Return how many replicas answer for a model; before any does, how many are to."""
        pool = self._pool(model)
        return len(pool.ready) or pool.count

    async def load(self, model: str, weights: Weights) -> None:
        """Load other weights in each replica in turn, beside those that answer; see `shared.engine.Engine.load`."""
        pool = self._pool(model)
        async with pool.model.changing:
            await pool.load(weights)
        pool.model.recover()
        log.info("model loaded", model=model, version=weights.version, origin=weights.origin)

    async def unload(self, model: str) -> None:
        """End a model's replicas, when what they are working on is done."""
        pool = self._pool(model)
        async with pool.model.changing:
            # No batch is sent from here on.
            await pool.close_doors()
            await pool.stop()

    async def status(self) -> EngineStatus:
        """Return the engine's state, as it is known here; asks nobody."""
        replicas = [replica for pool in self._pools.values() for replica in pool.replicas]
        devices = sorted({replica.device for replica in replicas if replica.device})
        return EngineStatus(
            engine="ray",
            worker_pid=None,
            alive=not self._closed and (not replicas or any(replica.ready for replica in replicas)),
            restarts=sum(replica.restarts for replica in replicas),
            rss_mib=round(sum(replica.rss_mib for replica in replicas if replica.ready), 1),
            device=", ".join(devices),
            models=[pool.status() for pool in self._pools.values()],
        )

    async def close(self) -> None:
        """End all replicas; what is still under way is answered with `WorkerCrashed`."""
        self._closed = True
        for task in self._tasks.running:
            task.cancel()
        await asyncio.gather(*self._tasks.running, return_exceptions=True)
        await asyncio.gather(*(pool.stop() for pool in self._pools.values()))

    async def _attempt(self, pool: Pool, items: Sequence[Item], kills: int) -> Died | None:
        await self._ready(pool)
        async with pool.alone if kills else contextlib.nullcontext():
            if (replica := pool.pick()) is None:
                return Died(guilty=False)
            loop = asyncio.get_running_loop()
            batch = Batch(next(self._ids), pool.model, items, loop.create_future(), kills > 0, loop.time())
            pool.model.used = batch.started
            try:
                frame = encode(("run", batch.id, pool.model.name, [item.body for item in items], here()))
            except FrameError:
                raise BadInput("The request is too large.") from None
            return await replica.run(batch, frame)

    async def _ready(self, pool: Pool) -> None:
        """Wait until a replica answers. Raises `ModelUnavailable` or `WorkerCrashed`."""
        while not pool.ready:
            if self._closed:
                raise WorkerCrashed("The worker was stopped.")
            model = pool.model
            model.check(asyncio.get_running_loop().time())
            if pool.started and model.weights is not None:
                # They have answered before, and are on their way back.
                await pool.until_ready()
                continue
            if model.loading is None or model.loading.done():
                model.loading = self._tasks.start(self._load_first(pool))
            await asyncio.wait([model.loading])
            if model.loading.cancelled():
                raise WorkerCrashed("The worker was stopped.")
            if (error := model.loading.exception()) is not None:
                raise copy.copy(error)

    async def _load_first(self, pool: Pool) -> None:
        async with pool.model.changing:
            if pool.ready:
                return
            try:
                await load_first(pool.model, self._find, pool.start)
            except ModelUnavailable:
                # Whoever asks next begins anew.
                await pool.stop()
                raise
        log.info("model loaded", model=pool.model.name)

    async def _warm_up(self, name: str) -> None:
        try:
            await self._ready(self._pool(name))
        except HearthError as error:
            log.error("not warm", model=name, error=str(error))

    async def _watch(self) -> None:
        """End replicas whose batch outlasts its time, be it stuck or its machine beyond reach."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            now = asyncio.get_running_loop().time()
            for pool in self._pools.values():
                for replica in pool.ready:
                    batch = first(replica.flying)
                    # A load beside it slows a batch down.
                    hurried = not replica.changing.locked()
                    if batch is not None and batch.outlasts(now, self._batch_seconds, self._grace, hurried):
                        pool.kill(replica, batch)

    def _pool(self, model: str) -> Pool:
        if (pool := self._pools.get(model)) is None:
            raise ModelUnavailable("There is no model named {model} here.", model=model)
        return pool


def _actor(model: str, spread: Spread) -> Any:
    """Have Ray make an actor, on the machine with the most room; it is started again wherever there is room."""
    cpus = spread.cpus.get(model, 0)
    setup = Setup(
        device=spread.device,
        threads=spread.threads or max(1, round(cpus)),
        paths=[str(Path(entry).absolute()) for entry in sys.path if entry],
        store=spread.store,
        cache=spread.cache,
        hub=spread.hub.get(model),
    )
    # Its types know nothing of concurrency groups.
    remote: Any = ray.remote
    make = remote(concurrency_groups=GROUPS)(Replica).options(
        num_cpus=cpus,
        num_gpus=spread.gpus.get(model, 0),
        max_restarts=-1,
        max_task_retries=0,
        scheduling_strategy="SPREAD",
    )
    return make.remote(msgspec.msgpack.encode(setup))
