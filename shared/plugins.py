"""Finds, loads, checks and isolates plugins: one that fails is quarantined and named, the rest run on."""

import importlib
import pkgutil
import re
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Self

import pluggy
from sqlalchemy import Select
from sqlalchemy.sql.dml import Delete, Update

import plugins as builtin
from shared.command import Command
from shared.model import AnyModel
from shared.plugin import API_VERSION, ENTRY_POINTS, PROJECT, Card, Hooks, Job, Rows, Watch
from shared.redaction import Redactor
from shared.texts import Texts
from shared.tool import Tool
from shared.vault import Vault

RESERVED: Final = frozenset({"audit", "core", "feedback", "hearth", "jobs", "models", "plugins", "privacy"})
"""Slash groups of the core itself."""


class PluginError(Exception):
    """A plugin breaks the contract; the message says how."""


@dataclass(frozen=True)
class Quarantine:
    """Why a plugin was set aside: one line for people, the traceback for the log."""

    name: str
    origin: str
    reason: str
    trace: str


@dataclass(frozen=True)
class Plugin:
    """A loaded plugin and all that it declares; one typed field a hook."""

    name: str
    origin: str
    module: ModuleType
    card: Card
    commands: tuple[Command, ...]
    models: tuple[AnyModel, ...]
    jobs: tuple[Job, ...]
    watches: tuple[Watch, ...]
    tools: tuple[Tool, ...]
    settings: Any
    _manager: pluggy.PluginManager = field(repr=False)

    def command(self, name: str) -> Command | None:
        """Return the command `name`, hidden ones included."""
        return next((c for c in self.commands if c.name == name), None)

    def export_user(self, user: int) -> Mapping[str, Select[Any]]:
        """Return the statements that read all that the plugin keeps of `user`."""
        return next(iter(self._manager.hook.export_user(user=user)), {})

    def forget_user(self, user: int) -> Sequence[Delete | Update]:
        """Return the statements that remove all that the plugin keeps of `user`."""
        return next(iter(self._manager.hook.forget_user(user=user)), ())

    def export_user_files(self, user: int, folder: Path, vault: Vault, rows: Rows) -> Mapping[str, bytes]:
        """Return the files that the plugin keeps of `user` in its `folder`, by name."""
        call = self._manager.hook.export_user_files
        return next(iter(call(user=user, folder=folder, vault=vault, rows=rows)), {})

    def forget_user_files(self, user: int, folder: Path, rows: Rows) -> int:
        """Remove the files that the plugin keeps of `user` in its `folder`; return how many went."""
        return next(iter(self._manager.hook.forget_user_files(user=user, folder=folder, rows=rows)), 0)


@dataclass(frozen=True)
class Source:
    """Where a plugin's module comes from. `origin` is for people: "built in", a folder, or a package."""

    name: str
    module: str
    origin: str


class Plugins:
    """Every plugin of this process."""

    def __init__(self, sources: Iterable[Source]) -> None:
        self.loaded: dict[str, Plugin] = {}
        self.quarantined: dict[str, Quarantine] = {}
        self._sources = {source.name: source for source in sources}
        for source in self._sources.values():
            self._load(source)

    @classmethod
    def discover(cls, folders: Sequence[Path] = (), disabled: Iterable[str] = ()) -> Self:
        """Load Hearth's own plugins, those of `folders`, and installed packages' (group `hearth.plugins`)."""
        sources: dict[str, Source] = {}
        clashes = []
        for source in _sources(folders):
            if source.name in sources:
                clashes.append(source)
            else:
                sources[source.name] = source
        off = frozenset(disabled)
        found = cls(source for name, source in sources.items() if name not in off)
        for source in clashes:
            reason = f"a plugin of that name is there already ({sources[source.name].origin})"
            key = f"{source.name} ({source.origin})"
            found.quarantined[key] = Quarantine(source.name, source.origin, reason, "")
        return found

    def __iter__(self) -> Iterator[Plugin]:
        return iter(self.loaded.values())

    def get(self, name: str) -> Plugin | None:
        """Return the loaded plugin `name`."""
        return self.loaded.get(name)

    def models(self) -> dict[str, AnyModel]:
        """Return every model class of every plugin, by the model's name."""
        return {model.name: model for plugin in self for model in plugin.models}

    def texts(self) -> Texts:
        """Return the catalogues of the core and of all loaded plugins."""
        return Texts({p.name: p.card.locale for p in self if p.card.locale})

    def reload(self, name: str) -> Plugin | None:
        """Import the plugin's code anew; returns None where it is quarantined now. Raises `KeyError`."""
        source = self._sources[name]
        self.loaded.pop(name, None)
        self.quarantined.pop(name, None)
        importlib.invalidate_caches()
        for module in [m for m in sys.modules if m == source.module or m.startswith(source.module + ".")]:
            del sys.modules[module]
        self._load(source)
        return self.loaded.get(name)

    def quarantine(self, name: str, error: Exception) -> None:
        """Set a loaded plugin aside, because of what it raised."""
        plugin = self.loaded.pop(name)
        self.quarantined[name] = _quarantine(name, plugin.origin, error)

    def _load(self, source: Source) -> None:
        try:
            plugin = _load(source)
            taken = self.models()
            for model in plugin.models:
                if model.name in taken:
                    raise PluginError(f"another plugin has a model named {model.name}")
            self.loaded[source.name] = plugin
        # A plugin may fail in any way at all, by SystemExit too, and must take nobody with it.
        except (Exception, SystemExit) as error:
            self.quarantined[source.name] = _quarantine(source.name, source.origin, error)


