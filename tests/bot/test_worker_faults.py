"""A worker that is killed, aborts, hangs or raises: only those whose fault it is are failed."""

import asyncio
import os
import signal
from typing import Any

import pytest

from shared.errors import DeadlineExceeded, WorkerCrashed
from shared.frames import MAX_FRAME
from shared.predictor import Predictor
from tests.kit.models import Ask, Echo, Said, SecondEcho
from tests.kit.worker import status_of, warm

LONG = 30.0


async def ask_all(predictor: Predictor, *requests: Ask, timeout: float = LONG) -> list[Said | BaseException]:
    """Ask all at once."""
    return await asyncio.gather(
        *(predictor.predict(Echo, request, timeout=timeout) for request in requests), return_exceptions=True
    )


def outcomes(answers: list[Any]) -> list[str]:
    """Return each answer's text, or its error's name."""
    return [each.text if isinstance(each, Said) else type(each).__name__ for each in answers]


async def pid_of(predictor: Predictor) -> int:
    """Return the worker's process id."""
    status = await predictor.engine.status()
    assert status.worker_pid is not None
    return status.worker_pid


@pytest.mark.parametrize("act", ["raise", "unwritable", "mistyped"])
async def test_a_request_that_fails_fails_alone(act: str) -> None:
    async with warm(Echo) as predictor:
        answers = await ask_all(predictor, Ask("a"), Ask("bad", act), Ask("b"))
        assert outcomes(answers) == ["a", "ModelFailed", "b"]
        assert (await predictor.engine.status()).restarts == 0


async def test_a_model_that_answers_too_often_fails_only_where_it_does() -> None:
    async with warm(Echo) as predictor:
        answers = await ask_all(predictor, Ask("a"), Ask("two", "surplus"), Ask("b"))
    assert outcomes(answers) == ["a", "ModelFailed", "b"]


@pytest.mark.parametrize("act", ["abort", "die", "exit"])
async def test_a_request_that_kills_the_worker_fails_alone(act: str) -> None:
    async with warm(Echo, SecondEcho) as predictor:
        other = asyncio.create_task(predictor.predict(SecondEcho, Ask("other"), timeout=LONG))
        requests = [Ask(str(i)) for i in range(20)]
        requests[3] = Ask("bad", act)
        answers = await ask_all(predictor, *requests)
        assert outcomes(answers) == ["WorkerCrashed" if i == 3 else str(i) for i in range(20)]
        assert (await other).text == "other"
        assert (await predictor.engine.status()).restarts == 2


async def test_a_batch_that_only_waited_is_sent_again_whole() -> None:
    async with warm(Echo) as predictor:
        first, second = await asyncio.gather(
            ask_all(predictor, Ask("killer", "abort"), *(Ask(str(i)) for i in range(7))),
            ask_all(predictor, *(Ask(str(i)) for i in range(8))),
        )
    assert outcomes(first) == ["WorkerCrashed", *(str(i) for i in range(7))]
    assert {each.batch for each in first if isinstance(each, Said)} == {1}
    assert {each.batch for each in second if isinstance(each, Said)} == {8}


async def test_two_that_kill_are_both_found() -> None:
    async with warm(Echo) as predictor:
        requests = [Ask(str(i), "abort" if i in (2, 5, 11) else "say") for i in range(16)]
        answers = await ask_all(predictor, *requests)
    assert outcomes(answers) == ["WorkerCrashed" if i in (2, 5, 11) else str(i) for i in range(16)]


async def test_killing_the_worker_with_64_requests_in_flight_leaves_none_unanswered() -> None:
    async with warm(Echo) as predictor:
        # Each takes a while, so that the kill comes when few are answered.
        asked = asyncio.create_task(ask_all(predictor, *(Ask(str(i), "sleep", 0.01) for i in range(64))))
        while (await status_of(predictor, Echo)).batches < 1:
            await asyncio.sleep(0.005)
        os.kill(await pid_of(predictor), signal.SIGKILL)
        after = asyncio.create_task(predictor.predict(Echo, Ask("next"), timeout=5.0))
        # The kill is nobody's fault, so nobody is failed.
        assert outcomes(await asked) == [str(i) for i in range(64)]
        assert (await after).text == "next"


