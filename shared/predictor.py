"""The door to every model: typed requests in, typed results out, over one batcher a model."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar, cast

from shared.batching import Batcher, Observer
from shared.engine import Engine
from shared.errors import HearthError, ModelUnavailable
from shared.model import AnyModel, Model
from shared.tracing import NO_TRACES, Traces

Request = TypeVar("Request")
Result = TypeVar("Result")


class Predictor:
    """Answers requests for every model it was made with."""

    def __init__(
        self,
        engine: Engine,
        models: Iterable[AnyModel],
        *,
        max_waiting: int = 512,
        observer: Observer | None = None,
        traces: Traces = NO_TRACES,
    ) -> None:
        self.engine = engine
        known = list(models)
        self._batchers = {
            model.name: Batcher(engine, model, max_waiting=max_waiting, observer=observer, traces=traces)
            for model in known
        }
        # Enough for two full batches a replica and one more that gathers; shared by all who ask for many at once.
        self._room = {
            model.name: min((2 * engine.replicas(model.name) + 1) * model.max_batch, max_waiting)
            for model in known
        }
        self._places = {name: asyncio.Semaphore(room) for name, room in self._room.items()}

    async def start(self) -> None:
        """Start the engine; returns when what is to be warm is."""
        await self.engine.start()

    async def predict(
        self,
        model: type[Model[Request, Result]],
        request: Request,
        *,
        timeout: float,
        bulk: bool = False,
        on_place: Callable[[int], None] | None = None,
    ) -> Result:
        """Answer one request; see `Batcher.predict` for what it raises."""
        batcher = self._batchers.get(model.name)
        if batcher is None:
            raise ModelUnavailable("There is no model named {model} here.", model=model.name)
        answer = await batcher.predict(request, timeout=timeout, bulk=bulk, on_place=on_place)
        return cast(Result, answer)

    async def predict_many(
        self, model: type[Model[Request, Result]], requests: Sequence[Request], *, timeout: float = 600.0
    ) -> list[Result | HearthError]:
        """Answer many requests in order, behind whoever chats; an error stands in its request's place.

        `timeout` is each request's own, from its turn to be queued.
        """
        places = self._places.get(model.name)
        if places is None:
            raise ModelUnavailable("There is no model named {model} here.", model=model.name)
        answers: dict[int, Result | HearthError] = {}
        left = iter(enumerate(requests))

        async def work() -> None:
            for index, request in left:
                async with places:
                    answers[index] = await self._one(model, request, timeout)

        # As many workers as may be queued at once, not a task a request: there may be a hundred thousand.
        async with asyncio.TaskGroup() as group:
            for _ in range(min(self._room[model.name], len(requests))):
                group.create_task(work())
        return [answers[index] for index in range(len(requests))]

    async def drain(self, seconds: float) -> None:
        """Wait until every request is answered, but not longer than `seconds`; then `close` drops nothing."""
        await asyncio.gather(*(batcher.drain(seconds) for batcher in self._batchers.values()))

    async def close(self) -> None:
        """Give up what waits, and stop the engine."""
        await asyncio.gather(*(batcher.close() for batcher in self._batchers.values()))
        await self.engine.close()

    async def _one(
        self, model: type[Model[Request, Result]], request: Request, timeout: float
    ) -> Result | HearthError:
        try:
            return await self.predict(model, request, timeout=timeout, bulk=True)
        except HearthError as error:
            return error
