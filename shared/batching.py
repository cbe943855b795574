"""Forms batches on the caller's side: one Batcher a model, whatever engine runs them.

Three rules, measured: a batch is cut one turn of the event loop after the first request came, so that all callers
woken by one reply queue up together and no timer ever adds latency; a second batch is in flight only when it is full;
waiting is bounded, and what is refused is refused at once.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from shared.engine import Engine
from shared.errors import BadInput, Busy, DeadlineExceeded, HearthError, ModelFailed
from shared.model import AnyModel, Failure

SWEEP_SECONDS: Final = 0.05
"""How often requests whose time is over are looked for."""


class Observer(Protocol):
    """Told what batchers do; for metrics."""

    def batch_cut(self, model: str, size: int, waiting: int) -> None:
        """A batch of `size` was sent; `waiting` requests stay behind."""
        ...

    def batch_done(self, model: str, size: int, seconds: float) -> None:
        """A batch came back after `seconds`."""
        ...

    def failed(self, model: str, kind: str) -> None:
        """One request failed; `kind` is the error's class name."""
        ...


@dataclass(slots=True, eq=False)
class _Item:
    request: Any
    future: asyncio.Future[Any]
    deadline: float
    on_place: Callable[[int], None] | None


class Batcher:
    """Queues requests for one model and hands whole batches to an engine."""

    def __init__(
        self, engine: Engine, model: AnyModel, *, max_waiting: int = 512, observer: Observer | None = None
    ) -> None:
        self._engine, self._model, self._observer = engine, model.name, observer
        self._max_batch, self._max_waiting = model.max_batch, max_waiting
        self._chat: deque[_Item] = deque()
        self._bulk: deque[_Item] = deque()
        self._flying: set[asyncio.Task[None]] = set()
        self._outstanding: set[_Item] = set()
        self._cutting = False
        self._sweep: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def waiting(self) -> int:
        """Return how many requests wait to be sent."""
        return len(self._chat) + len(self._bulk)

    async def predict(
        self,
        request: Any,
        *,
        timeout: float,
        bulk: bool = False,
        on_place: Callable[[int], None] | None = None,
    ) -> Any:
        """Answer one request. `on_place` is told how many are before it, each time that changes; 0: its turn.

        Raises `Busy` at once where too many wait, `DeadlineExceeded` after `timeout` seconds, `BadInput` where the
        model refused the request, `ModelFailed`, `WorkerCrashed` or `ModelUnavailable`.
        """
        if self._closed or self.waiting >= self._max_waiting:
            self._failed("Busy")
            raise Busy(
                "Busy: {waiting} requests are waiting already. Try again in a moment.", waiting=self.waiting
            )
        loop = asyncio.get_running_loop()
        item = _Item(request, loop.create_future(), loop.time() + timeout, on_place)
        (self._bulk if bulk else self._chat).append(item)
        self._outstanding.add(item)
        if on_place is not None and self.waiting > self._max_batch:
            on_place(self.waiting - 1)
        self._cut_soon(loop)
        if self._sweep is None:
            self._sweep = loop.call_later(SWEEP_SECONDS, self._expire, loop)
        try:
            return await item.future
        except HearthError as error:
            self._failed(type(error).__name__)
            raise
        finally:
            self._outstanding.discard(item)

    async def close(self) -> None:
        """Take no more requests, and give up those that wait."""
        self._closed = True
        if self._sweep is not None:
            self._sweep.cancel()
        for item in list(self._outstanding):
            if not item.future.done():
                item.future.set_exception(
                    Busy("The bot is restarting. Please run the command again in a moment.")
                )
        for task in self._flying:
            task.cancel()
        await asyncio.gather(*self._flying, return_exceptions=True)

    def _cut_soon(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._cutting:
            self._cutting = True
            loop.call_soon(self._cut, loop)

    def _cut(self, loop: asyncio.AbstractEventLoop) -> None:
        self._cutting = False
        while not self._closed and self._may_send():
            batch = self._take(loop.time())
            if not batch:
                break
            task = loop.create_task(self._send(batch, loop))
            self._flying.add(task)
            task.add_done_callback(self._flying.discard)
            if self._observer is not None:
                self._observer.batch_cut(self._model, len(batch), self.waiting)
            self._tell_places()

    def _may_send(self) -> bool:
        match len(self._flying):
            case 0:
                return bool(self._chat or self._bulk)
            case 1:
                return self.waiting >= self._max_batch
        return False

    def _take(self, now: float) -> list[_Item]:
        batch: list[_Item] = []
        for queue in (self._chat, self._bulk):
            while queue and len(batch) < self._max_batch:
                item = queue.popleft()
                # Cancelled, or swept: nobody waits for it any more.
                if not item.future.done() and item.deadline > now:
                    batch.append(item)
        return batch

    def _tell_places(self) -> None:
        for place, item in enumerate((*self._chat, *self._bulk), start=1):
            if item.on_place is not None:
                item.on_place(place)

    async def _send(self, batch: Sequence[_Item], loop: asyncio.AbstractEventLoop) -> None:
        for item in batch:
            if item.on_place is not None:
                item.on_place(0)
        started = loop.time()
        results: Sequence[Any]
        try:
            results = await self._engine.run(
                self._model, [item.request for item in batch], [item.deadline for item in batch]
            )
        except HearthError as error:
            results = [error] * len(batch)
        except asyncio.CancelledError:
            raise
        # An engine that breaks must not leave its callers waiting.
        except Exception as error:
            fault = ModelFailed("The model could not be reached.")
            fault.__cause__ = error
            results = [fault] * len(batch)
        if self._observer is not None:
            self._observer.batch_done(self._model, len(batch), loop.time() - started)
        for item, result in zip(batch, results, strict=True):
            if not item.future.done():
                _settle(item.future, result)
        # This task counts as in flight until it has ended, which is after the cut that it asks for.
        task = asyncio.current_task()
        if task is not None:
            self._flying.discard(task)
        self._cut_soon(loop)

    def _expire(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for item in self._outstanding:
            if item.deadline <= now and not item.future.done():
                item.future.set_exception(DeadlineExceeded("The answer took too long."))
        for queue in (self._chat, self._bulk):
            while queue and queue[0].future.done():
                queue.popleft()
        self._sweep = loop.call_later(SWEEP_SECONDS, self._expire, loop) if self._outstanding else None

    def _failed(self, kind: str) -> None:
        if self._observer is not None:
            self._observer.failed(self._model, kind)


def _settle(future: asyncio.Future[Any], result: Any) -> None:
    match result:
        case Failure(reason=reason, refusal=True):
            future.set_exception(BadInput(reason))
        case Failure(reason=reason):
            fault = ModelFailed("The model failed on this request.")
            fault.add_note(reason)
            future.set_exception(fault)
        case HearthError():
            future.set_exception(result)
        case _:
            future.set_result(result)
