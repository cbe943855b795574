"""Checks recorded traffic against Discord's own OpenAPI description."""

import gzip
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from bot.sandbox.rest import Exchange

_DOCUMENT = "urn:discord:openapi"


def description_path() -> Path:
    """Return where the description is; skips the test where it is nowhere."""
    roots = [Path(__file__).parents[4] / "shared"]
    if data := os.environ.get("HEARTH_SHARED_DATA"):
        roots.insert(0, Path(data).parent)
    for root in roots:
        if (path := root / "discord" / "openapi.json.gz").is_file():
            return path
    pytest.skip(
        f"Discord's description is not at {' or '.join(f'{r}/discord/openapi.json.gz' for r in roots)}"
    )


class Description:
    """Discord's OpenAPI description."""

    def __init__(self, path: Path) -> None:
        self._document = json.loads(gzip.decompress(path.read_bytes()))
        resource = Resource.from_contents(self._document, default_specification=DRAFT202012)
        self._registry: Registry[Any] = Registry().with_resource(_DOCUMENT, resource)
        self._routes = {_plain(route): route for route in self._document["paths"]}
        self._validators: dict[str, Draft202012Validator] = {}
        self.checked: set[tuple[str, str, str]] = set()
        """What was checked: direction, route, status or `-`."""

    def faults(self, exchange: Exchange) -> list[str]:
        """Return what is wrong with one exchange, in words; empty when nothing is."""
        key = f"{exchange.method} {_plain(exchange.route)}"
        route = self._routes.get(_plain(exchange.route))
        operation = self._document["paths"].get(route, {}).get(exchange.method.lower())
        if operation is None:
            return [f"{key} is not in the description"]
        at = f"/paths/{_escaped(str(route))}/{exchange.method.lower()}"
        found: list[str] = []
        if exchange.sent and exchange.status < 400:
            self.checked.add(("sent", key, "-"))
            where = f"{at}/requestBody/content/application~1json/schema"
            found += self._against(where, _as_sent(exchange.sent), f"sent to {key}")
        status = str(exchange.status)
        if status not in operation["responses"]:
            status = f"{status[0]}XX"
        if status not in operation["responses"]:
            return [*found, f"{key} does not answer {exchange.status}"]
        if exchange.answered is not None:
            self.checked.add(("answered", key, status))
            where = f"{at}/responses/{status}"
            if "$ref" in operation["responses"][status]:
                where = operation["responses"][status]["$ref"].removeprefix("#")
            answered = _as_answered(exchange.answered)
            found += self._against(
                f"{where}/content/application~1json/schema", answered, f"{exchange.status} from {key}"
            )
        return found

    def _against(self, pointer: str, value: Any, what: str) -> Iterator[str]:
        validator = self._validators.get(pointer)
        if validator is None:
            schema = {"$ref": f"{_DOCUMENT}#{pointer}"}
            validator = self._validators[pointer] = Draft202012Validator(schema, registry=self._registry)
        fault = best_match(validator.iter_errors(value))
        if fault is not None:
            yield f"{what}: {fault.json_path}: {fault.message[:300]}"


def _plain(route: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", route)


def _escaped(route: str) -> str:
    # A reference is a URI, whose fragment cannot hold braces.
    return route.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D")


def _as_sent(value: Any) -> Any:
    """Return JSON with ids as texts: discord.py sends some as numbers, which Discord takes."""
    value = json.loads(msgspec.json.encode(value))
    for node in _nodes(value):
        for key, each in node.items():
            if key.endswith("_id") and isinstance(each, int):
                node[key] = str(each)
        for each in node.get("attachments") or []:
            if isinstance(each, dict) and isinstance(each.get("id"), int):
                each["id"] = str(each["id"])
    return value


def _as_answered(value: Any) -> Any:
    """Return JSON with numbers as the codes of fields' errors: Discord sends words, and describes numbers."""
    value = json.loads(msgspec.json.encode(value))
    for node in _nodes(value):
        for each in node.get("_errors") or []:
            each["code"] = 0
    return value


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
        yield from _nodes(each)
