"""Checks a slash command or menu that a person sends, as Discord's own client would, and makes its data."""

from typing import Any, Final

from bot.sandbox.command_check import Option
from bot.sandbox.errors import Json, PageError
from bot.sandbox.messages import Message
from bot.sandbox.resolved import Resolved

MAX_STRING: Final = 6000


def slash(command: Json, data: Json, user_id: str, resolved: Resolved, *, typing: bool) -> Json:
    """Check a slash command's options and return the interaction's data.

    `typing`: it is an autocomplete, so that nothing is required yet and one option is focused.
    Raises `PageError` with the option's path.
    """
    given = data.get("options") or []
    reader = _Reader(user_id, resolved, typing)
    options = reader.level(command["options"], given, "options")
    if typing and not reader.focused:
        raise PageError("No option is being typed.", "data.options")
    return _body(command, options, resolved)


def menu(command: Json, data: Json, target: Message | str, resolved: Resolved) -> Json:
    """Return the data of a menu opened on a message or on a user."""
    if isinstance(target, Message):
        resolved.message(target)
        target_id = target.id
    else:
        resolved.user(target, "data.target_id")
        target_id = target
    return {**_body(command, [], resolved), "target_id": target_id}


def kind_of(command: Json, data: Json) -> int:
    """Return a command's type, which the page says too. Raises `PageError` where they differ."""
    kind = int(command["type"])
    if data.get("type") != kind or data.get("name") != command["name"]:
        raise PageError("That command has changed. Open it again.", "data")
    return kind


def _body(command: Json, options: list[Json], resolved: Resolved) -> Json:
    body: Json = {"id": command["id"], "name": command["name"], "type": command["type"]}
    if "guild_id" in command:
        body["guild_id"] = command["guild_id"]
    if options:
        body["options"] = options
    if found := resolved.payload():
        body["resolved"] = found
    return body


class _Reader:
    def __init__(self, user_id: str, resolved: Resolved, typing: bool) -> None:
        self._user_id, self._resolved, self._typing = user_id, resolved, typing
        self.focused = False

    def level(self, declared: list[Json], given: Any, path: str) -> list[Json]:
        """Check the options of a command, group or subcommand."""
        if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
            raise PageError("Options are a list of objects.", path)
        by_name = {option["name"]: option for option in declared}
        names = [str(each.get("name")) for each in given]
        for name in names:
            if name not in by_name:
                raise PageError(f"There is no option “{name}”.", path)
        if len(set(names)) != len(names):
            raise PageError("An option is given twice.", path)
        if declared and declared[0]["type"] in (Option.SUBCOMMAND, Option.GROUP):
            if len(given) != 1:
                raise PageError("Choose one of the subcommands.", path)
            option = by_name[names[0]]
            inside = self.level(
                option.get("options", []), given[0].get("options") or [], f"{path}.{option['name']}"
            )
            return [{"name": option["name"], "type": option["type"], "options": inside}]
        for option in declared:
            if option.get("required") and option["name"] not in names and not self._typing:
                raise PageError(f"“{option['name']}” is required.", f"{path}.{option['name']}")
        return [self._value(by_name[each["name"]], each, f"{path}.{each['name']}") for each in given]

    def _value(self, option: Json, given: Json, path: str) -> Json:
        value, kind = given.get("value"), option["type"]
        answer: Json = {"name": option["name"], "type": kind, "value": value}
        if given.get("type", kind) != kind:
            raise PageError(f"“{option['name']}” is of another type.", path)
        if self._typing and given.get("focused"):
            if not option.get("autocomplete"):
                raise PageError(f"“{option['name']}” has no suggestions.", path)
            self.focused = True
            return {**answer, "value": str(value if value is not None else ""), "focused": True}
        match Option(kind):
            case Option.STRING:
                self._string(option, value, path)
            case Option.INTEGER | Option.NUMBER:
                self._number(option, value, path)
            case Option.BOOLEAN:
                if not isinstance(value, bool):
                    raise PageError(f"“{option['name']}” is true or false.", path)
            case Option.USER:
                self._resolved.user(str(value), path)
            case Option.CHANNEL:
                self._resolved.channel(str(value), self._user_id, option.get("channel_types") or [], path)
            case Option.ROLE:
                self._resolved.role(str(value), path)
            case Option.MENTIONABLE:
                self._resolved.mentionable(str(value), path)
            case Option.ATTACHMENT:
                answer["value"] = self._resolved.file(value, path)
        return answer

    def _string(self, option: Json, value: Any, path: str) -> None:
        name = option["name"]
        if not isinstance(value, str):
            raise PageError(f"“{name}” is a text.", path)
        if not value:
            raise PageError(f"“{name}” is empty.", path)
        self._choice(option, value, path)
        low, high = option.get("min_length", 0), option.get("max_length", MAX_STRING)
        if len(value) < low:
            raise PageError(f"“{name}” needs at least {low} characters.", path)
        if len(value) > high:
            raise PageError(f"“{name}” may have {high} characters at most.", path)

    def _number(self, option: Json, value: Any, path: str) -> None:
        name = option["name"]
        whole = option["type"] == Option.INTEGER
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
            raise PageError(f"“{name}” is {'a whole' if whole else 'a'} number.", path)
        self._choice(option, value, path)
        if value < option.get("min_value", -(2**53)):
            raise PageError(f"“{name}” is at least {option.get('min_value', -(2**53))}.", path)
        if value > option.get("max_value", 2**53):
            raise PageError(f"“{name}” is at most {option.get('max_value', 2**53)}.", path)

    def _choice(self, option: Json, value: Any, path: str) -> None:
        choices = option.get("choices")
        if choices and value not in [choice["value"] for choice in choices]:
            raise PageError(f"“{option['name']}” is one of the given choices.", path)
