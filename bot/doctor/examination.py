"""Runs the checks, each for itself: one that breaks is a finding, and stops none of the others."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from typing import Final

from bot.doctor.backups import backups
from bot.doctor.database import database
from bot.doctor.engines import engine, model_store
from bot.doctor.finding import Finding
from bot.doctor.machine import data_folder, fonts, memory, python, torch
from bot.doctor.models import plugins_and_models
from bot.doctor.network import http_port, traces
from bot.doctor.secrets import files_of_secrets, secret_key, token
from shared.plugins import Plugins
from shared.redaction import Redactor
from shared.settings import Settings

CHECKS: Final = (
    "python",
    "torch",
    "fonts",
    "data folder",
    "memory",
    "database",
    "plugins",
    "engine",
    "model store",
    "backups",
    "secret key",
    "http port",
    "traces",
    "token",
    "secret files",
)


async def examine(
    settings: Settings, *, online: bool = False, only: Collection[str] = CHECKS
) -> list[Finding]:
    """Run the checks `only`; `online` asks Discord too."""
    plugins = Plugins.discover(settings.plugin_folders, settings.disabled_plugins)
    checks: dict[str, Callable[[], Awaitable[list[Finding]]]] = {
        "python": python,
        "torch": lambda: torch(settings),
        "fonts": fonts,
        "data folder": lambda: data_folder(settings),
        "memory": memory,
        "database": lambda: database(settings, plugins),
        "plugins": lambda: plugins_and_models(settings, plugins),
        "engine": lambda: engine(settings, plugins),
        "model store": lambda: model_store(settings, plugins),
        "backups": lambda: backups(settings),
        "secret key": lambda: secret_key(settings),
        "http port": lambda: http_port(settings),
        "traces": traces,
        "token": lambda: token(settings, online),
        "secret files": lambda: files_of_secrets(settings),
    }
    findings = []
    for name in CHECKS:
        if name not in only:
            continue
        try:
            findings += await checks[name]()
        # Whatever breaks in a check is what the operator must see.
        except Exception as error:
            findings.append(Finding(name, "problem", f"{type(error).__name__}: {error}", "See the message."))
    clean = Redactor.here().text
    return [replace(each, seen=clean(each.seen), remedy=clean(each.remedy)) for each in findings]
