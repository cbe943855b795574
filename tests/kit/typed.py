"""What a person types and chooses, as Discord's own client sends it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from tests.kit.answer import Json, Modal

_NAMED_OPTIONS: Final = (6, 7, 8, 9)
_NAMED_SELECTS: Final = (5, 6, 7, 8)
"""The types of options and selects whose values are ids, for which names may be given."""
_ONE_VALUE: Final = (4, 21, 23)
"""The types of inputs that hold one value: text, radio group, checkbox."""


@dataclass(frozen=True)
class File:
    """A file to send."""

    name: str
    data: bytes


class Somebody(Protocol):
    """A person, who may be chosen too."""

    id: str


def command_named(commands: Sequence[Json], name: str, kind: int) -> Json:
    """Return the slash command (1), user menu (2) or message menu (3) of this name; says which there are."""
    for command in commands:
        if command["name"] == name and command["type"] == kind:
            return command
    there = [c["name"] for c in commands if c["type"] == kind]
    raise AssertionError(f"no command “{name}”, only {there}")


class Typed:
    """One thing that a person sends; gathers its files. `state` is the page's, where names are looked up."""

    def __init__(self, state: Json) -> None:
        self._state = state
        self.files: list[File] = []

    def command(self, commands: Sequence[Json], path: str, options: Mapping[str, Any]) -> Json:
        """Return the data of a slash command such as `spam score`."""
        name, *inside = path.removeprefix("/").split()
        command = command_named(commands, name, 1)
        data: Json = {"id": command["id"], "name": name, "type": 1, "options": []}
        node, declared = data, command["options"]
        for each in inside:
            option = next((o for o in declared if o["name"] == each and o["type"] in (1, 2)), None)
            if option is None:
                raise AssertionError(f"no subcommand {each} of /{name}, only {[o['name'] for o in declared]}")
            below: Json = {"name": each, "type": option["type"], "options": []}
            node["options"].append(below)
            node, declared = below, option.get("options", [])
        by_name = {o["name"]: o for o in declared}
        for given, value in options.items():
            option = by_name.get(given) or by_name.get(given.replace("_", "-"))
            if option is None:
                raise AssertionError(f"no option {given} of /{path}, only {list(by_name)}")
            sent = self._value(value, named=option["type"] in _NAMED_OPTIONS)
            node["options"].append({"name": option["name"], "type": option["type"], "value": sent})
        return data

    def filled(self, modal: Modal, name: str, value: Any) -> Json:
        """Return a form's input, found by custom id or label, filled in."""
        for custom_id, each in modal.inputs.items():
            if name == custom_id or _plain(name) in (_plain(custom_id), _plain(each["label"])):
                if each["type"] in _ONE_VALUE:
                    return {"custom_id": custom_id, "value": value}
                values = list(value) if isinstance(value, list | tuple) else [value]
                return {"custom_id": custom_id, "values": self.chosen(each["type"], values)}
        raise AssertionError(f"the form has no input {name}, only {list(modal.inputs)}")

    def chosen(self, kind: int, values: Sequence[Any]) -> list[Any]:
        """Return the values of a select or an upload of this type."""
        return [self._value(value, named=kind in _NAMED_SELECTS) for value in values]

    def _value(self, value: Any, *, named: bool) -> Any:
        if isinstance(value, File):
            self.files.append(value)
            return len(self.files) - 1
        if not named:
            return value
        if not isinstance(value, str):
            person: Somebody = value
            return person.id
        for every in ("users", "channels", "roles"):
            for each in self._state[every]:
                if value in (each.get("username"), each.get("name")):
                    return each["id"]
        return value


def _plain(text: object) -> str:
    return "".join(c if c.isalnum() else "_" for c in str(text)).lower()
