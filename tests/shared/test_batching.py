"""How batches are formed, on a real worker that a sleeping request keeps busy."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from shared.batching import Batcher
from shared.engine import EngineStatus, Weights
from shared.errors import BadInput, Busy, DeadlineExceeded, HearthError, ModelFailed, ModelUnavailable
from shared.predictor import Predictor
from tests.kit.models import Ask, Echo, Said, SecondEcho
from tests.kit.worker import status_of, warm

LONG = 30.0
NAP = Ask("nap", "sleep", 0.4)


def ask(predictor: Predictor, request: Ask, **how: Any) -> "asyncio.Task[Said]":
    """Ask in the background."""
    return asyncio.create_task(predictor.predict(Echo, request, **{"timeout": LONG, **how}))


async def turns(count: int = 5) -> None:
    """Let the event loop turn: what was asked is queued, and cut where it may be."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_callers_that_come_together_are_answered_in_one_batch() -> None:
    async with warm(Echo) as predictor:
        said = await asyncio.gather(*(ask(predictor, Ask(str(i))) for i in range(8)))
    assert [each.text for each in said] == [str(i) for i in range(8)]
    assert {each.batch for each in said} == {8}


async def test_no_batch_is_larger_than_the_model_takes() -> None:
    async with warm(Echo) as predictor:
        said = await asyncio.gather(*(ask(predictor, Ask(str(i))) for i in range(37)))
    assert [each.text for each in said] == [str(i) for i in range(37)]
    assert max(each.batch for each in said) == Echo.max_batch


async def test_a_second_batch_is_in_flight_only_when_it_is_full() -> None:
    async with warm(Echo) as predictor:
        nap = ask(predictor, NAP)
        await turns()
        few = [ask(predictor, Ask("few")) for _ in range(7)]
        await turns()
        assert (await status_of(predictor, Echo)).in_flight == 1
        eighth = ask(predictor, Ask("few"))
        await turns()
        assert (await status_of(predictor, Echo)).in_flight == 2
        more = [ask(predictor, Ask("more")) for _ in range(20)]
        await turns()
        assert (await status_of(predictor, Echo)).in_flight == 2
        assert not nap.done()
        assert {said.batch for said in await asyncio.gather(*few, eighth)} == {8}
        await asyncio.gather(nap, *more)


async def test_chat_goes_before_bulk() -> None:
    answered: list[str] = []

    async def note(request: Ask, bulk: bool) -> None:
        answered.append((await ask(predictor, request, bulk=bulk)).text)

    async with warm(Echo) as predictor, asyncio.TaskGroup() as group:
        group.create_task(note(NAP, False))
        await turns()
        # The first eight are sent while the model is busy; the rest waits.
        for i in range(16):
            group.create_task(note(Ask(f"bulk {i // 8}"), True))
        await turns()
        for _ in range(8):
            group.create_task(note(Ask("chat"), False))
    assert answered == ["nap", *["bulk 0"] * 8, *["chat"] * 8, *["bulk 1"] * 8]


async def test_a_full_queue_says_busy_at_once() -> None:
    async with warm(Echo, max_waiting=3) as predictor:
        nap = ask(predictor, NAP)
        await turns()
        waiting = [ask(predictor, Ask("waits")) for _ in range(3)]
        await turns()
        with pytest.raises(Busy, match="3 requests are waiting"):
            await predictor.predict(Echo, Ask(), timeout=LONG)
        assert not nap.done()
        # Bulk does not stand in the way of chat, nor chat in the way of bulk.
        bulk = ask(predictor, Ask("bulk"), bulk=True)
        assert [said.text for said in await asyncio.gather(nap, *waiting, bulk)] == [
            "nap",
            *["waits"] * 3,
            "bulk",
        ]


async def test_who_gave_up_leaves_the_queue_free_for_others() -> None:
    async with warm(Echo, max_waiting=3) as predictor:
        nap = ask(predictor, NAP)
        await turns()
        waiting = [ask(predictor, Ask("waits")) for _ in range(3)]
        await turns()
        for task in waiting[:2]:
            task.cancel()
        await turns()
        late = await asyncio.gather(ask(predictor, Ask("a")), ask(predictor, Ask("b")), waiting[2], nap)
        assert [said.batch for said in late[:3]] == [3, 3, 3]


