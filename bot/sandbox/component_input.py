"""Checks a button, a select or a form that a person uses, as Discord's own client would, and makes its data."""

from typing import Any

from bot.sandbox.components import SELECTS, Kind, find, walk
from bot.sandbox.errors import Json, PageError
from bot.sandbox.interactions import OpenModal
from bot.sandbox.messages import Message
from bot.sandbox.resolved import Resolved

MAX_TEXT = 4000


def press(message: Message, data: Json, user_id: str, resolved: Resolved) -> Json:
    """Check a press or a choice on a message and return the interaction's data. Raises `PageError`."""
    component = find(message.components, str(data.get("custom_id")))
    if component is None or component["type"] != data.get("component_type"):
        raise PageError("That button or menu is no longer there.", "data.custom_id", 404)
    if component.get("disabled"):
        raise PageError("It is switched off.", "data.custom_id")
    body: Json = {
        "custom_id": component["custom_id"],
        "component_type": component["type"],
        "id": component["id"],
    }
    if component["type"] in SELECTS:
        body["values"] = _selected(component, data.get("values"), user_id, resolved, "data.values")
        if found := resolved.payload():
            body["resolved"] = found
    return body


def submit(modal: OpenModal, data: Json, resolved: Resolved) -> Json:
    """Check what was typed into a modal and return the interaction's data. Raises `PageError`."""
    given: dict[str, Json] = {}
    inputs = data.get("components") or []
    if not isinstance(inputs, list):
        raise PageError("Inputs are a list.", "data.components")
    for each in inputs:
        if not isinstance(each, dict) or not isinstance(each.get("custom_id"), str):
            raise PageError("Each input has a custom_id.", "data.components")
        given[each["custom_id"]] = each
    known = {c.get("custom_id") for c in walk(modal.body["components"])}
    for custom_id in given:
        if custom_id not in known:
            raise PageError(f"The form has no input “{custom_id}”.", "data.components")
    rows = [_row(row, given, modal.user_id, resolved) for row in modal.body["components"]]
    body: Json = {"custom_id": modal.body["custom_id"], "components": rows}
    if found := resolved.payload():
        body["resolved"] = found
    return body


def _row(row: Json, given: dict[str, Json], user_id: str, resolved: Resolved) -> Json:
    body: Json = {"type": row["type"], "id": row["id"]}
    if row["type"] == Kind.ROW:
        body["components"] = [_input(c, c, given, user_id, resolved) for c in row["components"]]
    elif row["type"] == Kind.LABEL:
        body["component"] = _input(row["component"], row, given, user_id, resolved)
    return body


def _input(component: Json, row: Json, given: dict[str, Json], user_id: str, resolved: Resolved) -> Json:
    custom_id = component["custom_id"]
    label = row.get("label") or component.get("label") or custom_id
    path = f"data.components.{custom_id}"
    answer = given.get(custom_id, {})
    body: Json = {"type": component["type"], "id": component["id"], "custom_id": custom_id}
    required = component.get("required", True)
    match Kind(component["type"]):
        case Kind.TEXT_INPUT:
            body["value"] = _text(component, answer.get("value"), label, path)
        case Kind.CHECKBOX:
            body["value"] = bool(answer.get("value"))
        case Kind.RADIO_GROUP:
            body["value"] = answer.get("value")
            if body["value"] is None and required:
                raise PageError(f"“{label}” is required.", path)
            if body["value"] is not None and str(body["value"]) not in _options(component):
                raise PageError(f"“{label}” is one of the given choices.", path)
        case Kind.FILE_UPLOAD:
            values = _counted(component, answer.get("values"), label, path, required)
            body["values"] = [resolved.file(value, path) for value in values]
        case Kind.CHECKBOX_GROUP:
            body["values"] = _counted(component, answer.get("values"), label, path, required)
            if not all(value in _options(component) for value in map(str, body["values"])):
                raise PageError(f"“{label}” is one of the given choices.", path)
        case _:
            if not required and not answer.get("values"):
                body["values"] = []
            else:
                body["values"] = _selected(component, answer.get("values"), user_id, resolved, path)
    return body


def _text(component: Json, value: Any, label: str, path: str) -> str:
    text = "" if value is None else value
    if not isinstance(text, str):
        raise PageError(f"“{label}” is a text.", path)
    if not text and component.get("required", True):
        raise PageError(f"“{label}” is required.", path)
    low, high = component.get("min_length") or 0, component.get("max_length") or MAX_TEXT
    if text and len(text) < low:
        raise PageError(f"“{label}” needs at least {low} characters.", path)
    if len(text) > high:
        raise PageError(f"“{label}” may have {high} characters at most.", path)
    return text


def _counted(component: Json, values: Any, label: str, path: str, required: bool) -> list[Any]:
    chosen = values or []
    if not isinstance(chosen, list):
        raise PageError("Values are a list.", path)
    most = component.get(
        "max_values", 1 if component["type"] == Kind.FILE_UPLOAD else len(_options(component))
    )
    least = component.get("min_values", 1) if required else 0
    if not least <= len(chosen) <= most:
        raise PageError(f"“{label}” takes {least} to {most} values.", path)
    return chosen


def _selected(component: Json, values: Any, user_id: str, resolved: Resolved, path: str) -> list[str]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise PageError("Values are a list of texts.", path)
    low, high = component.get("min_values", 1), component.get("max_values", 1)
    if not low <= len(values) <= high or len(set(values)) != len(values):
        raise PageError(f"Choose {low} to {high}." if low != high else f"Choose {low}.", path)
    for value in values:
        match Kind(component["type"]):
            case Kind.STRING_SELECT:
                if value not in _options(component):
                    raise PageError("Choose one of the given options.", path)
            case Kind.USER_SELECT:
                resolved.user(value, path)
            case Kind.ROLE_SELECT:
                resolved.role(value, path)
            case Kind.CHANNEL_SELECT:
                resolved.channel(value, user_id, component.get("channel_types") or [], path)
            case _:
                resolved.mentionable(value, path)
    return list(values)


def _options(component: Json) -> set[str]:
    return {option["value"] for option in component.get("options", [])}
