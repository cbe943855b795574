"""Forms batches on the caller's side: one Batcher a model, whatever engine runs them.

Three rules, measured: a batch is cut one turn of the event loop after the first request came, so that all callers
woken by one reply queue up together and no timer ever adds latency; a second batch is in flight (for each replica of
the model) only when it is full; waiting is bounded, and what is refused is refused at once.
"""

import asyncio
import contextlib
import copy
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from shared.engine import Engine
from shared.errors import BadInput, Busy, DeadlineExceeded, HearthError, ModelFailed
from shared.model import AnyModel, Failure
from shared.tracing import NO_SPAN, NO_TRACES, Span, Traces

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
    queued: bool = True
    place: int = 0
    span: Span = NO_SPAN
    asked: float = 0.0


class _Lane:
    """A queue that counts only those who still wait; who gave up is dropped when its turn comes."""

    def __init__(self) -> None:
        self._items: deque[_Item] = deque()
        self._alive = 0

    def __len__(self) -> int:
        return self._alive

    def __iter__(self) -> Iterator[_Item]:
        return (item for item in self._items if item.queued)

    def push(self, item: _Item) -> None:
        self._items.append(item)
        self._alive += 1

    def leave(self, item: _Item) -> None:
        if item.queued:
            item.queued = False
            self._alive -= 1

    def pop(self) -> _Item | None:
        while self._items:
            item = self._items.popleft()
            if item.queued:
                self.leave(item)
                return item
        return None

    def compact(self) -> None:
        """Forget those who gave up, where they are many: a stuck engine must not let the queue grow."""
        if len(self._items) > 2 * self._alive + 64:
            self._items = deque(self)


class Batcher:
    """Queues requests for one model and hands whole batches to an engine."""

    def __init__(
        self,
        engine: Engine,
        model: AnyModel,
        *,
        max_waiting: int = 512,
        observer: Observer | None = None,
        traces: Traces = NO_TRACES,
    ) -> None:
        self._engine, self._model, self._observer, self._traces = engine, model.name, observer, traces
        self._max_batch, self._max_waiting = model.max_batch, max_waiting
        self._chat, self._bulk = _Lane(), _Lane()
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
        """Answer one request. `on_place` is told its place in the queue, each time that changes; 0: it was sent.

        Raises `Busy` at once where too many wait (those in bulk are counted by themselves), `DeadlineExceeded` after
        `timeout` seconds, `BadInput` where the model refused the request, `ModelFailed`, `WorkerCrashed` or
        `ModelUnavailable`.
        """
        lane = self._bulk if bulk else self._chat
        if self._closed:
            self._failed("Busy")
            raise _restarting()
        if len(lane) >= self._max_waiting:
            self._failed("Busy")
            raise Busy(
                "Busy: {waiting} requests are waiting already. Try again in a moment.", waiting=len(lane)
            )
        loop = asyncio.get_running_loop()
        item = _Item(request, loop.create_future(), loop.time() + timeout, on_place)
        if on_place is not None:
            before = self.waiting if bulk else len(self._chat)
            if self._flying or before >= self._max_batch:
                self._tell(item, before + 1)
        lane.push(item)
        self._outstanding.add(item)
        self._cut_soon(loop)
        if self._sweep is None:
            self._sweep = loop.call_later(SWEEP_SECONDS, self._expire, loop)
        try:
            with self._traces.span(f"predict {self._model}") as item.span:
                item.asked = loop.time()
                return await item.future
        except HearthError as error:
            self._failed(type(error).__name__)
            raise
        finally:
            lane.leave(item)
            self._outstanding.discard(item)

    async def drain(self, seconds: float) -> None:
        """Wait until nothing is outstanding, but not longer than `seconds`."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while self._outstanding and (left := end - loop.time()) > 0:
            await asyncio.wait([item.future for item in self._outstanding], timeout=left)
            # Who asked wakes up now.
            await asyncio.sleep(0)

    async def close(self) -> None:
        """Take no more requests, and give up those that wait."""
        self._closed = True
        if self._sweep is not None:
            self._sweep.cancel()
        for item in self._outstanding:
            if not item.future.done():
                item.future.set_exception(_restarting())
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
            for item in batch:
                self._tell(item, 0)
            for place, item in enumerate((*self._chat, *self._bulk), start=1):
                self._tell(item, place)

    def _may_send(self) -> bool:
        replicas, flying = self._engine.replicas(self._model), len(self._flying)
        if flying < replicas:
            return self.waiting > 0
        return flying < 2 * replicas and self.waiting >= self._max_batch

    def _take(self, now: float) -> list[_Item]:
        batch: list[_Item] = []
        for lane in (self._chat, self._bulk):
            while len(batch) < self._max_batch and (item := lane.pop()) is not None:
                # Cancelled a moment ago, or its time is over and the sweep is yet to come: it is not sent.
                if not item.future.done() and item.deadline > now:
                    batch.append(item)
        return batch

    async def _send(self, batch: Sequence[_Item], loop: asyncio.AbstractEventLoop) -> None:
        started = loop.time()
        with self._batch_span(batch, started):
            results = await self._run(batch)
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

    @contextlib.contextmanager
    def _batch_span(self, batch: Sequence[_Item], now: float) -> Iterator[None]:
        """Open the batch's span: below the first request that is traced, and linked with all others, both ways."""
        traced = [(item.span, above) for item in batch if (above := item.span.traceparent) is not None]
        if not traced:
            yield
            return
        (_, parent), *others = traced
        name, links, size = f"batch {self._model}", [above for _, above in others], len(batch)
        with self._traces.span(name, parent=parent, links=links, size=size) as span:
            for item in batch:
                item.span.note(waited_seconds=now - item.asked)
            for other, _ in others:
                other.link(span.traceparent)
            yield

    async def _run(self, batch: Sequence[_Item]) -> Sequence[Any]:
        try:
            results = await self._engine.run(
                self._model, [item.request for item in batch], [item.deadline for item in batch]
            )
            if len(results) != len(batch):
                raise ValueError(f"{len(results)} results for {len(batch)} requests")
        except HearthError as error:
            return [error] * len(batch)
        # An engine that breaks must not leave its callers waiting.
        except Exception as error:
            fault = ModelFailed("The model could not be reached.")
            fault.__cause__ = error
            return [fault] * len(batch)
        return results

    def _expire(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for item in self._outstanding:
            if item.deadline <= now and not item.future.done():
                item.future.set_exception(DeadlineExceeded("The answer took too long."))
        for lane in (self._chat, self._bulk):
            lane.compact()
        self._sweep = loop.call_later(SWEEP_SECONDS, self._expire, loop) if self._outstanding else None

    def _tell(self, item: _Item, place: int) -> None:
        if item.on_place is None or item.place == place:
            return
        item.place = place
        try:
            item.on_place(place)
        # Whoever watches one request must not hold up the others.
        except Exception as error:
            asyncio.get_running_loop().call_exception_handler(
                {"message": "a request's on_place failed", "exception": error}
            )

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
            # Each its own: an exception that several tasks raise gathers all their frames.
            own = copy.copy(result)
            own.__cause__ = result.__cause__
            future.set_exception(own)
        case _:
            future.set_result(result)


def _restarting() -> Busy:
    return Busy("The bot is restarting. Please run the command again in a moment.")
