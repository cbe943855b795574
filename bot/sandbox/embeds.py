"""Embeds: checked against Discord's limits, and given the fields that it adds."""

from datetime import datetime
from typing import Any, Final

from bot.sandbox.errors import Json, Problems

MAX_EMBEDS: Final = 10
MAX_TOTAL: Final = 6000
_MEDIA: Final = ("image", "thumbnail")
_SCHEMES: Final = ("http://", "https://", "attachment://")


def checked(value: Any, problems: Problems) -> list[Json]:
    """Check a message's embeds and return them as Discord stores them."""
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > MAX_EMBEDS:
        problems.too_long("embeds", MAX_EMBEDS)
        return []
    embeds = [_embed(each, f"embeds.{index}", problems) for index, each in enumerate(value)]
    if not problems and sum(map(_length, embeds)) > MAX_TOTAL:
        problems.add("embeds", "MAX_EMBED_SIZE_EXCEEDED", f"Embed size exceeds maximum size of {MAX_TOTAL}")
    return embeds


def is_empty(embed: Json) -> bool:
    """Tell whether an embed shows nothing."""
    return not any(embed.get(key) for key in ("title", "description", "fields", "author", "footer", *_MEDIA))


def _embed(value: Any, path: str, problems: Problems) -> Json:
    if not isinstance(value, dict):
        problems.add(path, "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
        return {}
    embed: Json = {"type": "rich"}
    for name, high in (("title", 256), ("description", 4096)):
        if value.get(name) is not None and problems.text(f"{path}.{name}", value[name], 0, high):
            embed[name] = value[name]
    if value.get("url") is not None and _is_url(value["url"], f"{path}.url", problems):
        embed["url"] = value["url"]
    color = value.get("color")
    if color is not None:
        if isinstance(color, int) and 0 <= color <= 0xFFFFFF:
            embed["color"] = color
        else:
            problems.add(
                f"{path}.color", "NUMBER_TYPE_MAX", "int value should be less than or equal to 16777215."
            )
    if value.get("timestamp") is not None:
        try:
            embed["timestamp"] = datetime.fromisoformat(str(value["timestamp"])).isoformat()
        except ValueError:
            problems.add(f"{path}.timestamp", "DATE_TIME_TYPE_PARSE", "Could not parse. Should be ISO8601.")
    embed["fields"] = _fields(value.get("fields"), f"{path}.fields", problems)
    for name, key, high in (("footer", "text", 2048), ("author", "name", 256)):
        if isinstance(part := value.get(name), dict):
            problems.text(f"{path}.{name}.{key}", part.get(key), 1, high)
            embed[name] = {k: v for k, v in part.items() if v is not None}
    for name in _MEDIA:
        if (
            isinstance(part := value.get(name), dict)
            and part.get("url")
            and _is_url(part["url"], f"{path}.{name}.url", problems)
        ):
            embed[name] = {"url": part["url"]}
    if not embed["fields"]:
        del embed["fields"]
    return embed


def _fields(value: Any, path: str, problems: Problems) -> list[Json]:
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > 25:
        problems.too_long(path, 25)
        return []
    fields = []
    for index, each in enumerate(value):
        part: Json = each if isinstance(each, dict) else {}
        for key, high in (("name", 256), ("value", 1024)):
            if not part.get(key):
                problems.required(f"{path}.{index}.{key}")
            else:
                problems.text(f"{path}.{index}.{key}", part[key], 1, high)
        fields.append(
            {"name": part.get("name"), "value": part.get("value"), "inline": bool(part.get("inline"))}
        )
    return fields


def _is_url(value: Any, path: str, problems: Problems) -> bool:
    if isinstance(value, str) and value.startswith(_SCHEMES) and len(value) <= 2048:
        return True
    problems.add(path, "URL_TYPE_INVALID_URL", "Not a well formed URL.")
    return False


def _length(embed: Json) -> int:
    parts = [embed.get("title"), embed.get("description")]
    parts += [embed.get("footer", {}).get("text"), embed.get("author", {}).get("name")]
    for each in embed.get("fields", []):
        parts += [each["name"], each["value"]]
    return sum(len(part) for part in parts if part)
