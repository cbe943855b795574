"""Chooses what runs the models, as the settings say. Ray is imported only where it is chosen."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager

from bot.local_engine import LocalEngine
from shared.engine import Engine, Weights
from shared.errors import Refusal
from shared.model import AnyModel
from shared.settings import Settings


@asynccontextmanager
async def cluster(settings: Settings) -> AsyncIterator[None]:
    """Be in the Ray cluster for as long as the process has engines there. Raises `Refusal` where it cannot be."""
    if settings.engine == "local":
        yield
        return
    try:
        from bot.ray_cluster import joined
    except ImportError as error:
        raise Refusal(
            "The engine ray needs: pip install 'hearth-bot[ray]' ({reason})", reason=str(error)
        ) from error
    async with joined(settings.ray_address):
        yield


def engine_of(
    settings: Settings, models: Iterable[AnyModel], weights: Callable[[str], Weights], warm: Sequence[str]
) -> Engine:
    """Return an engine for `models`, not started yet."""
    if settings.engine == "local":
        return LocalEngine(
            models,
            weights,
            device=settings.device,
            threads=settings.threads,
            memory_budget_mib=settings.memory_budget_mib,
            warm=warm,
        )
    from bot.ray_engine import RayEngine, Spread

    spread = Spread(
        replicas=settings.ray_replicas,
        cpus=settings.ray_cpus,
        gpus=settings.ray_gpus,
        device=settings.device,
        threads=settings.threads,
        store=settings.model_store,
        cache=settings.ray_cache,
        hub=settings.hub,
    )
    return RayEngine(models, weights, spread, warm=warm)
