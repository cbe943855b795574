"""Puts a process together: database, plugins, worker, and the Core that runs commands on them."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog

from bot.builtin import groups
from bot.core import Core
from bot.engines import cluster, engine_of
from bot.rules import Rules
from bot.states import States
from bot.tracing import traces_of
from bot.weights import WeightsInUse
from shared.addresses import Reach
from shared.articles import Articles
from shared.batching import Observer
from shared.charts import Charts
from shared.database import Database
from shared.fetch import Fetcher
from shared.migrate import migrate
from shared.model import AnyModel, stays_warm
from shared.plugins import Plugins
from shared.predictor import Predictor
from shared.reader import Reader
from shared.remote_store import RemoteStore
from shared.settings import Settings
from shared.store import Store
from shared.tracing import NO_TRACES, Traces
from shared.vault import Vault

STATE_SECONDS: Final = 2.0
DRAIN_SECONDS: Final = 30.0
TRACES_SECONDS: Final = 2.0
log = structlog.get_logger("hearth.assembly")


@asynccontextmanager
async def assembled(
    settings: Settings, observer: Observer | None = None, *, warm: bool = True
) -> AsyncIterator[Core]:
    """Start all that commands need, but for Discord; stop it at the end. Unless `warm`, models load when asked."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    database, traces = Database(settings.database), traces_of(os.environ, "hearth")
    try:
        await migrate(database)
        plugins = await load_plugins(settings, database)
        states = States(database)
        await states.refresh()
        rules = Rules(database)
        await rules.refresh()
        remote = RemoteStore(settings.model_store) if settings.model_store else None
        weights = WeightsInUse(lambda: models_of(plugins), Store(settings.models_dir), settings.hub, remote)
        predictor = _predictor(settings, plugins, weights, observer, warm, traces)
        vault = Vault.of(settings)
        core = Core(settings, database, plugins, plugins.texts(), states, rules, predictor, weights, vault)
        core.builtin, core.traces = groups(core), traces
        async with cluster(settings):
            try:
                await predictor.start()
                reach = Reach.of(settings.fetch_allow)
                async with Fetcher(reach=reach, seconds=settings.fetch_seconds) as fetcher:
                    core.articles = Articles(fetcher, lambda: core.predictor)
                    yield core
            finally:
                await core.predictor.close()
    finally:
        await database.close()
        await asyncio.to_thread(traces.close, TRACES_SECONDS)


def models_of(plugins: Plugins) -> dict[str, AnyModel]:
    """Return every model class by name: the plugins', and the core's own, which draw charts and read documents."""
    return {**plugins.models(), Charts.name: Charts, Reader.name: Reader}


async def load_plugins(settings: Settings, database: Database) -> Plugins:
    """Load the plugins and bring their tables up to date; one whose migration fails is quarantined."""
    plugins = Plugins.discover(settings.plugin_folders, settings.disabled_plugins)
    for plugin in list(plugins):
        await _migrate_plugin(database, plugins, plugin.name)
    for each in plugins.quarantined.values():
        log.error("plugin quarantined", plugin=each.name, reason=each.reason, trace=each.trace)
    return plugins


async def follow_states(core: Core, observer: Observer | None, sync: asyncio.Event) -> None:
    """Bring switches and reloads made elsewhere into this process, for ever; `sync` is set when commands changed."""
    # Kept here from turn to turn: a switch in this process refreshes the states in between.
    off, reloads = core.states.off, core.states.reloads
    while True:
        await asyncio.sleep(STATE_SECONDS)
        try:
            await core.states.refresh()
            await core.rules.refresh()
        # A database that is away for a while must not end the bot; requests say so themselves.
        except Exception as error:
            log.error("states not read", error=repr(error))
            continue
        again = [name for name, count in core.states.reloads.items() if count > reloads.get(name, 0)]
        for name in again:
            await reload_plugin(core, name, observer)
        if again or off != core.states.off:
            sync.set()
        off, reloads = core.states.off, core.states.reloads


async def reload_plugin(core: Core, name: str, observer: Observer | None = None) -> None:
    """Import a plugin's code anew, and start a worker with it before the old one ends: nothing is dropped."""
    with contextlib.suppress(KeyError):
        core.plugins.reload(name)
    if core.plugins.get(name) is not None:
        await _migrate_plugin(core.database, core.plugins, name)
    if (failed := core.plugins.quarantined.get(name)) is not None:
        log.error("plugin quarantined", plugin=name, reason=failed.reason, trace=failed.trace)
    core.texts = core.plugins.texts()
    fresh = _predictor(core.settings, core.plugins, core.weights, observer, traces=core.traces)
    old = core.predictor
    await fresh.start()
    core.predictor = fresh
    await old.drain(DRAIN_SECONDS)
    await old.close()
    log.info("plugin loaded anew", plugin=name)


async def _migrate_plugin(database: Database, plugins: Plugins, name: str) -> None:
    folder = plugins.loaded[name].card.migrations
    if folder is None:
        return
    try:
        await migrate(database, name, folder)
    except Exception as error:
        plugins.quarantine(name, error)


def _predictor(
    settings: Settings,
    plugins: Plugins,
    weights: WeightsInUse,
    observer: Observer | None,
    warm: bool = True,
    traces: Traces = NO_TRACES,
) -> Predictor:
    models = models_of(plugins)
    stay = tuple(name for name, model in models.items() if warm and stays_warm(model))
    engine = engine_of(settings, models.values(), weights, stay)
    return Predictor(
        engine, models.values(), max_waiting=settings.max_waiting, observer=observer, traces=traces
    )
