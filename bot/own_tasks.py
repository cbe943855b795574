"""Tasks that an engine owns: kept until they end, so that none is lost, and what goes wrong in one is logged."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

from shared.errors import HearthError

log = structlog.get_logger("hearth.engine")


class OwnTasks:
    """What runs beside requests; `running` are those that have not ended."""

    def __init__(self) -> None:
        self.running: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `work` in a task of its own."""
        task = asyncio.create_task(work)
        self.running.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.running.discard(task)
        # A model's trouble is told to who asks for it; anything else is a fault of ours.
        if not task.cancelled() and (error := task.exception()) and not isinstance(error, HearthError):
            log.error("engine task failed", exc_info=error)
