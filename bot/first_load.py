"""Loads a model that is asked for the first time: the weights in use, or the next best where they are not usable."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from bot.flight import KnownModel
from shared.engine import Weights
from shared.errors import ModelUnavailable

log = structlog.get_logger("hearth.engine")


async def load_first(
    model: KnownModel, find: Callable[[str], Weights], load: Callable[[Weights], Awaitable[None]]
) -> None:
    """Load the weights that are in use; where that fails, those that answered last, or the ones that ship.

    `find` is called in a thread. Raises `ModelUnavailable`, and for a while the model is then not tried again.
    """
    try:
        weights = await _found(model, find)
        try:
            await load(weights)
        except ModelUnavailable as error:
            spare = model.weights if model.weights not in (None, weights) else model.shipped
            if spare is None or spare == weights:
                raise
            log.error("weights not usable", model=model.name, version=weights.version, error=str(error))
            await load(spare)
    except ModelUnavailable as error:
        model.fail(error, asyncio.get_running_loop().time())
        raise
    model.recover()


async def _found(model: KnownModel, find: Callable[[str], Weights]) -> Weights:
    try:
        return await asyncio.to_thread(find, model.name)
    except ModelUnavailable:
        raise
    # Whatever a store or a hub raises: the model is not there, and the log says why.
    except Exception as error:
        log.error("weights not found", model=model.name, exc_info=error)
        raise ModelUnavailable(
            "The model {model} has no weights that can be read.", model=model.name
        ) from error
