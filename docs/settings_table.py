"""Holds the table of settings to the code: the words stand in settings.md, types and defaults in the classes."""

import json
import re
import types
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from shared.plugins import Plugins
from shared.settings import Settings

ROW: Final = re.compile(r"^\| `(HEARTH_[A-Z0-9_]+)` \|\s*(.*?)\s*\| (.*) \|$")
HEAD: Final = "| variable | default | meaning |"


def fields(plugins: Plugins) -> dict[str, FieldInfo]:
    """Return every setting of the core and of the plugins, by the name of its variable."""
    found = {f"HEARTH_{name.upper()}": each for name, each in Settings.model_fields.items()}
    for plugin in plugins:
        if plugin.card.settings is not None:
            prefix = f"HEARTH_{plugin.name.upper()}_"
            found |= {prefix + name.upper(): each for name, each in plugin.card.settings.model_fields.items()}
    return found


def differences(text: str, known: dict[str, FieldInfo]) -> list[str]:
    """Say where settings.md and the classes disagree: settings without a row, rows without one, other defaults.

    A default that is told in words, such as "the host's name", is left to whoever writes it.
    """
    rows = {found[1]: found[2] for line in text.splitlines() if (found := ROW.match(line))}
    wrong = [f"{name} has no row" for name in known if name not in rows]
    for name, cell in rows.items():
        if name not in known:
            wrong.append(f"{name} is no setting")
        elif (told := _literal(cell)) is not None and told != (code := default_of(known[name])):
            wrong.append(f"{name}: the table says {told}, the code {code}")
    return wrong


def with_types(text: str, known: dict[str, FieldInfo]) -> str:
    """Add a column of types to the tables of settings.md."""
    return "\n".join(_with_types(text.splitlines(), known)) + "\n"


def _with_types(lines: Iterable[str], known: dict[str, FieldInfo]) -> Iterator[str]:
    head = False
    for line in lines:
        if line == HEAD:
            head = True
            yield "| variable | type | default | meaning |"
        elif head:
            head = False
            yield "|---|---|---|---|"
        elif (found := ROW.match(line)) and found[1] in known:
            yield f"| `{found[1]}` | {type_of(known[found[1]])} | {found[2]} | {found[3]} |"
        else:
            yield line


def _literal(cell: str) -> str | None:
    if cell in ("", "none"):
        return "none"
    return found[1] if (found := re.fullmatch(r"`([^`]*)`", cell)) else None


def default_of(field: FieldInfo) -> str:
    """Write a default as an operator would: JSON for lists and maps, "none" for nothing."""
    value = field.get_default(call_default_factory=True)
    match value:
        case None:
            return "none"
        case _ if value is PydanticUndefined:
            return "must be set"
        case bool():
            return str(value).lower()
        case float():
            return f"{value:.15g}"
        case Path() | str() | int():
            return str(value)
        case BaseModel():
            return json.dumps(_whole(value.model_dump()))
        case dict():
            return json.dumps(value)
        case _:
            return json.dumps(list(value))


def _whole(values: dict[str, Any]) -> dict[str, Any]:
    return {k: int(v) if isinstance(v, float) and v.is_integer() else v for k, v in values.items()}


def type_of(field: FieldInfo) -> str:
    """Say what a setting takes, with its bounds."""
    annotation = field.annotation
    if get_origin(annotation) in (Union, types.UnionType):
        annotation = next(each for each in get_args(annotation) if each is not type(None))
    origin = get_origin(annotation) or annotation
    if origin is Literal:
        return " or ".join(f"`{each}`" for each in get_args(annotation))
    if isinstance(origin, type) and issubclass(origin, BaseModel):
        return "JSON object"
    names: dict[Any, str] = {
        bool: "switch", int: "whole number", float: "number", str: "text", Path: "path", SecretStr: "secret",
        dict: "JSON map", tuple: "JSON list", frozenset: "JSON list", list: "JSON list",
    }  # fmt: skip
    return ", ".join(filter(None, [names[origin], _bounds(field)]))


def _bounds(field: FieldInfo) -> str:
    said = []
    for each in field.metadata:
        match each:
            case Ge(ge=low):
                said.append(f"from {_number(low)}")
            case Gt(gt=low):
                said.append(f"above {_number(low)},")
            case Le(le=high):
                said.append(f"to {_number(high)}")
            case Lt(lt=high):
                said.append(f"below {_number(high)}")
            case MaxLen(max_length=most) if field.annotation is str:
                said.append(f"up to {most} characters")
    return " ".join(said).rstrip(",")


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"
