"""Which models a worker holds: loading, swapping, unloading, and models that cannot be loaded."""

import asyncio
from pathlib import Path

import pytest

from shared.engine import Weights
from shared.errors import ModelUnavailable
from shared.model import AnyModel
from shared.predictor import Predictor
from tests.kit.models import Ask, Echo, HeavierEcho, HeavyEcho, Said, SecondEcho, ThirdEcho
from tests.kit.worker import status_of, version_of_echo, warm

LONG = 30.0


async def say(predictor: Predictor, model: AnyModel = Echo, text: str = "") -> Said:
    """Ask for one answer."""
    said = await predictor.predict(model, Ask(text), timeout=LONG)
    assert isinstance(said, Said)
    return said


async def test_a_model_is_loaded_when_it_is_first_asked() -> None:
    async with warm(Echo, SecondEcho, warm=("echo",)) as predictor:
        assert (await status_of(predictor, Echo)).loaded
        assert not (await status_of(predictor, SecondEcho)).loaded
        assert (await say(predictor, SecondEcho)).version == "none"
        assert (await status_of(predictor, SecondEcho)).loaded


async def test_weights_are_asked_for_once_however_many_wait(tmp_path: Path) -> None:
    asked: list[str] = []

    def find(name: str) -> Weights:
        asked.append(name)
        return version_of_echo(tmp_path, "v1")

    async with warm(Echo, weights=find, warm=()) as predictor:
        said = await asyncio.gather(*(say(predictor) for _ in range(30)))
        assert {each.version for each in said} == {"v1"}
        status = await status_of(predictor, Echo)
    assert asked == ["echo"]
    assert (status.version, status.origin, status.items) == ("v1", "store", 30)


async def test_a_swap_under_load_drops_nothing_and_takes_effect(tmp_path: Path) -> None:
    first, slow_to_load = version_of_echo(tmp_path, "v1"), version_of_echo(tmp_path, "v2", "sleep 0.5")
    said: list[Said] = []
    async with warm(Echo, weights=lambda _: first) as predictor:

        async def chat() -> None:
            while not said or said[-1].version != "v2":
                said.append(await say(predictor, text=str(len(said))))

        async with asyncio.TaskGroup() as group:
            for _ in range(20):
                group.create_task(chat())
            await asyncio.sleep(0.05)
            before = len(said)
            await predictor.engine.load("echo", slow_to_load)
            during = len(said) - before
            # What is asked from now on is answered by the new version.
            assert (await say(predictor)).version == "v2"
        assert (await predictor.engine.status()).restarts == 0
    # The old version went on answering while the new one was loaded, and never came back.
    assert during > 100
    versions = [each.version for each in said]
    assert versions == sorted(versions)


async def test_a_version_that_cannot_be_loaded_leaves_the_old_one(tmp_path: Path) -> None:
    async with warm(Echo, weights=lambda _: version_of_echo(tmp_path, "v1")) as predictor:
        with pytest.raises(ModelUnavailable, match="as asked"):
            await predictor.engine.load("echo", version_of_echo(tmp_path, "v2", "raise"))
        with pytest.raises(ModelUnavailable, match="FileNotFoundError"):
            await predictor.engine.load("echo", Weights(str(tmp_path / "gone"), "v3", "store"))
        assert (await say(predictor)).version == "v1"
        assert (await status_of(predictor, Echo)).version == "v1"


@pytest.mark.parametrize("act", ["abort", "die"])
async def test_a_version_that_kills_the_worker_leaves_the_old_one(tmp_path: Path, act: str) -> None:
    good, current = version_of_echo(tmp_path, "v1"), []
    current.append(good)
    async with warm(Echo, weights=lambda _: current[-1]) as predictor:
        current.append(version_of_echo(tmp_path, "v2", act))
        with pytest.raises(ModelUnavailable, match="died while it was being loaded"):
            await predictor.engine.load("echo", current[-1])
        assert (await say(predictor)).version == "v1"


async def test_a_load_that_kills_harms_no_other_model(tmp_path: Path) -> None:
    weights = {"echo": Weights(None, "1", "none"), "second": version_of_echo(tmp_path, "bad", "abort")}
    async with warm(Echo, SecondEcho, weights=weights.__getitem__, warm=("echo",)) as predictor:
        stop = asyncio.Event()
        answered = 0

        async def chat() -> None:
            nonlocal answered
            while not stop.is_set():
                await predictor.predict(Echo, Ask("x", "sleep", 0.002), timeout=LONG)
                answered += 1

        async with asyncio.TaskGroup() as group:
            for _ in range(12):
                group.create_task(chat())
            for _ in range(3):
                with pytest.raises(ModelUnavailable):
                    await say(predictor, SecondEcho)
            stop.set()
        assert answered >= 12
        # The second and third time it is not even tried, for it was a moment ago.
        assert (await predictor.engine.status()).restarts == 2


async def test_a_request_that_kills_harms_no_load(tmp_path: Path) -> None:
    slow = version_of_echo(tmp_path, "slow", "sleep 0.4")
    async with warm(
        Echo,
        SecondEcho,
        weights=lambda name: slow if name == "second" else Weights(None, "1", "none"),
        warm=("echo",),
    ) as predictor:
        loading = asyncio.create_task(say(predictor, SecondEcho))
        await asyncio.sleep(0.2)
        killer = asyncio.create_task(predictor.predict(Echo, Ask(act="abort"), timeout=LONG))
        assert (await loading).version == "slow"
        await asyncio.gather(killer, return_exceptions=True)
        assert "WorkerCrashed" in repr(killer.exception())


