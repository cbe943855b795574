"""Checks the description of a command that a bot registers, against Discord's limits."""

import re
from enum import IntEnum
from typing import Any, Final

from bot.sandbox.errors import Json, Problems

SLASH, USER_MENU, MESSAGE_MENU = 1, 2, 3
LOCALES: Final = frozenset(
    [
        *(
            "id",
            "da",
            "de",
            "en-GB",
            "en-US",
            "es-ES",
            "es-419",
            "fr",
            "hr",
            "it",
            "lt",
            "hu",
            "nl",
            "no",
            "pl",
        ),
        *("pt-BR", "ro", "fi", "sv-SE", "vi", "tr", "cs", "el", "bg", "ru", "uk", "hi", "th", "zh-CN", "ja"),
        *("zh-TW", "ko"),
    ]
)
MAX_SIZE: Final = 8000
# Letters and marks of any script, digits, - _ and the apostrophe, as Discord documents.
_NAME: Final = re.compile(r"^[-_'\w\u0900-\u097f\u0e00-\u0e7f]{1,32}$", re.UNICODE)
_INT_BOUND: Final = 2**53


class Option(IntEnum):
    """Discord's types of command options."""

    SUBCOMMAND = 1
    GROUP = 2
    STRING = 3
    INTEGER = 4
    BOOLEAN = 5
    USER = 6
    CHANNEL = 7
    ROLE = 8
    MENTIONABLE = 9
    NUMBER = 10
    ATTACHMENT = 11


_ALLOWED: Final = {"command": range(1, 12), "group": range(1, 2), "subcommand": range(3, 12)}
"""The types of option that a command, a group of subcommands and a subcommand may hold."""
_KEYS: Final = frozenset(
    {
        "type",
        "name",
        "name_localizations",
        "description",
        "description_localizations",
        "required",
        "choices",
        "options",
        "channel_types",
        "min_value",
        "max_value",
        "min_length",
        "max_length",
        "autocomplete",
    }
)


def checked(value: Any, problems: Problems, at: str = "") -> Json:
    """Check one command and return it as Discord stores it, without its ids. `at` ends in a dot, or is empty."""
    body: Json = value if isinstance(value, dict) else {}
    kind = body.get("type") or SLASH
    if kind not in (SLASH, USER_MENU, MESSAGE_MENU):
        problems.choices(f"{at}type", "1, 2, 3")
        kind = SLASH
    _name(body.get("name"), f"{at}name", problems, slash=kind == SLASH)
    _localized(body, "name", at, problems, slash=kind == SLASH)
    if kind == SLASH:
        problems.text(f"{at}description", body.get("description"), 1, 100)
        _localized(body, "description", at, problems, slash=False)
    elif body.get("description"):
        problems.add(
            f"{at}description",
            "APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION_INVALID",
            "Context menu commands cannot have description",
        )
    options = body.get("options") or []
    if options and kind != SLASH:
        problems.add(
            f"{at}options",
            "APPLICATION_COMMAND_CONTEXT_MENU_OPTIONS_INVALID",
            "Context menu commands cannot have options",
        )
        options = []
    permissions = body.get("default_member_permissions")
    if permissions is not None and not str(permissions).isdigit():
        problems.add(f"{at}default_member_permissions", "BITFIELD_TYPE_CONVERT", "Not a bit field.")
    command: Json = {
        "type": kind,
        "name": body.get("name"),
        "name_localizations": body.get("name_localizations") or None,
        "description": body.get("description") or "",
        "description_localizations": body.get("description_localizations") or None,
        "options": _options(options, f"{at}options", problems, "command"),
        "default_member_permissions": None if permissions is None else str(permissions),
        "dm_permission": body.get("dm_permission") is not False,
        "contexts": body.get("contexts"),
        "integration_types": body.get("integration_types") or [0],
        "nsfw": bool(body.get("nsfw")),
    }
    if not problems and size_of(command) > MAX_SIZE:
        problems.add(
            at.rstrip(".") or "options",
            "APPLICATION_COMMAND_TOO_LARGE",
            f"Command exceeds maximum size ({MAX_SIZE})",
        )
    return command


def _name(value: Any, path: str, problems: Problems, *, slash: bool) -> None:
    if value is None:
        problems.required(path)
    elif problems.text(path, value, 1, 32) and slash and (not _NAME.match(value) or value != value.lower()):
        problems.add(
            path,
            "APPLICATION_COMMAND_INVALID_NAME",
            "Command name is invalid: lower-case letters, digits, - and _ only",
        )