async def test_the_next_request_after_a_kill_is_answered_within_five_seconds() -> None:
    async with warm(Echo) as predictor:
        before = await pid_of(predictor)
        os.kill(before, signal.SIGKILL)
        said = await predictor.predict(Echo, Ask("next"), timeout=5.0)
        assert said.pid not in (before, os.getpid())


async def test_all_that_was_warm_is_warm_again_after_a_crash() -> None:
    async with warm(Echo, SecondEcho) as predictor:
        await ask_all(predictor, Ask(act="abort"))
        async with asyncio.timeout(LONG):
            while not all([(await status_of(predictor, m)).loaded for m in (Echo, SecondEcho)]):
                await asyncio.sleep(0.02)


async def test_one_that_sleeps_past_its_deadline_fails_alone() -> None:
    async with warm(Echo, SecondEcho, grace=0.2) as predictor:
        sleeper = asyncio.create_task(predictor.predict(Echo, Ask("z", "sleep", 600), timeout=0.5))
        same_batch = asyncio.create_task(ask_all(predictor, Ask("a"), Ask("b")))
        await asyncio.sleep(0.1)
        behind = asyncio.create_task(ask_all(predictor, *(Ask(str(i)) for i in range(10))))
        other = asyncio.create_task(predictor.predict(SecondEcho, Ask("other"), timeout=LONG))
        with pytest.raises(DeadlineExceeded):
            await sleeper
        assert outcomes(await same_batch) == ["a", "b"]
        assert outcomes(await behind) == [str(i) for i in range(10)]
        assert (await other).text == "other"
        assert (await predictor.engine.status()).restarts == 1


async def test_one_that_hangs_with_a_long_deadline_is_found_too() -> None:
    async with warm(Echo, batch_seconds=0.5) as predictor:
        answers = await ask_all(predictor, Ask("a"), Ask("z", "hold"), Ask("b"))
    assert outcomes(answers) == ["a", "DeadlineExceeded", "b"]


async def test_a_batch_that_is_slow_but_sound_is_left_alone() -> None:
    async with warm(Echo, grace=0.1) as predictor:
        # The model is known to take half a second.
        await ask_all(predictor, Ask("slow", "sleep", 0.5))
        late, patient = await asyncio.gather(
            ask_all(predictor, Ask("late", "sleep", 0.4), timeout=0.2), ask_all(predictor, Ask("a"))
        )
        assert outcomes(late) == ["DeadlineExceeded"]
        assert outcomes(patient) == ["a"]
        assert (await predictor.engine.status()).restarts == 0


async def test_other_work_goes_on_while_the_model_works() -> None:
    ticks = 0
    async with warm(Echo) as predictor:
        busy = asyncio.create_task(ask_all(predictor, *(Ask(str(i), "sleep", 0.05) for i in range(8))))
        while not busy.done():
            ticks += 1
            await asyncio.sleep(0.005)
    assert ticks > 8


async def test_large_requests_are_sent_in_several_pieces() -> None:
    ballast = bytes(12 << 20)
    async with warm(Echo) as predictor:
        answers = await ask_all(predictor, *(Ask(str(i), ballast=ballast) for i in range(5)))
    assert outcomes(answers) == [str(i) for i in range(5)]
    assert sorted(each.batch for each in answers if isinstance(each, Said)) == [1, 2, 2, 2, 2]


async def test_a_request_that_cannot_be_written_fails_alone() -> None:
    async with warm(Echo) as predictor:
        answers = await ask_all(predictor, Ask("a"), Ask("half a pair: \ud800"), Ask("b"))
    assert outcomes(answers) == ["a", "ModelFailed", "b"]


async def test_a_request_over_the_limit_of_a_frame_is_refused() -> None:
    async with warm(Echo) as predictor:
        answers = await ask_all(predictor, Ask("huge", ballast=bytes(MAX_FRAME)), Ask("a"))
    assert outcomes(answers) == ["BadInput", "a"]


async def test_closing_the_engine_answers_what_is_under_way() -> None:
    async with warm(Echo) as predictor:
        loop = asyncio.get_running_loop()
        run = asyncio.create_task(
            predictor.engine.run("echo", [Ask(act="sleep", seconds=60)], [loop.time() + LONG])
        )
        while not (await status_of(predictor, Echo)).in_flight:
            await asyncio.sleep(0.01)
        await predictor.engine.close()
        (answer,) = await run
        assert isinstance(answer, WorkerCrashed)