async def test_a_model_that_could_not_be_loaded_is_tried_again_later(tmp_path: Path) -> None:
    asked = 0

    def find(name: str) -> Weights:
        nonlocal asked
        asked += 1
        if not (tmp_path / "v1").exists():
            raise ModelUnavailable("No champion yet.")
        return version_of_echo(tmp_path, "v1")

    async with warm(Echo, weights=find) as predictor:
        for _ in range(3):
            with pytest.raises(ModelUnavailable, match="No champion yet"):
                await say(predictor)
        assert asked == 1
        version_of_echo(tmp_path, "v1")
        async with asyncio.timeout(LONG):
            while not (await status_of(predictor, Echo)).loaded:
                try:
                    await say(predictor)
                except ModelUnavailable:
                    await asyncio.sleep(0.1)
        assert (await say(predictor)).version == "v1"


async def test_whatever_keeps_weights_from_being_found_is_told_as_such() -> None:
    def find(name: str) -> Weights:
        raise OSError("the disk is away")

    async with warm(Echo, weights=find) as predictor:
        with pytest.raises(ModelUnavailable, match="no weights that can be read"):
            await say(predictor)


async def test_a_model_that_was_in_trouble_answers_once_weights_are_given(tmp_path: Path) -> None:
    async with warm(Echo, weights=lambda _: Weights(str(tmp_path), "empty", "store")) as predictor:
        with pytest.raises(ModelUnavailable):
            await say(predictor)
        await predictor.engine.load("echo", version_of_echo(tmp_path, "v1"))
        assert (await say(predictor)).version == "v1"


async def test_a_load_that_never_ends_is_given_up(tmp_path: Path) -> None:
    endless = version_of_echo(tmp_path, "endless", "sleep 600")
    async with warm(Echo, SecondEcho, load_seconds=0.4) as predictor:
        with pytest.raises(ModelUnavailable, match="died while it was being loaded"):
            await predictor.engine.load("echo", endless)
        assert (await say(predictor)).version == "none"
        assert (await say(predictor, SecondEcho)).version == "none"


async def test_the_least_recently_used_is_unloaded_where_memory_is_short() -> None:
    async with warm(Echo, HeavyEcho, HeavierEcho, warm=(), memory_budget_mib=160) as predictor:
        await say(predictor)
        await say(predictor, HeavyEcho)
        assert (await status_of(predictor, HeavyEcho)).rss_mib > 90
        await say(predictor)
        await say(predictor, HeavierEcho)
        loaded = [(await status_of(predictor, m)).loaded for m in (Echo, HeavyEcho, HeavierEcho)]
        assert loaded == [True, False, True]
        # Its memory was really given back.
        assert (await predictor.engine.status()).rss_mib < 160
        # It comes back when it is asked, and the other goes.
        await say(predictor)
        await say(predictor, HeavyEcho)
        loaded = [(await status_of(predictor, m)).loaded for m in (Echo, HeavyEcho, HeavierEcho)]
        assert loaded == [True, True, False]


async def test_a_model_in_use_is_never_unloaded() -> None:
    async with warm(HeavyEcho, HeavierEcho, warm=("heavy",), memory_budget_mib=160) as predictor:
        busy = asyncio.create_task(predictor.predict(HeavyEcho, Ask("busy", "sleep", 0.6), timeout=LONG))
        await asyncio.sleep(0.05)
        await say(predictor, HeavierEcho)
        assert (await status_of(predictor, HeavyEcho)).loaded
        assert (await busy).text == "busy"


async def test_warming_up_stops_at_the_budget() -> None:
    async with warm(HeavyEcho, HeavierEcho, ThirdEcho, memory_budget_mib=100) as predictor:
        loaded = [(await status_of(predictor, m)).loaded for m in (HeavyEcho, HeavierEcho, ThirdEcho)]
        assert loaded == [True, False, False]


async def test_unloading_waits_for_what_is_under_way_and_loading_brings_it_back() -> None:
    async with warm(Echo) as predictor:
        busy = [
            asyncio.create_task(predictor.predict(Echo, Ask("busy", "sleep", 0.03), timeout=LONG))
            for _ in range(24)
        ]
        await asyncio.sleep(0.05)
        await predictor.engine.unload("echo")
        assert {said.text for said in await asyncio.gather(*busy)} == {"busy"}
        await predictor.engine.unload("echo")
        assert not (await status_of(predictor, Echo)).loaded
        await predictor.engine.unload("echo")
        assert (await say(predictor, text="back")).text == "back"
        assert (await predictor.engine.status()).restarts == 0


async def test_the_status_says_what_the_worker_does() -> None:
    async with warm(Echo, device="cpu") as predictor:
        await asyncio.gather(*(say(predictor) for _ in range(8)))
        status = await predictor.engine.status()
        (model,) = status.models
    assert (status.engine, status.alive, status.restarts, status.device) == ("local", True, 0, "cpu")
    assert status.rss_mib > 5
    assert (model.name, model.batches, model.items, model.in_flight) == ("echo", 1, 8, 0)
    assert model.mean_ms > 0
