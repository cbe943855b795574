"""What the core does for a command beyond answering one request: heavy work, and a folder of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from bot.labour import labour
from shared.model import Progress

Request = TypeVar("Request")
Result = TypeVar("Result")


@dataclass
class CoreHands:
    """What the core does for commands beyond answering one request."""

    data_dir: Path

    async def labour(
        self, function: Callable[[Request, Progress], Result], request: Request, progress: Progress
    ) -> Result:
        """Run heavy work in a process of its own."""
        return await labour(function, request, progress)

    def folder(self, plugin: str) -> Path:
        """Return the plugin's own folder of files."""
        folder = self.data_dir / "plugins" / plugin
        folder.mkdir(parents=True, exist_ok=True)
        return folder
