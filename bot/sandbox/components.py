"""Buttons, selects, layouts and modal inputs: checked against Discord's limits, and given the ids it assigns."""

from collections.abc import Iterator
from enum import IntEnum
from typing import Any, Final

from bot.sandbox.errors import Json, Problems

MAX_COMPONENTS: Final = 40
_URL_SCHEMES: Final = ("http://", "https://", "discord://")


class Kind(IntEnum):
    """Discord's component types."""

    ROW = 1
    BUTTON = 2
    STRING_SELECT = 3
    TEXT_INPUT = 4
    USER_SELECT = 5
    ROLE_SELECT = 6
    MENTIONABLE_SELECT = 7
    CHANNEL_SELECT = 8
    SECTION = 9
    TEXT = 10
    THUMBNAIL = 11
    GALLERY = 12
    FILE = 13
    SEPARATOR = 14
    CONTAINER = 17
    LABEL = 18
    FILE_UPLOAD = 19
    RADIO_GROUP = 21
    CHECKBOX_GROUP = 22
    CHECKBOX = 23


SELECTS: Final = frozenset(
    {
        Kind.STRING_SELECT,
        Kind.USER_SELECT,
        Kind.ROLE_SELECT,
        Kind.MENTIONABLE_SELECT,
        Kind.CHANNEL_SELECT,
    }
)
MODAL_INPUTS: Final = SELECTS | {
    Kind.TEXT_INPUT,
    Kind.FILE_UPLOAD,
    Kind.RADIO_GROUP,
    Kind.CHECKBOX_GROUP,
    Kind.CHECKBOX,
}
_LAYOUT: Final = frozenset(
    {Kind.ROW, Kind.SECTION, Kind.TEXT, Kind.GALLERY, Kind.FILE, Kind.SEPARATOR, Kind.CONTAINER}
)


def walk(components: list[Json]) -> Iterator[Json]:
    """Go through components and all that stand inside them, outermost first."""
    for each in components:
        yield each
        yield from walk(each.get("components") or [])
        for name in ("component", "accessory"):
            if isinstance(each.get(name), dict):
                yield from walk([each[name]])


def find(components: list[Json], custom_id: str) -> Json | None:
    """Return the component with this custom id."""
    return next((c for c in walk(components) if c.get("custom_id") == custom_id), None)


def message_components(value: Any, problems: Problems, *, layout: bool) -> list[Json]:
    """Check a message's components and return them as Discord stores them. `layout`: components V2 are on."""
    rows = _list(value, "components", problems)
    allowed = _LAYOUT if layout else frozenset({Kind.ROW})
    checker = _Checker(problems)
    found = checker.children(rows, "components", allowed)
    if not layout and len(rows) > 5:
        problems.length("components", 1, 5)
    if checker.count > MAX_COMPONENTS:
        problems.length("components", 1, MAX_COMPONENTS)
    return found


def modal(value: Any, problems: Problems) -> Json:
    """Check a modal and return it as the page is to show it."""
    data: Json = value if isinstance(value, dict) else {}
    problems.text("data.custom_id", data.get("custom_id"), 1, 100)
    problems.text("data.title", data.get("title"), 1, 45)
    rows = _list(data.get("components"), "data.components", problems)
    if not 1 <= len(rows) <= 5:
        problems.length("data.components", 1, 5)
    checker = _Checker(problems)
    found = checker.children(rows, "data.components", frozenset({Kind.ROW, Kind.LABEL, Kind.TEXT}))
    return {"custom_id": data.get("custom_id"), "title": data.get("title"), "components": found}


