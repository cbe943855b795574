"""The replicas of one model: brought up side by side, kept up, and given other weights one after the other."""

import asyncio
import contextlib
import copy
from collections.abc import Callable
from typing import Any, Final

import msgspec
import structlog

from bot.flight import KILLS, Batch, KnownModel
from bot.ray_replica import Lost, Replica
from shared.engine import ModelStatus, Weights
from shared.errors import ModelUnavailable

PAUSE_SECONDS: Final = 0.1
LONGEST_PAUSE: Final = 30.0
log = structlog.get_logger("hearth.engine")


class Pool:
    """Holds `count` replicas of a model once it is started; `make` makes an actor (it is called in a thread)."""

    def __init__(self, model: KnownModel, count: int, make: Callable[[], Any], load_seconds: float) -> None:
        self.model, self.count = model, count
        self.replicas: list[Replica] = []
        # Suspects are run one at a time, so that it is plain which of them kills.
        self.alone = asyncio.Lock()
        self._make, self._load_seconds = make, load_seconds
        self._wanted: Weights | None = None
        self._keepers: list[asyncio.Task[None]] = []
        self._changed = asyncio.Event()

    @property
    def ready(self) -> list[Replica]:
        """Return the replicas that answer."""
        return [replica for replica in self.replicas if replica.ready]

    @property
    def started(self) -> bool:
        """Tell whether there are replicas, though perhaps none that answers yet."""
        return bool(self.replicas)

    def pick(self) -> Replica | None:
        """Return the replica with the least to do; of several, the one whose last batch is longest ago."""
        ready = self.ready
        return min(ready, key=lambda replica: (len(replica.flying), replica.used), default=None)

    async def start(self, weights: Weights) -> None:
        """Bring all replicas up with `weights`; returns when one answers.

        Raises `ModelUnavailable` where none of them can load these, or Ray has room for none; it goes on trying then.
        """
        self._wanted = weights
        if not self.replicas:
            self.replicas = [Replica(self.model, self._make, self._tell) for _ in range(self.count)]
            self._keepers = [asyncio.create_task(self._keep(replica)) for replica in self.replicas]
        for replica in self.replicas:
            replica.trouble = None
            replica.retry.set()
        try:
            async with asyncio.timeout(self._load_seconds):
                await self.until_ready()
        except TimeoutError:
            raise ModelUnavailable(
                "No machine has room for the model {model} yet.", model=self.model.name
            ) from None

    async def until_ready(self) -> None:
        """Wait until a replica answers, or all are stopped. Raises `ModelUnavailable` where all are in trouble."""
        while self.replicas and not self.ready:
            troubles = [replica.trouble for replica in self.replicas if replica.trouble is not None]
            if len(troubles) == len(self.replicas):
                raise copy.copy(troubles[0])
            self._changed.clear()
            await self._changed.wait()

    async def load(self, weights: Weights) -> None:
        """Give each replica in turn other weights, while all of them answer.

        Raises `ModelUnavailable`; all then have the old ones again.
        """
        before, done = self._wanted, list[Replica]()
        try:
            if not self.ready:
                return await self.start(weights)
            # Those too that come up meanwhile with the old ones.
            while (behind := self._behind(weights)) is not None:
                await self._swap(behind, weights)
                self._wanted = weights
                done.append(behind)
        except ModelUnavailable:
            self._wanted = before
            if before is None:
                await self.stop()
            for replica in done:
                if before is not None and replica.ready:
                    with contextlib.suppress(ModelUnavailable):
                        await self._swap(replica, before)
            raise

    async def stop(self) -> None:
        """End all replicas; what they work on is given up."""
        await self._dismiss()
        replicas, self.replicas = self.replicas, []
        await asyncio.gather(*(replica.stop() for replica in replicas))
        self.model.loaded = False
        self._tell()

    def status(self) -> ModelStatus:
        """Return the model's state."""
        flying = [batch for replica in self.replicas for batch in replica.flying.values()]
        return msgspec.structs.replace(
            self.model.status(flying), replicas=[replica.status for replica in self.replicas]
        )

    async def close_doors(self) -> None:
        """Give no batch to any replica from here on, and wait until those under way are done."""
        await self._dismiss()
        for replica in self.replicas:
            replica.ready = False
        self._tell()
        while flying := [batch.future for replica in self.replicas for batch in replica.flying.values()]:
            await asyncio.wait(flying)

    def kill(self, replica: Replica, stuck: Batch) -> None:
        """End a replica that is stuck in a batch; another takes its place."""
        log.error("outlasts its time", model=self.model.name, node=replica.up.node)
        replica.kill(stuck)

    async def _dismiss(self) -> None:
        keepers, self._keepers = self._keepers, []
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)

    def _behind(self, weights: Weights) -> Replica | None:
        return next((replica for replica in self.ready if replica.weights != weights), None)

    async def _swap(self, replica: Replica, weights: Weights) -> None:
        kills = 0
        while kills < KILLS:
            try:
                return await replica.load(weights, self._load_seconds)
            except Lost:
                kills += 1
                # It comes back with what answered before.
                while not replica.ready:
                    if replica.trouble is not None:
                        raise copy.copy(replica.trouble) from None
                    self._changed.clear()
                    await self._changed.wait()
        raise ModelUnavailable("The model's process died while it was being loaded.")

    async def _keep(self, replica: Replica) -> None:
        """Bring a replica up, again and again, with the weights that are wanted then."""
        barren = 0
        while True:
            try:
                await self._bring_up(replica)
            except ModelUnavailable as error:
                barren += 1
                replica.trouble = error
                log.error("replica not loaded", model=self.model.name, node=replica.up.node, error=str(error))
                self._tell()
            else:
                barren = 0
                replica.open()
                await replica.gone.wait()
                replica.restarts += 1
            if barren:
                replica.retry.clear()
                # Other weights are tried at once.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(min(PAUSE_SECONDS * 2**barren, LONGEST_PAUSE)):
                        await replica.retry.wait()

    async def _bring_up(self, replica: Replica) -> None:
        kills = 0
        while kills < KILLS:
            await replica.come_up()
            try:
                # Others may come to be wanted while it loads.
                while (wanted := self._wanted) is not None and replica.weights != wanted:
                    await replica.load(wanted, self._load_seconds)
            except Lost:
                kills += 1
                continue
            log.info("replica ready", model=self.model.name, node=replica.up.node)
            return
        raise ModelUnavailable("The model's process died while it was being loaded.")

    def _tell(self) -> None:
        self.model.loaded = bool(self.ready)
        self._changed.set()