def _localized(body: Json, name: str, at: str, problems: Problems, *, slash: bool) -> None:
    texts = body.get(f"{name}_localizations")
    if texts is None:
        return
    path = f"{at}{name}_localizations"
    if not isinstance(texts, dict):
        problems.add(path, "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
        return
    for locale, text in texts.items():
        if locale not in LOCALES:
            problems.choices(f"{path}.{locale}", ", ".join(sorted(LOCALES)))
        elif text is None:
            continue
        elif name == "name":
            _name(text, f"{path}.{locale}", problems, slash=slash)
        else:
            problems.text(f"{path}.{locale}", text, 1, 100)


def _options(value: Any, path: str, problems: Problems, level: str) -> list[Json]:
    if not isinstance(value, list):
        problems.add(path, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
        return []
    if len(value) > 25:
        problems.too_long(path, 25)
        return []
    names: set[str] = set()
    optional_seen = False
    found = []
    for index, each in enumerate(value):
        at = f"{path}.{index}"
        option = _option(each, at, problems, level)
        if option["name"] in names:
            problems.add(
                f"{at}.name", "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS", "Option name already exists"
            )
        names.add(option["name"])
        if option.get("required") and optional_seen:
            problems.add(
                at,
                "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
                "Required options must be placed before non-required options",
            )
        optional_seen = optional_seen or not option.get("required")
        found.append(option)
    nested = [o["type"] in (Option.SUBCOMMAND, Option.GROUP) for o in found]
    if any(nested) and not all(nested):
        problems.add(
            path,
            "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
            "Sub-command and sub-command group option types are mutually exclusive to all other types",
        )
    return found


def _option(value: Any, at: str, problems: Problems, level: str) -> Json:
    body: Json = value if isinstance(value, dict) else {}
    option = {key: each for key, each in body.items() if key in _KEYS and each is not None}
    kind = option.setdefault("type", 0)
    allowed = _ALLOWED[level]
    if kind not in allowed:
        problems.choices(f"{at}.type", ", ".join(map(str, allowed)))
        return {**option, "name": str(option.get("name"))}
    option.setdefault("name", None)
    _name(option["name"], f"{at}.name", problems, slash=True)
    _localized(option, "name", f"{at}.", problems, slash=True)
    problems.text(f"{at}.description", option.get("description"), 1, 100)
    _localized(option, "description", f"{at}.", problems, slash=False)
    if kind in (Option.SUBCOMMAND, Option.GROUP):
        option.pop("required", None)
        inside = "group" if kind == Option.GROUP else "subcommand"
        option["options"] = _options(option.get("options") or [], f"{at}.options", problems, inside)
        return option
    if kind in (Option.STRING, Option.INTEGER, Option.NUMBER):
        _bounds(option, at, problems)
        if "choices" in option:
            option["choices"] = _choices(option["choices"], kind, f"{at}.choices", problems)
            if option["choices"] and option.get("autocomplete"):
                problems.add(
                    at,
                    "APPLICATION_COMMAND_AUTOCOMPLETE_CHOICES",
                    "Choices and autocomplete exclude each other",
                )
    return option


def _bounds(option: Json, at: str, problems: Problems) -> None:
    limits = {
        "min_length": (0, 6000),
        "max_length": (1, 6000),
        "min_value": (-_INT_BOUND, _INT_BOUND),
        "max_value": (-_INT_BOUND, _INT_BOUND),
    }
    for name, (low, high) in limits.items():
        if name not in option:
            continue
        value = option[name]
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            problems.add(f"{at}.{name}", "NUMBER_TYPE_MAX", f"value should be between {low} and {high}.")
    for small, large in (("min_length", "max_length"), ("min_value", "max_value")):
        if small in option and large in option and not problems and option[small] > option[large]:
            problems.add(f"{at}.{small}", "NUMBER_TYPE_MAX", f"{small} is larger than {large}.")


def _choices(value: Any, kind: int, path: str, problems: Problems) -> list[Json]:
    if not isinstance(value, list) or len(value) > 25:
        problems.too_long(path, 25)
        return []
    found = []
    for index, each in enumerate(value):
        at = f"{path}.{index}"
        choice: Json = each if isinstance(each, dict) else {}
        problems.text(f"{at}.name", choice.get("name"), 1, 100)
        _localized(choice, "name", f"{at}.", problems, slash=False)
        given = choice.get("value")
        if kind == Option.STRING:
            problems.text(f"{at}.value", given, 1, 100)
        elif isinstance(given, bool) or not isinstance(given, int if kind == Option.INTEGER else int | float):
            problems.add(f"{at}.value", "NUMBER_TYPE_COERCE", f'Value "{given}" is not a number.')
        kept = ("name", "name_localizations", "value")
        found.append({key: each for key, each in choice.items() if key in kept})
    return found


def size_of(command: Json) -> int:
    """Return the characters of names, descriptions and values, each in its longest language, as Discord counts."""
    total = 0
    for name in ("name", "description"):
        texts = [
            command.get(name) or "",
            *(v or "" for v in (command.get(f"{name}_localizations") or {}).values()),
        ]
        total += max(map(len, texts))
    value = command.get("value")
    total += len(value) if isinstance(value, str) else 0
    for key in ("options", "choices"):
        total += sum(size_of(each) for each in command.get(key) or [])
    return total
