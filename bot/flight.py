"""What an engine has under way: batches and orders to workers, when they are tried again, and each model's state."""

import asyncio
import copy
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import msgspec

from shared.engine import ModelStatus, Weights
from shared.errors import DeadlineExceeded, HearthError, ModelUnavailable, WorkerCrashed
from shared.frames import MALFORMED, WHOLE_BATCH, Done, Items, Load, Unload, describe
from shared.model import AnyModel, Failure

PART_BYTES: Final = 32 * 1024 * 1024
"""More than this is not written at one go, whatever the batch: it would hold up the event loop."""

UNUSUAL: Final = 3
"""A batch that someone gave up is stuck when it takes so many times what is usual for its model…"""

STUCK: Final = 20
"""…and one that nobody gave up, when it takes so many times that, and some seconds."""

HURRIED_SECONDS: Final = 5.0
KILLS: Final = 2
"""What was being worked on in so many deaths of the worker is given up."""
FORGET: Final = 0.9
LONGEST_BLOCK: Final = 30.0
Thing = TypeVar("Thing")


class Died(Exception):
    """The worker died. `guilty`: it was working on this; `stuck`: it was killed, as this outlasted its time."""

    def __init__(self, guilty: bool, stuck: bool = False) -> None:
        super().__init__()
        self.guilty, self.stuck = guilty, stuck


@dataclass(slots=True, eq=False)
class Item:
    """One request: its bytes (or why it has none), until when it is wanted, and its answer once there is one."""

    body: msgspec.Raw | Failure
    deadline: float
    answer: Any = None


class KnownModel:
    """What the engine knows of a model; times in seconds."""

    def __init__(self, model: AnyModel) -> None:
        self.name, self.path = model.name, f"{model.__module__}:{model.__qualname__}"
        self.requests, self.results = Items(model.request), Items(model.result)
        self.weights: Weights | None = None
        self.shipped = None if model.default is None else Weights(str(model.default), "default", "default")
        self.loaded = False
        self.loading: asyncio.Task[None] | None = None
        self.changing = asyncio.Lock()
        self.users = 0
        self.used = 0.0
        self.batches, self.items, self.seconds, self.slowest, self.rss_mib = 0, 0, 0.0, 0.0, 0.0
        self._trouble: ModelUnavailable | None = None
        self._troubles, self._blocked_until = 0, 0.0

    def now_has(self, weights: Weights, rss_mib: float, now: float) -> None:
        """Note that the worker answers with `weights`, which took `rss_mib`."""
        self.weights, self.loaded, self.used, self.rss_mib = weights, True, now, max(rss_mib, 0.0)

    def took(self, items: int, seconds: float) -> None:
        """Count a batch."""
        self.batches += 1
        self.items += items
        self.seconds += seconds
        self.slowest = max(seconds, FORGET * self.slowest)

    def fail(self, error: ModelUnavailable, now: float) -> None:
        """Note that it could not be loaded: for a while it is not tried again, longer each time."""
        self._trouble, self._troubles = error, self._troubles + 1
        self._blocked_until = now + min(2.0 ** (self._troubles - 1), LONGEST_BLOCK)

    def check(self, now: float) -> None:
        """Raise what was the trouble when it was last loaded, where that was a moment ago."""
        if self._trouble is not None and now < self._blocked_until:
            raise copy.copy(self._trouble)

    def recover(self) -> None:
        """Note that it could be loaded."""
        self._trouble, self._troubles = None, 0

    def status(self, flying: Iterable["Batch"]) -> ModelStatus:
        """Return its state, as those see it who ask the engine."""
        weights = self.weights or Weights(None, "", "none")
        return ModelStatus(
            name=self.name,
            version=weights.version,
            origin=weights.origin,
            loaded=self.loaded,
            in_flight=sum(batch.model is self for batch in flying),
            batches=self.batches,
            items=self.items,
            mean_ms=round(1000 * self.seconds / self.batches, 3) if self.batches else 0.0,
            rss_mib=round(self.rss_mib, 1),
        )


