"""Which weights each model answers with now; a new champion in the store is noticed within seconds and swapped in."""

import asyncio
from collections.abc import Callable, Mapping

import structlog

from shared.engine import Engine, Weights
from shared.errors import HearthError
from shared.model import AnyModel
from shared.remote_store import RemoteStore
from shared.store import Store
from shared.weights import resolve

POLL_SECONDS = 2.0
REMOTE_TURNS = 5
"""In every so many turns the store that many machines see is looked at too."""

log = structlog.get_logger("hearth.weights")


class WeightsInUse:
    """Resolves a model's weights when the engine asks, and remembers which champion it saw."""

    def __init__(
        self,
        models: Callable[[], Mapping[str, AnyModel]],
        store: Store,
        hub: Mapping[str, str],
        remote: RemoteStore | None = None,
    ) -> None:
        self._models, self.store, self._hub, self._remote = models, store, hub, remote
        self._stamps: dict[str, object] = {}

    def __call__(self, model: str) -> Weights:
        """Find the weights of `model`: store, hub, default. Reads the disk, and the store that many machines see.

        Called in a thread.
        """
        self._exchange(model)
        self._stamps[model] = self.store.champion_stamp(model)
        return self.look(model)

    def look(self, model: str) -> Weights:
        """Find the same for somebody who only wants to know."""
        return resolve(self._models()[model], self.store, self._hub.get(model))

    async def follow(self, engine: Callable[[], Engine]) -> None:
        """Have the engine load each new champion of a model in use, for ever; those of other machines too."""
        turn, again = 0, set[str]()
        while True:
            await asyncio.sleep(POLL_SECONDS)
            turn += 1
            if self._remote is not None and turn % REMOTE_TURNS == 0:
                for model in list(self._stamps):
                    await asyncio.to_thread(self._exchange, model)
                # What a node could not have for a while is tried again.
                self._stamps.update(dict.fromkeys(again, "not loaded"))
                again.clear()
            for model, stamp in list(self._stamps.items()):
                if model not in self._models():
                    continue
                if await asyncio.to_thread(self.store.champion_stamp, model) == stamp:
                    continue
                try:
                    weights = await asyncio.to_thread(self, model)
                    await engine().load(model, weights)
                    log.info("new champion", model=model, version=weights.version)
                except HearthError as error:
                    # The old version goes on answering.
                    log.error("champion not loaded", model=model, error=str(error))
                    again.add(model)

    def _exchange(self, model: str) -> None:
        if self._remote is None:
            return
        try:
            if self._remote.exchange(self.store, model):
                log.info("champion of another machine", model=model)
        # What is here goes on answering.
        except HearthError as error:
            log.error("model store not read", model=model, error=str(error))
