"""Checks of what spreads over machines: the Ray engine, where it is chosen, and the model store that machines share."""

import asyncio
from collections.abc import Collection
from importlib.util import find_spec
from typing import Final

from yarl import URL

from bot.assembly import models_of
from bot.doctor.finding import Finding
from shared.errors import HearthError
from shared.plugins import Plugins
from shared.remote_store import RemoteStore
from shared.settings import Settings

REACH_SECONDS: Final = 5
ADDRESS: Final = "HEARTH_RAY_ADDRESS"


async def engine(settings: Settings, plugins: Plugins) -> list[Finding]:
    """Look whether what runs the models is there."""
    if settings.engine == "local":
        return [Finding("engine", "ok", "local")]
    if find_spec("ray") is None:
        remedy = "pip install 'hearth-bot[ray]', or unset HEARTH_ENGINE."
        return [Finding("engine", "problem", "HEARTH_ENGINE is ray, and the extra is missing", remedy)]
    findings = [await _cluster(settings.ray_address)]
    wanted = {*settings.ray_replicas, *settings.ray_cpus, *settings.ray_gpus}
    if unknown := sorted(wanted - models_of(plugins).keys()):
        seen = f"settings of replicas name {', '.join(unknown)}, no plugin has it"
        findings.append(
            Finding("engine", "warning", seen, "Mend HEARTH_RAY_REPLICAS, HEARTH_RAY_CPUS, HEARTH_RAY_GPUS.")
        )
    return findings


async def _cluster(address: str) -> Finding:
    if not address:
        return Finding("engine", "ok", "ray, in a cluster that starts with the bot")
    if address == "auto":
        return Finding("engine", "ok", "ray, in the cluster of this machine")
    try:
        url = URL(address if "://" in address else f"ray://{address}")
        host, port = url.host, url.port
    except ValueError:
        host = port = None
    if host is None or port is None:
        return Finding("engine", "problem", "the cluster's address is none", f"Mend {ADDRESS}.")
    try:
        async with asyncio.timeout(REACH_SECONDS):
            _, writer = await asyncio.open_connection(host, port)
    except (TimeoutError, OSError):
        remedy = f"Start the cluster (ray start --head), or mend {ADDRESS}."
        return Finding("engine", "problem", f"no Ray cluster answers at {host}:{port}", remedy)
    writer.close()
    return Finding("engine", "ok", f"ray, at {host}:{port}")


async def model_store(settings: Settings, plugins: Plugins) -> list[Finding]:
    """Read every champion of the model store that machines share, where one is set."""
    if settings.model_store is None:
        return [Finding("model store", "ok", "this machine's own")]
    models = models_of(plugins).keys()
    return [await asyncio.to_thread(_look, settings.model_store, models)]


def _look(url: str, models: Collection[str]) -> Finding:
    shown = f"{url.partition('://')[0]}://…" if "@" in url else url
    try:
        store = RemoteStore(url)
        champions = [name for name in models if store.pointer(name).trail]
    except HearthError as error:
        remedy = "Check HEARTH_MODEL_STORE, its credentials, and the extra hearth-bot[ray] for S3."
        return Finding("model store", "problem", f"{shown}: {error}", remedy)
    return Finding("model store", "ok", f"{shown}, {len(champions)} champions")
