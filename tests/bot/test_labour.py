"""Heavy work in a process of its own: however that process behaves, whoever started it goes on."""

import asyncio

import psutil
import pytest

from bot.labour import LabourFailed, labour
from tests.kit import toil


def unheard(done: float, note: str = "") -> None:
    """Hear of no progress."""


async def test_a_large_answer_comes_whole() -> None:
    assert len((await labour(toil.echo, toil.Asked(5_000_000), unheard)).text) == 5_000_000


async def test_work_that_does_not_end_after_its_answer_is_ended() -> None:
    async with asyncio.timeout(30):
        assert (await labour(toil.linger, toil.Asked(), unheard)).text == "done"
    assert not [p for p in psutil.Process().children(recursive=True) if "bot.labour" in p.cmdline()]


async def test_a_process_that_work_leaves_behind_holds_nobody_up_and_is_ended() -> None:
    async with asyncio.timeout(30):
        left = int((await labour(toil.leave_a_child, toil.Asked(), unheard)).text)
    async with asyncio.timeout(10):
        while psutil.pid_exists(left) and psutil.Process(left).status() != psutil.STATUS_ZOMBIE:
            await asyncio.sleep(0.05)


async def test_an_answer_of_the_wrong_type_is_the_works_fault() -> None:
    with pytest.raises(LabourFailed, match="result is none"):
        await labour(toil.lie, toil.Asked(), unheard)


async def test_work_that_ends_without_a_word_has_failed() -> None:
    with pytest.raises(LabourFailed, match="status 3"):
        await labour(toil.die, toil.Asked(), unheard)
