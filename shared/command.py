"""A command: an async function whose signature says what chat must ask for.

    @command(menu="Spam score")
    async def score(ctx: Context, text: LongText) -> Reply:
        '''Say how likely a message is spam.

        text: the message to score
        '''

The first line of the docstring is the description; a line `name: words` describes a parameter. Both, and the
names, are msgids of the plugin's catalogue.
"""

import inspect
import re
import types
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

from shared.context import Context
from shared.inputs import Article as Article
from shared.inputs import Channel as Channel
from shared.inputs import Image as Image
from shared.inputs import Person as Person
from shared.inputs import Role as Role
from shared.inputs import Table as Table
from shared.reply import Reply

Kind = Literal[
    "text",
    "integer",
    "number",
    "flag",
    "choice",
    "long_text",
    "article",
    "channel",
    "role",
    "person",
    "image",
    "images",
    "table",
]

MAX_TEXT: Final = 6000
"""Characters that a slash command's text option holds at most (Discord)."""


@dataclass(frozen=True)
class Range:
    """Bounds of a parameter: of a number's value, or of a text's length; inclusive."""

    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True)
class Headed:
    """The columns that a table's header names: titles above it, and remarks below the rows, are left out."""

    columns: tuple[str, ...]


@dataclass(frozen=True)
class _As:
    kind: Kind


LongText: TypeAlias = Annotated[str, _As("long_text")]
"""A text that may be long: a modal opens when it is left out, a menu fills it with the message."""
Images: TypeAlias = Annotated[tuple[Image, ...], _As("images")]
"""One to ten pictures; a menu takes all pictures of the message."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a command, as chat and the command line ask for it."""

    name: str
    kind: Kind
    description: str
    required: bool
    default: Any = None
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str | int, ...] = ()
    columns: tuple[str, ...] = ()
    """What names the header of a table that has titles above it."""


Permission = Literal["everyone", "manage_guild", "administrator"]


@dataclass(frozen=True)
class Command:
    """A declared command; `menu` is its name in the menu of a message, if it has one.

    `hidden` commands are reached by buttons only. `private`: the answer, and the wait for it, are shown to the
    asker alone. `permission`: who may use it.
    """

    name: str
    description: str
    parameters: tuple[Parameter, ...]
    run: Callable[..., Awaitable[Reply]]
    menu: str | None = None
    hidden: bool = False
    private: bool = False
    permission: Permission = "everyone"
    timeout: float | None = None


def command(
    *,
    menu: str | None = None,
    name: str | None = None,
    hidden: bool = False,
    private: bool = False,
    permission: Permission = "everyone",
    timeout: float | None = None,
) -> Callable[[Callable[..., Awaitable[Reply]]], Command]:
    """Declare the function below as a command. Raises `TypeError` where its signature cannot be asked for in chat."""

    def declare(function: Callable[..., Awaitable[Reply]]) -> Command:
        description, described = _docstring(function)
        parameters = _parameters(function, described)
        declared = Command(
            name=name or function.__name__.removesuffix("_"),
            description=description,
            parameters=parameters,
            run=function,
            menu=menu,
            hidden=hidden,
            private=private,
            permission=permission,
            timeout=timeout,
        )
        _check(declared)
        return declared

    return declare


def menu_parameter(declared: Command) -> Parameter | None:
    """Return the parameter that a message's menu fills: the first that a message can stand for."""
    fillable = ("long_text", "article", "image", "images")
    return next((p for p in declared.parameters if p.kind in fillable), None)


def _docstring(function: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    lines = inspect.cleandoc(function.__doc__ or "").splitlines()
    described = {}
    for line in lines[1:]:
        if found := re.fullmatch(r"([a-z_]\w*): (.+)", line.strip()):
            described[found[1]] = found[2]
    return (lines[0].rstrip(".") if lines else ""), described


def _parameters(function: Callable[..., Any], described: dict[str, str]) -> tuple[Parameter, ...]:
    hints = get_type_hints(function, include_extras=True)
    found = list(inspect.signature(function).parameters.values())
    if not inspect.iscoroutinefunction(function) or not found or hints.get(found[0].name) is not Context:
        raise TypeError(f"{function.__qualname__} must be async, and take the Context first")
    return tuple(_parameter(p, hints[p.name], described.get(p.name, "")) for p in found[1:])


def _parameter(parameter: inspect.Parameter, hint: Any, description: str) -> Parameter:
    required = parameter.default is inspect.Parameter.empty
    if get_origin(hint) in (Union, types.UnionType):
        hint = next(part for part in get_args(hint) if part is not type(None))
    bounds, kind = Range(), None
    columns: tuple[str, ...] = ()
    while get_origin(hint) is Annotated:
        hint, *extras = get_args(hint)
        for extra in extras:
            match extra:
                case Range():
                    bounds = extra
                case Headed():
                    columns = extra.columns
                case _As():
                    kind = extra.kind
                case str():
                    description = extra
    choices: tuple[str | int, ...] = ()
    if get_origin(hint) is Literal:
        kind, choices = "choice", get_args(hint)
    kinds: dict[Any, Kind] = {
        str: "text", int: "integer", float: "number", bool: "flag",
        Article: "article", Channel: "channel", Role: "role", Person: "person", Image: "image", Table: "table",
    }  # fmt: skip
    kind = kind or kinds.get(hint)
    if kind is None:
        raise TypeError(f"parameter {parameter.name}: chat cannot ask for a {hint!r}")
    return Parameter(
        name=parameter.name,
        kind=kind,
        description=description or parameter.name,
        required=required,
        default=None if required else parameter.default,
        minimum=bounds.minimum,
        maximum=bounds.maximum,
        choices=choices,
        columns=columns,
    )


def _check(declared: Command) -> None:
    names = [declared.name, *(p.name for p in declared.parameters)]
    for each in names:
        if not re.fullmatch(r"[a-z0-9_-]{1,32}", each):
            raise TypeError(f"{each!r} is no name for a command or parameter: 1 to 32 of a-z, 0-9, _ and -")
    for words in (declared.description, *(p.description for p in declared.parameters)):
        if not 1 <= len(words) <= 100:
            raise TypeError(f"/{declared.name}: a description has 1 to 100 characters, not {len(words)}")
    if len(declared.parameters) > 25 or any(len(p.choices) > 25 for p in declared.parameters):
        raise TypeError(f"/{declared.name}: Discord takes at most 25 parameters, and 25 choices each")
    if declared.menu is not None:
        if not 1 <= len(declared.menu) <= 32:
            raise TypeError(f"/{declared.name}: a menu's name has 1 to 32 characters")
        filled = menu_parameter(declared)
        if filled is None or any(p.required and p is not filled for p in declared.parameters):
            raise TypeError(f"/{declared.name}: a menu can fill one text or picture; the rest needs defaults")
