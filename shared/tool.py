"""A plugin's own commands on the command line: `hearth GROUP NAME …`, declared by the hook `tools()`.

async def camera(ctx: ToolContext, device: Annotated[int, typer.Option(help="Number of the camera.")] = 0) -> None:
    '''Take the roll by a camera.'''
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from shared.database import Database
from shared.model import AnyModel, Model
from shared.vault import Vault

Request = TypeVar("Request")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Tool:
    """A command of the command line.

    `run` is a function, plain or async, whose first parameter is a `ToolContext`; the others are what Typer reads,
    and its docstring is the help. An `int` that it returns is the exit status. Group "data" is for making data files.
    """

    group: str
    name: str
    run: Callable[..., Any]


class RunningHouse(Protocol):
    """The database and the worker, as commands of chat have them."""

    @property
    def database(self) -> Database:
        """Return the database."""
        ...

    @property
    def vault(self) -> Vault:
        """Return what encrypts at rest."""
        ...

    async def predict(self, model: type[Model[Request, Result]], request: Request) -> Result:
        """Answer one request by a warm model. Raises the errors of `shared.errors`."""
        ...

    def text(self, msgid: str, /, **values: Any) -> str:
        """Say `msgid` of the plugin in the language of the command line's user."""
        ...


class ToolContext(Protocol):
    """A tool's view of the world; `settings` is the plugin's own settings object, or None."""

    settings: Any
    house: Callable[[], AbstractAsyncContextManager[RunningHouse]]
    """Starts worker and database while it is entered."""
    train: Callable[[AnyModel, Path], Awaitable[int]]
    """Trains a model through the store and the gate, prints what came of it, and returns the exit status."""

    def say(self, line: str) -> None:
        """Print a line."""
        ...

    def progress(self, done: float, note: str = "") -> None:
        """Show how far the work is, in 0…1, on standard error."""
        ...
