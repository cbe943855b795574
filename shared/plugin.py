"""The plugin contract: hooks that return declarations and do no work. Start here to write a plugin.

A plugin is a module with functions marked `@hookimpl`. `card` is required, the rest is optional. The core
calls each plugin by itself: one that raises is set aside and named, and the others run on.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
import pluggy
from pydantic_settings import BaseSettings
from sqlalchemy import Select
from sqlalchemy.sql.dml import Delete, Update

from shared.command import Command
from shared.context import Context, JobContext
from shared.jobs import Misfire
from shared.learning import Feedback
from shared.model import AnyModel
from shared.reply import Reply
from shared.schedule import Schedule
from shared.texts import Text
from shared.tool import Tool
from shared.vault import Vault

PROJECT: Final = "hearth"
ENTRY_POINTS: Final = "hearth.plugins"
API_VERSION: Final = 1

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


Rows = Mapping[str, Sequence[Mapping[str, Any]]]
"""What the statements of `export_user` found, by the names that it gives them."""


@dataclass(frozen=True)
class Kept:
    """Personal data that a plugin keeps: what (a msgid), and for how many days at most (None: until it is forgotten).

    `rows` names the statements of `export_user` that read it (none: all of them). `why` it is kept, and who can see it
    beside its person and whoever runs the bot, are shown with it. `docs/privacy.md` lists those of our own plugins.
    """

    what: str
    days: int | None
    rows: tuple[str, ...] = ()
    why: Text | None = None
    seen_by: Text | None = None


@dataclass(frozen=True, kw_only=True)
class Card:
    """Who a plugin is.

    `name` is its slash group and the domain of its catalogue; `summary` a msgid of one line. `settings` is read
    from the environment under `HEARTH_NAME_`. `migrations` is a folder with `versions/` in it, `locale` one in
    gettext's layout; None where there is none. A plugin that is `opt_in` is off in each server, and in direct messages,
    until an administrator of that server enables it. `feedback` says that a model of it learns from what people say
    about its verdicts.
    """

    name: str
    summary: str
    api: int = API_VERSION
    settings: type[BaseSettings] | None = None
    keeps: tuple[Kept, ...] = ()
    opt_in: bool = False
    migrations: Path | None = None
    locale: Path | None = None
    feedback: Feedback | None = None


@dataclass(frozen=True, kw_only=True)
class Job:
    """Work on a schedule. With `every` or `cron` it runs for the whole bot; without, where `ctx.jobs.add` has it run.

    `summary` is a msgid of one line. `misfire` says what to do about due times that were missed (see `shared.jobs`).
    A run that raises is tried again `retries` times, `backoff` later at first, then twice as long each time; but a
    `Refusal` says that trying again is of no use. A run is ended after `timeout`. Where `arguments` is a type, an
    administrator may add the job from chat, and what it is given is checked against that type.
    """

    name: str
    run: Callable[[JobContext], Awaitable[None]]
    summary: str = ""
    every: timedelta | None = None
    cron: str | None = None
    time_zone: str = "UTC"
    misfire: Misfire = "once"
    retries: int = 2
    backoff: timedelta = timedelta(minutes=1)
    timeout: timedelta = timedelta(minutes=10)
    arguments: type[msgspec.Struct] | None = None

    @property
    def schedule(self) -> Schedule | None:
        """When it runs for the whole bot; None where it does so only where it was added."""
        if self.cron is None and self.every is None:
            return None
        return Schedule(self.cron, self.every, self.time_zone)


@dataclass(frozen=True, kw_only=True)
class Watch:
    """Looks at each message of the channels that an administrator had it watch; None says nothing.

    Needs the message content intent; the bot runs without it, and says so when somebody asks for a watch.
    """

    run: Callable[[Context, str], Awaitable[Reply | None]]


class Hooks:
    """All hooks, in the order in which the core calls them (since API version 1)."""

    @hookspec
    def card(self) -> Card:
        """Say who the plugin is. Required."""
        raise AssertionError

    @hookspec
    def commands(self) -> Sequence[Command]:
        """Return the commands that chat offers under `/NAME`."""
        raise AssertionError

    @hookspec
    def models(self) -> Sequence[AnyModel]:
        """Return the model classes that the worker keeps warm."""
        raise AssertionError

    @hookspec
    def jobs(self) -> Sequence[Job]:
        """Return the work that runs on a schedule."""
        raise AssertionError

    @hookspec
    def watches(self) -> Sequence[Watch]:
        """Return what looks at the messages of watched channels."""
        raise AssertionError

    @hookspec
    def tools(self) -> Sequence[Tool]:
        """Return the plugin's own commands of the command line."""
        raise AssertionError

    @hookspec
    def export_user(self, user: int) -> Mapping[str, Select[Any]]:
        """Return the statements that read all that is kept of `user` (a Discord id). Required with `Card.keeps`."""
        raise AssertionError

    @hookspec
    def forget_user(self, user: int) -> Sequence[Delete | Update]:
        """Return the statements that remove all that is kept of `user`. Required with `Card.keeps`."""
        raise AssertionError

    @hookspec
    def export_user_files(self, user: int, folder: Path, vault: Vault, rows: Rows) -> Mapping[str, bytes]:
        """Return the files in the plugin's `folder` that are kept of `user`, as people can read them, by name.

        `rows` are what `export_user` found. Runs beside the event loop. Required with `forget_user_files`.
        """
        raise AssertionError

    @hookspec
    def forget_user_files(self, user: int, folder: Path, rows: Rows) -> int:
        """Remove the files that are kept of `user`, and caches that may hold theirs; return how many went.

        `rows` are what `export_user` found before it was removed. Runs beside the event loop, once those rows are gone:
        what a crash in between leaves is for a job of the plugin to remove. Required with `export_user_files`.
        """
        raise AssertionError
