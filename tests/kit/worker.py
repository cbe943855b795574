"""A predictor on a real worker process, for tests of models: yours or the stand-ins of `tests.kit.models`."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bot.local_engine import LocalEngine
from shared.batching import Observer
from shared.engine import Engine, ModelStatus, Weights
from shared.model import AnyModel
from shared.predictor import Predictor
from shared.tracing import NO_TRACES, Traces


@asynccontextmanager
async def warm(
    *models: AnyModel,
    weights: Callable[[str], Weights] | None = None,
    max_waiting: int = 512,
    observer: Observer | None = None,
    traces: Traces = NO_TRACES,
    engine: Callable[..., Engine] = LocalEngine,
    **knobs: Any,
) -> AsyncIterator[Predictor]:
    """Start a worker that holds `models`, with their default weights unless told otherwise; end it after."""
    folders = {model.name: model.default for model in models}

    def shipped(name: str) -> Weights:
        folder = folders[name]
        return Weights(None if folder is None else str(folder), "default", "default" if folder else "none")

    knobs.setdefault("warm", tuple(folders))
    predictor = Predictor(
        engine(models, weights or shipped, **knobs),
        models,
        max_waiting=max_waiting,
        observer=observer,
        traces=traces,
    )
    try:
        await predictor.start()
        yield predictor
    finally:
        await predictor.close()


async def status_of(predictor: Predictor, model: AnyModel) -> ModelStatus:
    """Return what the engine says of a model."""
    status = await predictor.engine.status()
    return next(each for each in status.models if each.name == model.name)


def version_of_echo(folder: Path, version: str, act: str = "") -> Weights:
    """Write weights for `tests.kit.models.Echo`; `act` is what its load is to do first."""
    place = folder / version
    place.mkdir(parents=True, exist_ok=True)
    (place / "version").write_text(version)
    if act:
        (place / "act").write_text(act)
    return Weights(str(place), version, "store")
