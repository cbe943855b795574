"""Which weights each model answers with now; a new champion in the store is noticed within seconds and swapped in."""

import asyncio
from collections.abc import Callable, Mapping

import structlog

from shared.engine import Engine, Weights
from shared.errors import HearthError
from shared.model import AnyModel
from shared.store import Store
from shared.weights import resolve

POLL_SECONDS = 2.0
log = structlog.get_logger("hearth.weights")


class WeightsInUse:
    """Resolves a model's weights when the engine asks, and remembers which champion it saw."""

    def __init__(
        self, models: Callable[[], Mapping[str, AnyModel]], store: Store, hub: Mapping[str, str]
    ) -> None:
        self._models, self.store, self._hub = models, store, hub
        self._stamps: dict[str, object] = {}

    def __call__(self, model: str) -> Weights:
        """Find the weights of `model`: store, hub, default. Reads the disk; called in a thread."""
        self._stamps[model] = self.store.champion_stamp(model)
        return self.look(model)

    def look(self, model: str) -> Weights:
        """Find the same for somebody who only wants to know."""
        return resolve(self._models()[model], self.store, self._hub.get(model))

    async def follow(self, engine: Callable[[], Engine]) -> None:
        """Have the engine load each new champion of a model in use, for ever."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
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