async def test_the_cancelled_and_the_expired_are_never_sent() -> None:
    async with warm(Echo) as predictor:
        nap = ask(predictor, NAP)
        await turns()
        cancelled, expired, kept = (
            ask(predictor, Ask("cancelled")),
            ask(predictor, Ask("expired"), timeout=0.1),
            ask(predictor, Ask("kept")),
        )
        await turns()
        cancelled.cancel()
        with pytest.raises(DeadlineExceeded):
            await expired
        assert not nap.done()
        assert (await kept).batch == 1
        assert (await status_of(predictor, Echo)).items == 2


async def test_a_request_without_time_is_not_sent() -> None:
    async with warm(Echo) as predictor:
        with pytest.raises(DeadlineExceeded):
            await predictor.predict(Echo, Ask(), timeout=0)
        assert (await status_of(predictor, Echo)).items == 0


async def test_the_place_in_the_queue_is_told_as_it_changes() -> None:
    places: dict[str, list[int]] = {"first": [], "second": [], "bulk": []}
    async with warm(Echo) as predictor:
        nap = ask(predictor, NAP)
        await turns()
        bulk = ask(predictor, Ask(), bulk=True, on_place=places["bulk"].append)
        await turns()
        first = [ask(predictor, Ask(), on_place=places["first"].append) for _ in range(1)]
        second = ask(predictor, Ask(), on_place=places["second"].append)
        await turns()
        assert places == {"first": [1], "second": [2], "bulk": [1]}
        await asyncio.gather(nap, bulk, *first, second)
    assert places == {"first": [1, 0], "second": [2, 0], "bulk": [1, 0]}


async def test_places_move_up_when_a_batch_is_sent() -> None:
    places: list[int] = []
    async with warm(Echo) as predictor:
        nap = ask(predictor, NAP)
        await turns()
        full = [ask(predictor, Ask()) for _ in range(8)]
        await turns()
        # Eight are in flight behind the nap; these wait behind them.
        few = [ask(predictor, Ask()) for _ in range(5)]
        await turns()
        last = ask(predictor, Ask(), on_place=places.append)
        await turns()
        for task in few[:2]:
            task.cancel()
        await asyncio.gather(nap, *full, *few[2:], last)
    assert places == [6, 0]


async def test_one_whose_place_cannot_be_told_does_not_hold_up_the_others() -> None:
    seen: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: seen.append(context))

    def fail(place: int) -> None:
        raise KeyError(place)

    async with warm(Echo) as predictor:
        nap = ask(predictor, NAP)
        await turns()
        said = await asyncio.gather(nap, ask(predictor, Ask("a"), on_place=fail), ask(predictor, Ask("b")))
    assert [each.text for each in said] == ["nap", "a", "b"]
    assert {type(context["exception"]) for context in seen} == {KeyError}


async def test_a_refusal_is_bad_input_and_a_failure_is_our_fault() -> None:
    async with warm(Echo) as predictor:
        refused, failed, fine = await asyncio.gather(
            ask(predictor, Ask(act="refuse")),
            ask(predictor, Ask(act="raise")),
            ask(predictor, Ask("fine")),
            return_exceptions=True,
        )
    assert isinstance(refused, BadInput)
    assert str(refused) == "The picture holds no digit."
    assert isinstance(failed, ModelFailed)
    assert failed.__notes__ == ["ZeroDivisionError: as asked"]
    assert isinstance(fine, Said)


@dataclass
class Noted:
    """Writes down what a batcher tells."""

    cut: list[tuple[str, int, int]] = field(default_factory=list)
    done: list[tuple[str, int]] = field(default_factory=list)
    kinds: list[tuple[str, str]] = field(default_factory=list)

    def batch_cut(self, model: str, size: int, waiting: int) -> None:
        self.cut.append((model, size, waiting))

    def batch_done(self, model: str, size: int, seconds: float) -> None:
        assert seconds > 0
        self.done.append((model, size))

    def failed(self, model: str, kind: str) -> None:
        self.kinds.append((model, kind))


