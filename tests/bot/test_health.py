"""Health and metrics over HTTP: of a server with checks of our own, and of the whole bot on the sandbox."""

import asyncio
import math
import socket
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.health import CHECK_SECONDS, Check, Health
from bot.lag import watch_lag
from bot.metrics import Metrics
from bot.surroundings import Room, watch_surroundings
from shared.settings import Settings
from tests.kit.house import house

PATIENCE_SECONDS = 20.0


async def fine() -> str | None:
    return None


async def missing() -> str | None:
    return "not connected to Discord"


async def broken() -> str | None:
    raise ConnectionResetError("gone")


async def stuck() -> str | None:
    await asyncio.sleep(3600)
    return None


@asynccontextmanager
async def served(checks: Mapping[str, Check], metrics: Metrics | None = None) -> AsyncIterator[Health]:
    async with Health("127.0.0.1", 0, checks, metrics or Metrics()) as health:
        yield health


async def get(port: int, path: str) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}{path}") as response,
    ):
        if response.content_type == "application/json":
            return response.status, await response.json()
        return response.status, await response.text()


async def samples(port: int) -> dict[tuple[str, tuple[str, ...]], float]:
    """Return every sample of /metrics by its name and the sorted values of its labels."""
    status, text = await get(port, "/metrics")
    assert status == 200
    return {
        (sample.name, tuple(sorted(sample.labels.values()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def until(port: int, status: int) -> Any:
    """Ask for readiness until it has `status`, and return the body."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            found, body = await get(port, "/health/ready")
            if found == status:
                return body
            await asyncio.sleep(0.02)


async def test_it_lives_whatever_is_missing() -> None:
    async with served({"gateway": missing, "database": broken}) as health:
        assert await get(health.port, "/health/live") == (200, {"live": True})


async def test_it_is_ready_when_every_check_is_well() -> None:
    async with served({"gateway": fine, "database": fine}) as health:
        assert await get(health.port, "/health/ready") == (
            200,
            {"ready": True, "checks": {"gateway": "ok", "database": "ok"}},
        )


async def test_what_is_missing_and_what_fails_are_named_each() -> None:
    async with served({"gateway": missing, "database": broken, "worker": fine}) as health:
        status, body = await get(health.port, "/health/ready")
    assert status == 503
    assert body == {
        "ready": False,
        "checks": {
            "gateway": "not connected to Discord",
            "database": "ConnectionResetError: gone",
            "worker": "ok",
        },
    }


async def test_a_check_that_hangs_is_given_up_and_stops_none_of_the_others() -> None:
    async with served({"database": stuck, "gateway": missing}) as health:
        status, body = await get(health.port, "/health/ready")
        assert (status, body["checks"]["gateway"]) == (503, "not connected to Discord")
        assert body["checks"]["database"] == f"no answer within {CHECK_SECONDS:g} s"
        assert (await get(health.port, "/health/live"))[0] == 200


async def test_nothing_else_is_served_and_nothing_is_served_after_the_end() -> None:
    async with served({}) as health:
        port = health.port
        assert (await get(port, "/"))[0] == 404
        assert (await get(port, "/health"))[0] == 404
    with pytest.raises(aiohttp.ClientConnectorError):
        await get(port, "/health/live")


async def test_a_port_that_is_taken_is_said_at_once() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="address already in use"):
            async with Health("127.0.0.1", taken.getsockname()[1], {}, Metrics()):
                pass


async def test_metrics_count_what_they_are_told() -> None:
    metrics = Metrics()
    metrics.acknowledged(0.01)
    metrics.answered("spam", "score", "ok", 0.2)
    metrics.answered("spam", "score", "fault", 0.3)
    metrics.quota_refused()
    metrics.batch_cut("spam", 32, 7)
    metrics.batch_done("spam", 32, 0.05)
    metrics.failed("spam", "Busy")
    async with served({}, metrics) as health:
        found = await samples(health.port)
    assert found["hearth_acknowledgement_seconds_count", ()] == 1
    assert found["hearth_answers_total", ("ok", "score", "spam")] == 1
    assert found["hearth_answers_total", ("fault", "score", "spam")] == 1
    assert found["hearth_answer_seconds_sum", ("spam",)] == pytest.approx(0.5)
    assert found["hearth_quota_refusals_total", ()] == 1
    assert found["hearth_batch_size_sum", ("spam",)] == 32
    assert found["hearth_queue_waiting", ("spam",)] == 7
    assert found["hearth_batch_seconds_count", ("spam",)] == 1
    assert found["hearth_model_errors_total", ("Busy", "spam")] == 1


async def test_metrics_tell_which_checks_are_well() -> None:
    async with served({"gateway": missing, "database": fine, "worker": broken}) as health:
        found = await samples(health.port)
    assert [found["hearth_check_ok", (name,)] for name in ("gateway", "database", "worker")] == [0, 1, 0]


async def test_a_block_of_the_event_loop_shows_as_lag() -> None:
    metrics = Metrics()
    watching = asyncio.create_task(watch_lag(metrics))
    await asyncio.sleep(0.01)
    pause = 0.3
    # Blocking is the point.
    time.sleep(pause)  # noqa: ASYNC251
    await asyncio.sleep(0.15)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    async with served({}, metrics) as health:
        found = await samples(health.port)
    assert found["hearth_event_loop_lag_seconds_sum", ()] > pause - 0.1


def test_the_age_of_the_newest_backup_is_known_where_a_folder_is_set(tmp_path: Path) -> None:
    def age(folder: Path | None) -> float:
        return Room.of(Settings(_env_file=None, data_dir=tmp_path, backup_folder=folder)).backup_age

    assert math.isnan(age(None))
    assert age(tmp_path / "nowhere") == math.inf
    now = datetime.now(UTC)
    for hours in (30, 2):
        (tmp_path / f"hearth-{now - timedelta(hours=hours):%Y%m%dT%H%M%S}Z.zip").touch()
    (tmp_path / "hearth-99999999T999999Z.zip").touch()
    assert age(tmp_path) == pytest.approx(7200, abs=10)
    lost = Room.of(Settings(_env_file=None, data_dir=tmp_path / "nowhere"))
    assert math.isnan(lost.free)


async def test_the_whole_bot_is_ready_and_counts_what_it_answers(tmp_path: Path) -> None:
    few = frozenset({"animeface", "article", "digits", "fact", "image", "rollcall", "sentiment"})
    settings = Settings(_env_file=None, data_dir=tmp_path / "data", http_port=0, disabled_plugins=few)
    async with house(settings, warm=True) as home:
        assert home.bot.health is not None
        port = home.bot.health.port
        body = await until(port, 200)
        assert body["checks"] == {"gateway": "ok", "database": "ok", "worker": "ok"}
        await (await home.person()).slash("spam score", text="ok, see you at eight then, bring the kids")
        surroundings = asyncio.create_task(watch_surroundings(home.core, home.bot.client, home.metrics))
        await asyncio.sleep(0.2)
        surroundings.cancel()
        found = await samples(port)
    assert found["hearth_acknowledgement_seconds_count", ()] == 1
    assert found["hearth_answers_total", ("ok", "score", "spam")] == 1
    assert found["hearth_batch_size_count", ("spam",)] == 1
    assert found["hearth_worker_alive", ()] == 1
    assert found["hearth_worker_resident_mebibytes", ()] > 10
    assert [found["hearth_check_ok", (name,)] for name in ("gateway", "database", "worker")] == [1, 1, 1]
    assert 0 < found["hearth_data_free_bytes", ()] < found["hearth_data_size_bytes", ()]
    assert math.isnan(found["hearth_backup_age_seconds", ()]), "no folder is set"
    assert found["hearth_plugins_quarantined", ()] == 0
    assert 0 <= found["hearth_gateway_latency_seconds", ()] < PATIENCE_SECONDS
    assert found["hearth_bot_process_resident_memory_bytes", ()] > 0