def _quarantine(name: str, origin: str, error: BaseException) -> Quarantine:
    reason = str(error) if isinstance(error, PluginError) else f"{type(error).__name__}: {error}"
    # It is shown in chat: what a wrong setting of a plugin quotes may be a key.
    clean = Redactor.here().text
    trace = clean("".join(traceback.format_exception(error)))
    return Quarantine(name, origin, clean(" ".join(reason.split()))[:300], trace)


def _sources(folders: Sequence[Path]) -> Iterable[Source]:
    for found in pkgutil.iter_modules(builtin.__path__):
        yield Source(found.name, f"{builtin.__name__}.{found.name}", "built in")
    for folder in folders:
        path = str(folder.resolve())
        if path not in sys.path:
            sys.path.append(path)
        for found in pkgutil.iter_modules([path]):
            yield Source(found.name, found.name, str(folder))
    for entry in sorted(entry_points(group=ENTRY_POINTS), key=lambda e: e.name):
        package = f"{entry.dist.name} {entry.dist.version}" if entry.dist else "an installed package"
        yield Source(entry.name, entry.module, package)


def _load(source: Source) -> Plugin:
    module = importlib.import_module(source.module)
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(Hooks)
    manager.register(module, source.name)
    manager.check_pending()

    def call(hook: str) -> Any:
        return next(iter(getattr(manager.hook, hook)()), None)

    card = call("card")
    if not isinstance(card, Card):
        raise PluginError("has no card() hook that returns a Card")
    plugin = Plugin(
        name=source.name,
        origin=source.origin,
        module=module,
        card=card,
        commands=tuple(call("commands") or ()),
        models=tuple(call("models") or ()),
        jobs=tuple(call("jobs") or ()),
        watches=tuple(call("watches") or ()),
        tools=tuple(call("tools") or ()),
        settings=card.settings(_env_prefix=f"HEARTH_{source.name.upper()}_") if card.settings else None,
        _manager=manager,
    )
    _check(plugin, {hook.name for hook in manager.get_hookcallers(module) or ()})
    return plugin


def _check(plugin: Plugin, hooks: set[str]) -> None:
    card = plugin.card
    if card.name != plugin.name or not re.fullmatch(r"[a-z][a-z0-9_-]{0,31}", card.name):
        raise PluginError(f"the card's name is {card.name!r}, the plugin's {plugin.name!r}; they must be one")
    if card.name in RESERVED:
        raise PluginError(f"/{card.name} belongs to the core; another name is needed")
    if card.api != API_VERSION:
        raise PluginError(f"was written for version {card.api} of the plugin contract; this is {API_VERSION}")
    if not 1 <= len(card.summary) <= 100:
        raise PluginError("the card's summary has 1 to 100 characters")
    if card.keeps and not {"export_user", "forget_user"} <= hooks:
        raise PluginError("keeps personal data, but does not say how to export and to forget it")
    if len({"export_user_files", "forget_user_files"} & hooks) == 1:
        raise PluginError("exports the files that it keeps of people, or forgets them, but not both")
    for each in plugin.commands:
        if not isinstance(each, Command):
            raise PluginError(f"commands() holds {each!r}, which @command did not make")
    names = [c.name for c in plugin.commands]
    if len(set(names)) < len(names):
        raise PluginError("two commands have one name")
    if sum(not c.hidden for c in plugin.commands) > 25:
        raise PluginError("has more than 25 commands, which is more than a slash group holds")
    for model in plugin.models:
        missing = [
            a for a in ("name", "request", "result", "max_batch", "load", "predict") if not hasattr(model, a)
        ]
        if missing:
            raise PluginError(f"model {model!r} lacks {', '.join(missing)}")