async def test_an_observer_is_told_of_batches_and_failures() -> None:
    noted = Noted()
    async with warm(Echo, observer=noted, max_waiting=10) as predictor:
        tasks = [ask(predictor, Ask(act="raise")), *(ask(predictor, Ask()) for _ in range(9))]
        await turns(1)
        with pytest.raises(Busy):
            await predictor.predict(Echo, Ask(), timeout=LONG)
        await asyncio.gather(*tasks, return_exceptions=True)
    assert noted.cut == [("echo", 8, 2), ("echo", 2, 0)]
    assert noted.done == [("echo", 8), ("echo", 2)]
    assert noted.kinds == [("echo", "Busy"), ("echo", "ModelFailed")]


async def test_many_are_answered_in_order_with_errors_in_their_places() -> None:
    requests = [Ask(str(i), "raise" if i % 50 == 7 else "say") for i in range(200)]
    async with warm(Echo, max_waiting=30) as predictor:
        answers, others = await asyncio.gather(
            predictor.predict_many(Echo, requests), predictor.predict_many(Echo, requests)
        )
    assert [a.text if isinstance(a, Said) else type(a).__name__ for a in answers] == [
        "ModelFailed" if i % 50 == 7 else str(i) for i in range(200)
    ]
    assert [type(a) for a in others] == [type(a) for a in answers]


async def test_models_do_not_share_a_queue() -> None:
    async with warm(Echo, SecondEcho, max_waiting=1) as predictor:
        nap, waits = ask(predictor, NAP), None
        await turns()
        waits = ask(predictor, Ask())
        await turns()
        other = await predictor.predict(SecondEcho, Ask("other"), timeout=LONG)
        assert other.text == "other"
        await asyncio.gather(nap, waits)


async def test_a_model_that_nobody_knows_is_unavailable() -> None:
    async with warm(Echo) as predictor:
        with pytest.raises(ModelUnavailable, match="no model named second"):
            await predictor.predict(SecondEcho, Ask(), timeout=LONG)
        with pytest.raises(ModelUnavailable, match="no model named second"):
            await predictor.engine.run("second", [Ask()], [asyncio.get_running_loop().time() + LONG])


async def test_draining_waits_for_what_was_asked_and_closing_gives_it_up() -> None:
    async with warm(Echo) as predictor:
        nap = ask(predictor, NAP)
        await turns()
        await predictor.drain(LONG)
        assert nap.done()
        doze, waits = ask(predictor, Ask(act="sleep", seconds=60)), ask(predictor, Ask("never sent"))
        await predictor.drain(0.1)
        assert not doze.done()
        await predictor.close()
        for task in (doze, waits):
            with pytest.raises(Busy, match="restarting"):
                await task
        with pytest.raises(Busy, match="restarting"):
            await predictor.predict(Echo, Ask(), timeout=LONG)


class ShortEngine:
    """Somebody else's engine, with a mistake: it loses the last answer."""

    async def start(self) -> None: ...

    async def run(self, model: str, batch: Sequence[Any], deadlines: Sequence[float]) -> Sequence[Any]:
        return [Said(each.text, "", len(batch), 0) for each in batch][:-1]

    def replicas(self, model: str) -> int:
        return 1

    async def load(self, model: str, weights: Weights) -> None: ...

    async def unload(self, model: str) -> None: ...

    async def status(self) -> EngineStatus:
        return EngineStatus("short", None, True, 0, 0.0, "cpu", [])

    async def close(self) -> None: ...


async def test_an_engine_that_loses_answers_leaves_nobody_waiting() -> None:
    batcher = Batcher(ShortEngine(), Echo)
    answers = await asyncio.gather(
        *(batcher.predict(Ask(), timeout=LONG) for _ in range(3)), return_exceptions=True
    )
    assert [type(each) for each in answers] == [ModelFailed] * 3
    # Each caller has an error of its own, so that none of them sees the frames of another.
    assert len({id(each) for each in answers}) == 3
    assert all(isinstance(each, HearthError) for each in answers)
    await batcher.close()
