"""Checks of plugins and of the weights that their models answer with."""

import asyncio

from bot.assembly import models_of
from bot.doctor.finding import Finding
from shared.errors import HearthError
from shared.model import AnyModel
from shared.plugins import Plugins
from shared.settings import Settings
from shared.store import Store
from shared.weights import resolve


async def plugins_and_models(settings: Settings, plugins: Plugins) -> list[Finding]:
    """Name each plugin and each model, and what is wrong with it."""
    findings = [Finding("plugin " + p.name, "ok", p.origin) for p in plugins]
    for each in plugins.quarantined.values():
        remedy = "Mend it, or add it to HEARTH_DISABLED_PLUGINS."
        findings.append(Finding("plugin " + each.name, "problem", f"set aside: {each.reason}", remedy))
    models = models_of(plugins)
    for model in models.values():
        findings.append(await asyncio.to_thread(_model, model, settings))
    for name in settings.hub.keys() - models.keys():
        findings.append(
            Finding("model " + name, "warning", "HEARTH_HUB names it, no plugin has it", "Mend HEARTH_HUB.")
        )
    return findings


def _model(model: AnyModel, settings: Settings) -> Finding:
    name, hub, store = "model " + model.name, settings.hub.get(model.name), Store(settings.models_dir)
    try:
        trail = store.pointer(model.name).trail
        weights = resolve(model, store, hub)
    except HearthError as error:
        remedy = f"Restore it from a backup, or train it: hearth models train {model.name} --data FILE"
        return Finding(name, "problem", str(error), remedy)
    seen = "has no weights" if weights.origin == "none" else f"{weights.version} ({weights.origin})"
    if trail and weights.version != trail[-1]:
        remedy = (
            f"Look at it: hearth models list. Then: hearth models rollback {model.name}, or train it anew."
        )
        return Finding(name, "warning", f"{seen}, since the champion {trail[-1]} is damaged", remedy)
    if hub is not None and weights.origin in ("default", "none"):
        remedy = "Check the network and HEARTH_HUB; the log says what was wrong."
        return Finding(name, "warning", f"{seen}, since {hub} cannot be had", remedy)
    return Finding(name, "ok", seen)
