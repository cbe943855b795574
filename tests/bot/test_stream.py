"""Lines answered in order: many at once, in bounded memory, and each as soon as it can be."""

import asyncio
import io
import itertools
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cli.stream import IN_FLIGHT_BYTES, WINDOW, Splitter, answer_lines, read_lines


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=5), st.integers(1, 50))
def test_lines_are_cut_the_same_wherever_the_chunks_end(content: bytes, cuts: list[int], limit: int) -> None:
    splitter = Splitter(limit)
    edges = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    found = [line for a, b in itertools.pairwise(edges) for line in splitter.feed(content[a:b])]
    lines = content.split(b"\n")
    if not lines[-1]:
        lines.pop()
    assert found + splitter.end() == [line if len(line) <= limit else None for line in lines]


async def echo(line: bytes | None) -> bytes:
    return b"long" if line is None else line


async def iterate(lines: list[bytes | None]) -> AsyncIterator[bytes | None]:
    for line in lines:
        yield line


async def test_answers_keep_the_order_of_the_lines_though_later_ones_are_ready_first() -> None:
    async def slower_first(line: bytes | None) -> bytes:
        await asyncio.sleep(0.002 * (20 - int(line or b"0")))
        return line or b""

    out = io.BytesIO()
    await answer_lines(iterate([b"%d" % i for i in range(20)]), slower_first, out)
    assert out.getvalue().split() == [b"%d" % i for i in range(20)]


async def test_a_bounded_number_of_lines_is_in_work_at_once() -> None:
    now = most = 0

    async def count(line: bytes | None) -> bytes:
        nonlocal now, most
        now, most = now + 1, max(most, now + 1)
        await asyncio.sleep(0.001)
        now -= 1
        return b""

    await answer_lines(iterate([b"x"] * (3 * WINDOW)), count, io.BytesIO())
    assert 1 < most <= WINDOW


async def test_long_lines_in_work_are_bounded_by_their_bytes() -> None:
    now = most = 0

    async def weigh(line: bytes | None) -> bytes:
        nonlocal now, most
        now, most = now + len(line or b""), max(most, now + len(line or b""))
        await asyncio.sleep(0.001)
        now -= len(line or b"")
        return b""

    line = bytes(IN_FLIGHT_BYTES // 3)
    await answer_lines(iterate([line] * 9), weigh, io.BytesIO())
    assert len(line) < most <= IN_FLIGHT_BYTES


async def test_a_line_is_answered_while_the_next_has_not_come_yet(tmp_path: Path) -> None:
    ours, theirs = os.pipe()
    answers, out = os.pipe()
    with os.fdopen(out, "wb") as sink, os.fdopen(answers, "rb", buffering=0) as source:
        working = asyncio.create_task(answer_lines(read_lines(ours), echo, sink))
        for word in (b"one", b"two"):
            os.write(theirs, word + b"\n")
            async with asyncio.timeout(10):
                assert await asyncio.to_thread(source.read, 100) == word + b"\n"
        os.write(theirs, b"unended")
        os.close(theirs)
        await working
        assert source.read(100) == b"unended\n"
    os.close(ours)


async def test_a_reader_that_went_away_is_told_of_as_what_it_is() -> None:
    answers, out = os.pipe()
    os.close(answers)
    with os.fdopen(out, "wb", buffering=0) as sink, pytest.raises(BrokenPipeError):
        await answer_lines(iterate([b"x"] * 100), echo, sink)


async def test_input_that_cannot_be_read_is_told_of_as_what_it_is(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    with pytest.raises(IsADirectoryError):
        await answer_lines(read_lines(descriptor), echo, io.BytesIO())
    os.close(descriptor)


async def test_waiting_for_a_line_can_be_cancelled() -> None:
    ours, theirs = os.pipe()
    working = asyncio.create_task(answer_lines(read_lines(ours), echo, io.BytesIO()))
    await asyncio.sleep(0.05)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    os.close(theirs)