class _Checker:
    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self._custom_ids: set[str] = set()
        self.count = 0

    def children(self, value: list[Any], path: str, allowed: frozenset[Kind]) -> list[Json]:
        found = []
        for index, each in enumerate(value):
            if (checked := self._component(each, f"{path}.{index}", allowed)) is not None:
                found.append(checked)
        return found

    def _component(self, value: Any, path: str, allowed: frozenset[Kind]) -> Json | None:
        if not isinstance(value, dict) or value.get("type") not in list(allowed):
            numbers = ", ".join(str(int(kind)) for kind in sorted(allowed))
            self._problems.choices(f"{path}.type", numbers)
            return None
        self.count += 1
        component = {key: each for key, each in value.items() if each is not None}
        component["id"] = value["id"] if isinstance(value.get("id"), int) else self.count
        kind = Kind(value["type"])
        match kind:
            case Kind.ROW:
                self._row(component, path)
            case Kind.BUTTON:
                self._button(component, path)
            case Kind.TEXT_INPUT:
                self._text_input(component, path)
            case Kind.LABEL:
                self._label(component, path)
            case Kind.SECTION:
                texts = _list(component.get("components"), f"{path}.components", self._problems)
                component["components"] = self.children(texts, f"{path}.components", frozenset({Kind.TEXT}))
                component["accessory"] = self._component(
                    component.get("accessory"), f"{path}.accessory", frozenset({Kind.BUTTON, Kind.THUMBNAIL})
                )
            case Kind.CONTAINER:
                inner = _list(component.get("components"), f"{path}.components", self._problems)
                allowed_inside = _LAYOUT - {Kind.CONTAINER}
                component["components"] = self.children(inner, f"{path}.components", allowed_inside)
                component.setdefault("accent_color", None)
                component.setdefault("spoiler", False)
            case Kind.TEXT:
                self._problems.text(f"{path}.content", component.get("content"), 1, 4000)
            case Kind.GALLERY:
                items = _list(component.get("items"), f"{path}.items", self._problems)
                if not 1 <= len(items) <= 10:
                    self._problems.length(f"{path}.items", 1, 10)
                component["items"] = [
                    {"description": None, "spoiler": False, **item}
                    for item in items
                    if isinstance(item, dict)
                ]
            case Kind.THUMBNAIL | Kind.FILE:
                component.setdefault("spoiler", False)
                if kind is Kind.THUMBNAIL:
                    component.setdefault("description", None)
            case Kind.SEPARATOR:
                component.setdefault("divider", True)
                component.setdefault("spacing", 1)
            case Kind.CHECKBOX | Kind.RADIO_GROUP | Kind.CHECKBOX_GROUP | Kind.FILE_UPLOAD:
                self._custom_id(component, path)
                for name in ("min_values", "max_values"):
                    if name in component:
                        self._problems.whole(f"{path}.{name}", component[name], 0, 10)
                if kind is not Kind.CHECKBOX:
                    component.setdefault("required", True)
                if kind in (Kind.RADIO_GROUP, Kind.CHECKBOX_GROUP):
                    self._options(component, path, 10)
            case _:
                self._select(component, path)
        return component

    def _row(self, row: Json, path: str) -> None:
        inside = _list(row.get("components"), f"{path}.components", self._problems)
        kinds = frozenset({Kind.BUTTON, Kind.TEXT_INPUT}) | SELECTS
        row["components"] = self.children(inside, f"{path}.components", kinds)
        # A row has five places; a select or an input takes all of them.
        width = sum(1 if c["type"] == Kind.BUTTON else 5 for c in row["components"])
        if not inside or width > 5:
            self._problems.length(f"{path}.components", 1, 5)

    def _label(self, label: Json, path: str) -> None:
        self._problems.text(f"{path}.label", label.get("label"), 1, 45)
        if "description" in label:
            self._problems.text(f"{path}.description", label["description"], 1, 100)
        inside = self._component(label.get("component"), f"{path}.component", MODAL_INPUTS)
        if inside is not None:
            inside.setdefault("required", True)
        label["component"] = inside

    def _custom_id(self, component: Json, path: str) -> None:
        custom_id = component.get("custom_id")
        if self._problems.text(f"{path}.custom_id", custom_id, 1, 100):
            if custom_id in self._custom_ids:
                self._problems.add(
                    f"{path}.custom_id",
                    "COMPONENT_CUSTOM_ID_DUPLICATED",
                    "Component custom id cannot be duplicated",
                )
            self._custom_ids.add(str(custom_id))

    def _button(self, button: Json, path: str) -> None:
        style = button.get("style")
        if not isinstance(style, int) or not 1 <= style <= 6:
            self._problems.choices(f"{path}.style", "1, 2, 3, 4, 5, 6")
        if "label" in button:
            self._problems.text(f"{path}.label", button["label"], 0, 80)
        if style == 5:
            if not str(button.get("url", "")).startswith(_URL_SCHEMES):
                self._problems.add(f"{path}.url", "BASE_TYPE_BAD_URL", "Not a well formed URL.")
        elif style != 6:
            self._custom_id(button, path)
        if style != 6 and not button.get("label") and not button.get("emoji"):
            self._problems.add(
                path, "BUTTON_COMPONENT_LABEL_OR_EMOJI_REQUIRED", "A button needs a label or an emoji."
            )

    def _text_input(self, component: Json, path: str) -> None:
        self._custom_id(component, path)
        component.setdefault("label", None)
        component.setdefault("style", 1)
        component.setdefault("required", True)
        component.setdefault("min_length", None)
        component.setdefault("max_length", None)
        if component["label"] is not None:
            self._problems.text(f"{path}.label", component["label"], 1, 45)
        if "placeholder" in component:
            self._problems.text(f"{path}.placeholder", component["placeholder"], 0, 100)
        if "value" in component:
            self._problems.text(f"{path}.value", component["value"], 0, 4000)
        for name, low in (("min_length", 0), ("max_length", 1)):
            value = component[name]
            if value is not None:
                self._problems.whole(f"{path}.{name}", value, low, 4000)

    def _select(self, select: Json, path: str) -> None:
        self._custom_id(select, path)
        if "placeholder" in select:
            self._problems.text(f"{path}.placeholder", select["placeholder"], 0, 150)
        select.setdefault("min_values", 1)
        select.setdefault("max_values", 1)
        self._problems.whole(f"{path}.min_values", select["min_values"], 0, 25)
        self._problems.whole(f"{path}.max_values", select["max_values"], 1, 25)
        if select["type"] == Kind.STRING_SELECT:
            self._options(select, path, 25)

    def _options(self, component: Json, path: str, most: int) -> None:
        options = _list(component.get("options"), f"{path}.options", self._problems)
        if not 1 <= len(options) <= most:
            self._problems.length(f"{path}.options", 1, most)
        seen: set[str] = set()
        for index, option in enumerate(options):
            at = f"{path}.options.{index}"
            if not isinstance(option, dict):
                self._problems.add(at, "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
                continue
            self._problems.text(f"{at}.label", option.get("label"), 1, 100)
            self._problems.text(f"{at}.value", option.get("value"), 1, 100)
            if option.get("description") is not None:
                self._problems.text(f"{at}.description", option["description"], 0, 100)
            if str(option.get("value")) in seen:
                self._problems.add(
                    f"{at}.value",
                    "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED",
                    "The specified option value is already used",
                )
            seen.add(str(option.get("value")))


def _list(value: Any, path: str, problems: Problems) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        problems.add(path, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
        return []
    return value
