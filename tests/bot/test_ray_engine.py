"""What both engines promise; and on Ray: machines that are lost, and champions that roll over replicas."""

import asyncio
import functools
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from bot.local_engine import LocalEngine
from bot.weights import WeightsInUse
from shared.engine import Engine, ModelStatus, Weights
from shared.errors import BadInput, ModelUnavailable, WorkerCrashed
from shared.model import Report
from shared.predictor import Predictor
from shared.remote_store import RemoteStore
from shared.store import Store
from tests.kit.models import Ask, Echo, Said, SecondEcho
from tests.kit.ray import machines
from tests.kit.worker import status_of, version_of_echo, warm

LONG = 60.0
NOTHING = Report(n=0, metrics={}, baseline={}, baseline_name="none")
Start = Callable[..., Engine]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two machines, for all tests here: they take seconds to start."""
    with machines(2) as found:
        yield found


def spread(more: Mapping[str, Any] = MappingProxyType({}), /, **replicas: int) -> Start:
    """Return an engine with so many replicas of each model, on the machines that have CPUs."""
    from bot.ray_engine import RayEngine, Spread

    cpus = dict.fromkeys(("echo", "second"), 0.5)
    return functools.partial(RayEngine, spread=Spread(replicas=replicas, cpus=cpus, **more))


@pytest.fixture(params=["local", "ray"])
def engine(request: pytest.FixtureRequest) -> Start:
    """Each engine in turn."""
    if request.param == "local":
        return LocalEngine
    request.getfixturevalue("cluster")
    return spread()


async def ask_all(predictor: Predictor, *requests: Ask, timeout: float = LONG) -> list[Said | BaseException]:
    """Ask all at once."""
    return await asyncio.gather(
        *(predictor.predict(Echo, request, timeout=timeout) for request in requests), return_exceptions=True
    )


def outcomes(answers: Sequence[Any]) -> list[str]:
    """Return each answer's text, or its error's name."""
    return [each.text if isinstance(each, Said) else type(each).__name__ for each in answers]


async def test_items_are_answered_in_order_and_what_fails_fails_alone(engine: Start) -> None:
    async with warm(Echo, engine=engine) as predictor:
        assert (await status_of(predictor, Echo)).loaded
        requests = [Ask(str(i)) for i in range(30)]
        requests[3], requests[7] = Ask("bad", "raise"), Ask("half a pair: \ud800")
        requests[12], requests[20] = Ask(act="refuse"), Ask("mistyped", "mistyped")
        answers = await ask_all(predictor, *requests)
        failed = {3: "ModelFailed", 7: "ModelFailed", 12: "BadInput", 20: "ModelFailed"}
        assert outcomes(answers) == [failed.get(i, str(i)) for i in range(30)]
        assert isinstance(answers[12], BadInput)
        assert (await predictor.engine.status()).restarts == 0


async def test_a_request_that_kills_fails_alone(engine: Start) -> None:
    async with warm(Echo, engine=engine) as predictor:
        requests = [Ask(str(i)) for i in range(20)]
        requests[3] = Ask("bad", "abort")
        answers = await ask_all(predictor, *requests)
        assert outcomes(answers) == ["WorkerCrashed" if i == 3 else str(i) for i in range(20)]


async def test_one_that_hangs_fails_alone_and_other_models_do_not_notice(engine: Start) -> None:
    async with warm(Echo, SecondEcho, engine=engine, batch_seconds=0.5, warm=("echo",)) as predictor:
        hung = asyncio.create_task(ask_all(predictor, Ask("a"), Ask("z", "sleep", 600), Ask("b")))
        # Loaded when it is first asked.
        assert not (await status_of(predictor, SecondEcho)).loaded
        assert (await predictor.predict(SecondEcho, Ask("other"), timeout=LONG)).text == "other"
        assert outcomes(await hung) == ["a", "DeadlineExceeded", "b"]


async def test_weights_that_are_not_usable_leave_those_that_answer(engine: Start, tmp_path: Path) -> None:
    async with warm(Echo, engine=engine, weights=lambda _: version_of_echo(tmp_path, "v1")) as predictor:
        with pytest.raises(ModelUnavailable, match="as asked"):
            await predictor.engine.load("echo", version_of_echo(tmp_path, "v2", "raise"))
        with pytest.raises(ModelUnavailable, match="died while it was being loaded"):
            await predictor.engine.load("echo", version_of_echo(tmp_path, "v3", "abort"))
        said = await ask_all(predictor, *(Ask(str(i)) for i in range(20)))
        assert {each.version for each in said if isinstance(each, Said)} == {"v1"}
        assert (await status_of(predictor, Echo)).version == "v1"
        with pytest.raises(ModelUnavailable, match="no model named fourth"):
            await predictor.engine.load("fourth", version_of_echo(tmp_path, "v4"))


async def test_unloading_waits_for_what_is_under_way_and_asking_brings_it_back(engine: Start) -> None:
    async with warm(Echo, engine=engine) as predictor:
        naps = [Ask("busy", "sleep", 0.03)] * 24
        busy = asyncio.create_task(ask_all(predictor, *naps))
        await asyncio.sleep(0.05)
        await predictor.engine.unload("echo")
        assert set(outcomes(await busy)) == {"busy"}
        await predictor.engine.unload("echo")
        assert not (await status_of(predictor, Echo)).loaded
        assert outcomes(await ask_all(predictor, Ask("back"))) == ["back"]


async def test_a_model_without_weights_is_tried_again_later(engine: Start, tmp_path: Path) -> None:
    def find(name: str) -> Weights:
        if not (tmp_path / "v1").exists():
            raise ModelUnavailable("No champion yet.")
        return version_of_echo(tmp_path, "v1")

    async with warm(Echo, engine=engine, weights=find) as predictor:
        assert outcomes(await ask_all(predictor, Ask("a"))) == ["ModelUnavailable"]
        # Nor do others come to be in use that cannot be loaded.
        with pytest.raises(ModelUnavailable, match="as asked"):
            await predictor.engine.load("echo", version_of_echo(tmp_path, "v0", "raise"))
        version_of_echo(tmp_path, "v1")
        async with asyncio.timeout(LONG):
            while outcomes(await ask_all(predictor, Ask("a"))) != ["a"]:
                await asyncio.sleep(0.1)


async def test_closing_answers_what_is_under_way(engine: Start) -> None:
    async with warm(Echo, engine=engine) as predictor:
        loop = asyncio.get_running_loop()
        run = asyncio.create_task(
            predictor.engine.run("echo", [Ask(act="sleep", seconds=60)], [loop.time() + LONG])
        )
        while not (await status_of(predictor, Echo)).in_flight:
            await asyncio.sleep(0.01)
        await predictor.engine.close()
        (answer,) = await run
        assert isinstance(answer, WorkerCrashed)


class Traffic:
    """Callers that ask again as soon as they are answered, and all that they were told."""

    def __init__(self, predictor: Predictor, callers: int = 24) -> None:
        self.said: list[Said] = []
        self._predictor, self._callers, self._stop = predictor, callers, asyncio.Event()

    async def __aenter__(self) -> "Traffic":
        self._tasks = [asyncio.create_task(self._ask()) for _ in range(self._callers)]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        # Whoever got an error raises it here: so nothing was lost.
        await asyncio.gather(*self._tasks)

    async def _ask(self) -> None:
        while not self._stop.is_set():
            # Long enough for a kill to come amid a batch.
            self.said.append(
                await self._predictor.predict(Echo, Ask(str(len(self.said)), "sleep", 0.005), timeout=LONG)
            )

    async def more(self, count: int = 200) -> list[Said]:
        """Wait for so many more answers, and return them."""
        before = len(self.said)
        async with asyncio.timeout(LONG):
            while len(self.said) < before + count:
                await asyncio.sleep(0.02)
        return self.said[before:]


async def all_ready(predictor: Predictor, count: int = 2) -> ModelStatus:
    """Wait until so many replicas answer."""
    async with asyncio.timeout(LONG):
        while True:
            status = await status_of(predictor, Echo)
            if sum(each.ready for each in status.replicas) == count:
                return status
            await asyncio.sleep(0.05)


async def all_back(predictor: Predictor, count: int) -> set[int]:
    """Wait until a loss is noticed and so many replicas answer again; return their processes."""
    async with asyncio.timeout(LONG):
        while not (await predictor.engine.status()).restarts:
            await asyncio.sleep(0.05)
    return {each.pid for each in (await all_ready(predictor, count)).replicas}


async def test_a_process_killed_amid_traffic_loses_nothing_and_comes_back(cluster: Any) -> None:
    async with warm(Echo, engine=spread(echo=2)) as predictor:
        before = {each.pid for each in (await all_ready(predictor)).replicas}
        async with Traffic(predictor) as traffic:
            # Both of them work, in batches.
            assert {said.pid for said in await traffic.more()} == before
            status = await predictor.engine.status()
            assert (status.engine, status.alive, status.restarts, status.device) == ("ray", True, 0, "cpu")
            assert status.models[0].batches < status.models[0].items
            killed = before.pop()
            os.kill(killed, signal.SIGKILL)
            again = await all_back(predictor, 2)
            assert {said.pid for said in await traffic.more()} == again
        assert killed not in again
        assert before < again
        assert (await predictor.engine.status()).restarts == 1


async def test_a_champion_rolls_over_the_replicas_under_traffic(cluster: Any, tmp_path: Path) -> None:
    old, new = version_of_echo(tmp_path, "v1"), version_of_echo(tmp_path, "v2", "sleep 0.4")
    async with warm(Echo, engine=spread(echo=2), weights=lambda _: old) as predictor:
        await all_ready(predictor)
        async with Traffic(predictor) as traffic:
            assert {said.version for said in await traffic.more(100)} == {"v1"}
            before = len(traffic.said)
            await predictor.engine.load("echo", new)
            # Each replica went on answering while it loaded, and the second with the old while the first had the new.
            during = [said.version for said in traffic.said[before:]]
            assert set(during) == {"v1", "v2"}
            assert len(during) > 100
            # What is asked from now on is answered by the new one.
            after = await ask_all(predictor, *(Ask(str(i)) for i in range(32)))
            assert {each.version for each in after if isinstance(each, Said)} == {"v2"}
            await traffic.more(48)
            assert {said.version for said in await traffic.more(100)} == {"v2"}
        status = await status_of(predictor, Echo)
        assert [each.version for each in status.replicas] == ["v2", "v2"]
        assert (await predictor.engine.status()).restarts == 0


async def test_a_champion_reaches_every_machine_through_the_model_store(cluster: Any, tmp_path: Path) -> None:
    url, cache, store = f"file://{tmp_path / 'remote'}", tmp_path / "cache", Store(tmp_path / "bot")
    weights = WeightsInUse(lambda: {"echo": Echo}, store, {}, RemoteStore(url))
    first = promoted(store, "first")
    there = spread({"store": url, "cache": str(cache)}, echo=2)
    async with warm(Echo, engine=there, weights=weights) as predictor:
        following = asyncio.create_task(weights.follow(lambda: predictor.engine))
        await all_ready(predictor)
        async with Traffic(predictor) as traffic:
            assert {said.version for said in await traffic.more(50)} == {"first"}
            second = promoted(store, "second")
            async with asyncio.timeout(LONG):
                while {each.version for each in (await status_of(predictor, Echo)).replicas} != {second}:
                    await asyncio.sleep(0.05)
            await traffic.more(48)
            assert {said.version for said in await traffic.more(50)} == {"second"}
        following.cancel()
    # What answered came from there, not from the bot's own folder.
    assert Store(cache).versions("echo") == [first, second]


def promoted(store: Store, version: str) -> str:
    """Make a champion of `tests.kit.models.Echo`."""
    with store.stage("echo") as folder:
        (folder / "version").write_text(version)
        manifest = store.publish(
            "echo", folder, report=NOTHING, data=None, licence="CC0", code="test", parent=None
        )
    store.promote("echo", manifest.version)
    return manifest.version


async def test_the_whole_bot_answers_through_the_cluster_that_settings_name(
    cluster: Any, tmp_path: Path
) -> None:
    settings = {
        "HEARTH_ENGINE": "ray",
        "HEARTH_RAY_ADDRESS": cluster.address,
        "HEARTH_RAY_CPUS": '{"spam": 0.5}',
        "HEARTH_DATA_DIR": str(tmp_path / "data"),
        "HEARTH_MODEL_STORE": f"file://{tmp_path / 'remote'}",
        "HEARTH_RAY_CACHE": str(tmp_path / "cache"),
    }
    call = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "call", "spam", "score", "Win a free prize now"),
        cwd=tmp_path,
        env=os.environ | settings,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complained = await call.communicate()
    assert call.returncode == 0, complained.decode()
    assert "Probability of spam" in said.decode()


# The last one: one of the two machines is gone after it.
async def test_a_machine_lost_amid_traffic_loses_nothing(cluster: Any) -> None:
    (doomed,) = cluster.worker_nodes
    async with warm(Echo, engine=spread(echo=4)) as predictor:
        before = await all_ready(predictor, 4)
        async with Traffic(predictor, callers=48) as traffic:
            worked = {said.pid for said in await traffic.more()}
            assert worked == {each.pid for each in before.replicas}
            # Its processes and what watches over them, all at once.
            await asyncio.to_thread(cluster.remove_node, doomed, allow_graceful=False)
            # Those that were there come up on the machines that are left.
            again = await all_back(predictor, 4)
            after = {said.pid for said in await traffic.more()}
        assert after == again
        assert 0 < len(after & worked) < 4
