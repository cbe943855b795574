"""Writes a new plugin: a package with one command and a passing test, for its author to go on from."""

import re
from pathlib import Path
from string import Template
from typing import Final

from shared.errors import BadInput
from shared.plugins import RESERVED

_FILES: Final = {
    "pyproject.toml": """\
[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = "hearth-$name"
version = "0.1.0"
description = "A Hearth plugin"
requires-python = ">=3.11"
dependencies = ["hearth-bot"]

[project.entry-points."hearth.plugins"]
$name = "hearth_$module"

[tool.pytest.ini_options]
addopts = "--import-mode=importlib"
asyncio_mode = "auto"
""",
    "README.md": """\
# hearth-$name

`/$name hello` says hello. Install it beside Hearth with `pip install -e .`; test it with `pytest`.
""",
    "hearth_$module/__init__.py": '''\
"""$title: says hello. Replace this line by what the plugin is for."""

from collections.abc import Sequence
from pathlib import Path

from hearth_$module.commands import hello
from shared.command import Command
from shared.plugin import Card, hookimpl


@hookimpl
def card() -> Card:
    """Say who the plugin is."""
    return Card(name="$name", summary="Say hello", locale=Path(__file__).parent / "locale")


@hookimpl
def commands() -> Sequence[Command]:
    """Return what chat offers."""
    return (hello,)
''',
    "hearth_$module/commands.py": '''\
"""What chat sees of the plugin."""

from typing import Annotated

from shared.command import Range, command
from shared.context import Context
from shared.reply import Reply, escape


@command()
async def hello(ctx: Context, who: Annotated[str, Range(1, 80)] = "world") -> Reply:
    """Say hello

    who: whom to greet
    """
    return Reply(text=ctx.text("Hello, {who}!", who=escape(who)), tone="good")
''',
    "hearth_$module/locale/zh_TW/LC_MESSAGES/$name.po": """\
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"
"Language: zh_TW\\n"

msgid "Say hello"
msgstr "打招呼"

msgid "whom to greet"
msgstr "要向誰打招呼"

msgid "Hello, {who}!"
msgstr "{who}，你好！"
""",
    "tests/test_$module.py": '''\
"""The plugin through its public door: the same path that chat takes."""

from tests.kit.caller import Caller


async def test_hello_greets_by_name(caller: Caller) -> None:
    reply = await caller("$name", "hello", who="Hearth")
    assert reply.text == "Hello, Hearth!"


async def test_hello_speaks_chinese(caller: Caller) -> None:
    reply = await caller("$name", "hello", who="Hearth", locale="zh-TW")
    assert reply.text == "Hearth，你好！"
''',
}


def write_plugin(name: str, folder: Path) -> Path:
    """Write the package `hearth-NAME` below `folder`; return its root. Raises `BadInput`, and writes over nothing."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,31}", name):
        raise BadInput("A plugin's name begins with a letter and has 1 to 32 of a-z, 0-9 and _.")
    if name in RESERVED:
        raise BadInput("/{name} belongs to the core; choose another name.", name=name)
    root = folder / f"hearth-{name}"
    if root.exists():
        raise BadInput("{folder} is there already.", folder=root)
    values = {"name": name, "module": name, "title": name.capitalize()}
    for path, content in _FILES.items():
        file = root / Template(path).substitute(values)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(Template(content).substitute(values), encoding="utf-8")
    return root
