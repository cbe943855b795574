"""Discord's description of our commands, with their names in every language, made from the declarations."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from bot.groups import Group
from shared.command import MAX_TEXT, Command, Parameter
from shared.texts import Texts

SUBCOMMAND, STRING, INTEGER, BOOLEAN, USER, CHANNEL, ROLE, NUMBER, ATTACHMENT = 1, 3, 4, 5, 6, 7, 8, 10, 11
WRITABLE = (0, 5, 11, 12)
"""Kinds of channel that can be posted to: text, announcements, public and private threads."""
CHAT_INPUT, MESSAGE = 1, 3
MENU_LIMIT: Final = 5
"""Message menus that are registered at most, as discord.py 2.7.1 would; more share the last, "More…"."""
MORE: Final = "More…"
PERMISSION_BITS: Final = {"manage_guild": 1 << 5, "administrator": 1 << 3}
IMAGE_OPTIONS: Final = 5
FILE_SUFFIX: Final = "-file"


@dataclass(frozen=True)
class Menu:
    """A command that the menu of a message offers."""

    group: Group
    command: Command
    label: str


def menus(groups: Sequence[Group]) -> list[Menu]:
    """Return all commands with a menu, in the order of their groups."""
    return [Menu(g, c, c.menu) for g in groups for c in g.commands if c.menu is not None]


def application_commands(groups: Sequence[Group], texts: Texts) -> list[dict[str, Any]]:
    """Return the body of Discord's "bulk overwrite global application commands"."""
    commands = [_group(group, texts) for group in groups if any(not c.hidden for c in group.commands)]
    offered = menus(groups)
    own = offered if len(offered) <= MENU_LIMIT else offered[: MENU_LIMIT - 1]
    for menu in own:
        commands.append(_menu(menu.label, texts, menu.group.domain))
    if len(offered) > MENU_LIMIT:
        commands.append(_menu(MORE, texts, "hearth"))
    return commands


def digest(commands: Sequence[dict[str, Any]]) -> str:
    """Return a hash that changes exactly when the commands' description does."""
    canonical = json.dumps(commands, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _group(group: Group, texts: Texts) -> dict[str, Any]:
    shown = [c for c in group.commands if not c.hidden]
    payload = {
        "type": CHAT_INPUT,
        "name": group.name,
        "description": group.summary,
        "contexts": [0, 1],
        "integration_types": [0],
        "options": [_subcommand(c, texts, group.domain) for c in shown],
    }
    # Discord hides by group only; a group whose commands are all for administrators is hidden from the rest.
    needed = {c.permission for c in shown}
    if "everyone" not in needed:
        payload["default_member_permissions"] = str(min(PERMISSION_BITS[p] for p in needed))
    return _localized(payload, texts, group.domain, "command")


def _menu(label: str, texts: Texts, domain: str) -> dict[str, Any]:
    payload = {"type": MESSAGE, "name": label, "contexts": [0, 1], "integration_types": [0]}
    return _localized(payload, texts, domain, "menu")


def _subcommand(command: Command, texts: Texts, domain: str) -> dict[str, Any]:
    options = [option for p in command.parameters for option in _options(p, texts, domain)]
    options.sort(key=lambda option: not option["required"])
    payload = {
        "type": SUBCOMMAND,
        "name": command.name,
        "description": command.description,
        "options": options,
    }
    return _localized(payload, texts, domain, "command")


def _options(parameter: Parameter, texts: Texts, domain: str) -> list[dict[str, Any]]:
    option: dict[str, Any] = {
        "name": parameter.name,
        "description": parameter.description,
        "required": parameter.required,
    }
    _localized(option, texts, domain, "option")
    match parameter.kind:
        case "text" | "long_text" | "article":
            option["type"] = STRING
            option["max_length"] = min(MAX_TEXT, int(parameter.maximum or MAX_TEXT))
            if parameter.kind == "text" and parameter.minimum:
                option["min_length"] = int(parameter.minimum)
            # A modal opens when it is left out.
            option["required"] = parameter.required and parameter.kind == "text"
            if parameter.kind == "article":
                return [option, _variant(option, FILE_SUFFIX, ATTACHMENT)]
        case "integer" | "number":
            option["type"] = INTEGER if parameter.kind == "integer" else NUMBER
            if parameter.minimum is not None:
                option["min_value"] = parameter.minimum
            if parameter.maximum is not None:
                option["max_value"] = parameter.maximum
        case "flag":
            option["type"] = BOOLEAN
        case "choice":
            option["type"] = INTEGER if isinstance(parameter.choices[0], int) else STRING
            option["choices"] = [_choice(value, texts, domain) for value in parameter.choices]
        case "channel":
            option["type"] = CHANNEL
            option["channel_types"] = list(WRITABLE)
        case "role":
            option["type"] = ROLE
        case "person":
            option["type"] = USER
        case "image" | "table":
            option["type"] = ATTACHMENT
        case "images":
            option["type"] = ATTACHMENT
            more = [_variant(option, f"-{n}", ATTACHMENT) for n in range(2, IMAGE_OPTIONS + 1)]
            return [option, *more]
    return [option]


def _variant(option: dict[str, Any], suffix: str, kind: int) -> dict[str, Any]:
    variant = {
        "name": option["name"] + suffix,
        "description": option["description"],
        "required": False,
        "type": kind,
    }
    if "description_localizations" in option:
        variant["description_localizations"] = option["description_localizations"]
    if "name_localizations" in option:
        variant["name_localizations"] = {k: v + suffix for k, v in option["name_localizations"].items()}
    return variant


def _choice(value: str | int, texts: Texts, domain: str) -> dict[str, Any]:
    payload: dict[str, Any] = {"name": str(value), "value": value}
    return _localized(payload, texts, domain, "choice")


def _localized(payload: dict[str, Any], texts: Texts, domain: str, context: str) -> dict[str, Any]:
    if names := texts.localizations(context, payload["name"], domain):
        payload["name_localizations"] = names
    if "description" in payload and (words := texts.localizations("", payload["description"], domain)):
        payload["description_localizations"] = words
    return payload


def modal_parameters(command: Command) -> list[Parameter]:
    """Return the parameters that a modal asks for when they were left out: the long texts."""
    return [p for p in command.parameters if p.kind in ("long_text", "article") and p.required]
