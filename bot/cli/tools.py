"""`hearth data …` and the other commands that plugins bring along; see `shared.tool`."""

import asyncio
import functools
import inspect
import locale
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import typer
from rich.markup import escape

from bot.assembly import assembled
from bot.cli.models import Known, train_and_print
from bot.cli.output import console
from bot.core import Core
from shared import logs
from shared.database import Database
from shared.model import AnyModel, Model
from shared.plugin import Card
from shared.plugins import Plugin, Plugins
from shared.settings import Settings
from shared.texts import Text
from shared.tool import RunningHouse, Tool
from shared.vault import Vault

Request = TypeVar("Request")
Result = TypeVar("Result")
HELP: Final = {"data": "Make data files for training: read archives, cut out faces, check folders."}
WIDTH: Final = 60


def add_tools(app: typer.Typer) -> None:
    """Add every plugin's tools, each in its group."""
    settings = Settings()
    logs.configure("warning", settings.log_format, secrets=[])
    groups: dict[str, typer.Typer] = {}
    for plugin in Plugins.discover(settings.plugin_folders, settings.disabled_plugins):
        for tool in plugin.tools:
            if tool.group not in groups:
                groups[tool.group] = typer.Typer(help=_help(tool.group, plugin.card), no_args_is_help=True)
                # A callback keeps the name of a group's only command.
                groups[tool.group].callback()(_nothing)
                app.add_typer(groups[tool.group], name=tool.group)
            groups[tool.group].command(tool.name)(_command(settings, plugin, tool))


@dataclass
class Here:
    """The `ToolContext` of one run."""

    installation: Settings
    plugin: Plugin
    settings: Any
    _shown: bool = field(default=False)

    def say(self, line: str) -> None:
        """Print a line."""
        self._end_line()
        console().print(escape(line), soft_wrap=True, highlight=False)

    def progress(self, done: float, note: str = "") -> None:
        """Show how far the work is, on one line of a terminal."""
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{done:4.0%} {note:<{WIDTH}.{WIDTH}}")
            sys.stderr.flush()
            self._shown = True

    def close(self) -> None:
        """End the line of progress."""
        self._end_line()

    @asynccontextmanager
    async def house(self) -> AsyncIterator[RunningHouse]:
        """Start database and worker."""
        async with assembled(self.installation, warm=False) as core:
            yield _House(core, self.plugin.name)

    async def train(self, model: AnyModel, data: Path) -> int:
        """Train through the store and the gate."""
        self._end_line()
        await train_and_print(Known.find(), model.name, data)
        return 0

    def _end_line(self) -> None:
        if self._shown:
            sys.stderr.write("\n")
            self._shown = False


@dataclass(frozen=True)
class _House:
    core: Core
    plugin: str

    @property
    def database(self) -> Database:
        return self.core.database

    @property
    def vault(self) -> Vault:
        return self.core.vault

    async def predict(self, model: type[Model[Request, Result]], request: Request) -> Result:
        return await self.core.predictor.predict(
            model, request, timeout=self.core.settings.deadline_seconds, bulk=False
        )

    def text(self, msgid: str, /, **values: Any) -> str:
        return self.core.texts.render(Text(msgid, values), _language(), self.plugin)


def _command(settings: Settings, plugin: Plugin, tool: Tool) -> Callable[..., None]:
    """Make a function that Typer can read: the tool's own, without its context."""

    @functools.wraps(tool.run)
    def run(**values: Any) -> None:
        here = Here(settings, plugin, plugin.settings)
        try:
            answer = tool.run(here, **values)
            if inspect.isawaitable(answer):
                answer = asyncio.run(_awaited(answer))
        finally:
            here.close()
        if isinstance(answer, int) and answer:
            raise typer.Exit(answer)

    signature = inspect.signature(tool.run, eval_str=True)
    _first, *others = signature.parameters.values()
    run.__signature__ = signature.replace(parameters=others)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in others}
    del run.__wrapped__
    return run


async def _awaited(answer: Any) -> Any:
    return await answer


def _language() -> str:
    """Return the user's locale as Discord writes them; English where the machine names none."""
    name = (locale.getlocale()[0] or "en_US").replace("_", "-")
    return "zh-TW" if name.startswith("zh") else name


def _help(group: str, card: Card) -> str:
    return HELP.get(group, card.summary)


def _nothing() -> None:
    """Take no options: the group's commands do."""