@dataclass(slots=True, eq=False)
class Batch:
    """A batch that the worker has. `suspect`: the worker has died on it before."""

    id: int
    model: KnownModel
    items: Sequence[Item]
    future: asyncio.Future[None]
    suspect: bool
    started: float
    deadline: float = field(init=False)

    def __post_init__(self) -> None:
        self.deadline = min(item.deadline for item in self.items)

    def land(self, done: Done) -> None:
        """Take the worker's answer apart."""
        self.model.took(len(self.items), done.seconds)
        for item, answer in zip(self.items, self._answers(done), strict=True):
            item.answer = answer
        if not self.future.done():
            self.future.set_result(None)

    def outlasts(self, now: float, limit: float, grace: float, hurried: bool) -> bool:
        """Tell whether it is stuck: see `bot.local_engine.LocalEngine`."""
        took, usual = now - self.started, self.model.slowest
        if took > max(limit, STUCK * usual):
            return True
        if not hurried:
            return False
        if usual and not self.suspect and took > max(HURRIED_SECONDS, STUCK * usual):
            return True
        return now > self.deadline + grace and took > max(grace, UNUSUAL * usual)

    def _answers(self, done: Done) -> Sequence[Any]:
        count = len(self.items)
        if (whole := done.failures.get(WHOLE_BATCH)) is not None:
            return [whole] * count
        try:
            answers = self.model.results.decode(done.results)
        except MALFORMED as error:
            return [describe(error)] * count
        for index, failure in done.failures.items():
            answers[index] = failure
        return answers


@dataclass(slots=True, eq=False)
class Order:
    """A load or unload that the worker has."""

    message: Load | Unload
    model: KnownModel
    future: asyncio.Future[None]
    suspect: bool
    started: float


def guilty(batch: Batch | None, order: Order | None, stuck: Batch | Order | None) -> Sequence[Batch | Order]:
    """Return which of the first batch and the first order the worker died on: a suspect alone, else both."""
    if stuck is not None:
        return [stuck]
    present = [each for each in (batch, order) if each is not None]
    suspects = [each for each in present if each.suspect]
    return suspects if len(suspects) == 1 else present


async def see_through(
    items: Sequence[Item],
    attempt: Callable[[Sequence[Item], int], Awaitable[Died | None]],
    *,
    kills: int = 0,
    most_kills: int = KILLS,
) -> None:
    """Give each item its answer, trying again while `attempt` returns that the worker died, and within deadlines.

    Items that were being worked on are tried alone from then on, so that the one that kills is found; `attempt` is
    told in how many deaths that was, and raises what is not to be tried again.
    """
    while items := in_time(items):
        try:
            died = await attempt(items, kills)
        except HearthError as error:
            settle(items, error)
            return
        if died is None:
            return
        if not died.guilty:
            continue
        kills += 1
        if len(items) > 1:
            for item in items:
                await see_through([item], attempt, kills=kills, most_kills=most_kills)
            return
        if kills >= most_kills:
            settle(items, _given_up(died))
            return


def settle(items: Sequence[Item], error: HearthError) -> None:
    """Answer all items by one error."""
    for item in items:
        item.answer = error


def _given_up(died: Died) -> HearthError:
    if died.stuck:
        return DeadlineExceeded("The answer took too long.")
    return WorkerCrashed("The model's process died while it worked on this.")


def first(under_way: dict[int, Thing]) -> Thing | None:
    """Return the oldest: a worker takes them in order."""
    return next(iter(under_way.values()), None)


def in_time(items: Sequence[Item]) -> Sequence[Item]:
    """Return the items that are still wanted; the others, and those without bytes, get their answer here."""
    now = asyncio.get_running_loop().time()
    wanted = []
    for item in items:
        if isinstance(item.body, Failure):
            item.answer = item.body
        elif item.deadline <= now:
            item.answer = DeadlineExceeded("The answer took too long.")
        else:
            wanted.append(item)
    return wanted


def parts(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """Cut a batch where its bytes are many."""
    part: list[Item] = []
    size = 0
    for item in items:
        length = 0 if isinstance(item.body, Failure) else len(item.body)
        if part and size + length > PART_BYTES:
            yield part
            part, size = [], 0
        part.append(item)
        size += length
    if part:
        yield part
