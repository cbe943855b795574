"""Parsers of what comes from outside answer damaged files by the errors that they document, and by no other.

Those with such tests beside their own (CSV, charsets, HTML, PDF, schedules, exchange pages, backups, bodies of answers,
what the sandbox takes) are not here; `python -m benchmarks fuzz` takes on all of them, a million times.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.fuzz_dispatch import Dispatching, seeds
from benchmarks.fuzz_targets import TARGETS, Target
from bot.supervisor import Supervisor
from shared.frames import FrameReader, encode

HERE = (
    "frames", "images decoded", "idx", "CIFAR archives", "npz packs", "review pages", "dates", "robots.txt",
    "addresses in texts", "model manifests",
)  # fmt: skip
BY_NAME = {target.name: target for target in TARGETS}
DAMAGE = st.tuples(st.integers(0, 3000), st.integers(0, 12), st.binary(max_size=12))
"""Where, how many bytes go, and what comes in their place."""
unhurried = settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


def damaged(seed: bytes, damages: list[tuple[int, int, bytes]]) -> bytes:
    data = bytearray(seed)
    for at, gone, noise in damages:
        begin = at % (len(data) + 1)
        data[begin : begin + gone] = noise
    return bytes(data)


@pytest.mark.parametrize("target", [BY_NAME[name] for name in HERE], ids=lambda target: target.name)
def test_a_damaged_file_is_read_or_refused(target: Target, tmp_path: Path) -> None:
    parse, documented = target.make(tmp_path)

    @unhurried
    @given(st.sampled_from(target.seeds()), st.lists(DAMAGE, max_size=4))
    def check(seed: bytes, damages: list[tuple[int, int, bytes]]) -> None:
        try:
            parse(damaged(seed, damages))
        except documented:
            return

    check()


@pytest.fixture(scope="module")
def dispatching(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dispatching]:
    found = Dispatching(tmp_path_factory.mktemp("bot"))
    yield found
    found.close()


@unhurried
@given(st.sampled_from(seeds()), st.lists(DAMAGE, max_size=3))
def test_no_interaction_makes_the_dispatcher_raise(
    dispatching: Dispatching, seed: bytes, damages: list[tuple[int, int, bytes]]
) -> None:
    dispatching.handle(damaged(seed, damages))


@unhurried
@given(st.binary(max_size=60))
def test_no_parts_put_together_at_random_make_the_dispatcher_raise(
    dispatching: Dispatching, data: bytes
) -> None:
    dispatching.handle(data)


async def test_a_worker_that_sends_text_of_no_encoding_is_killed_and_not_believed() -> None:
    died = asyncio.Event()
    supervisor = Supervisor("cpu", 1, on_answer=lambda _: None, on_up=lambda: None, on_death=died.set)
    supervisor.start()
    try:
        await supervisor.until_up()
        before = supervisor.pid
        (body,) = FrameReader().feed(encode(("broken", 1, "no")))
        supervisor._on_frame(body.replace(b"no", b"\xff\xff"))
        await died.wait()
        await supervisor.until_up()
        assert supervisor.pid != before
    finally:
        await supervisor.close()
