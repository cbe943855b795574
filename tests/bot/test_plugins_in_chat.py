"""Plugins under a running bot: loaded anew from chat, and more menus than discord.py has room for."""

import asyncio
import sys
from pathlib import Path

import pytest

from shared.settings import Settings
from tests.kit.house import house
from tests.kit.person import Person

SOURCE = '''"""A plugin of a test."""
from shared.command import LongText, command
from shared.context import Context
from shared.plugin import Card, hookimpl
from shared.reply import Reply

@hookimpl
def card():
    return Card(name="{name}", summary="Try")

{commands}

@hookimpl
def commands():
    return ({names},)
'''
COMMAND = '''
@command(menu="{menu}", name="{name}")
async def {name}(ctx: Context, text: LongText) -> Reply:
    """Act"""
    return Reply(text="{says} " + text)
'''


def write(folder: Path, name: str, says: str, menus: int = 1) -> None:
    commands = "".join(
        COMMAND.format(menu=f"{name} {n}", name=f"act{n}", says=f"{says}{n}") for n in range(menus)
    )
    names = ", ".join(f"act{n}" for n in range(menus))
    (folder / name).mkdir(exist_ok=True, parents=True)
    (folder / name / "__init__.py").write_text(SOURCE.format(name=name, commands=commands, names=names))


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(sys, "path", list(sys.path))
    # Another test's plugin of the same name may have been imported before.
    for name in ("turning", "many"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return Settings(
        _env_file=None, data_dir=tmp_path / "data", http_port=None, plugin_folders=(tmp_path / "plugins",)
    )  # type: ignore[call-arg]


async def says(person: Person, wanted: str) -> None:
    async with asyncio.timeout(20):
        while (await person.slash("turning act0", text="x")).message.content != wanted:
            await asyncio.sleep(0.2)


async def test_a_plugin_is_loaded_anew_from_chat_and_the_others_go_on(
    tmp_path: Path, settings: Settings
) -> None:
    write(tmp_path / "plugins", "turning", "first")
    async with house(settings) as home:
        person, admin = await home.person(), await home.person("admin")
        await says(person, "first0 x")
        write(tmp_path / "plugins", "turning", "second version")
        scores = asyncio.create_task(person.slash("spam score", text="see you at eight"))
        answer = await admin.slash("plugins reload", plugin="turning")
        assert "loaded anew" in answer.text
        await says(person, "second version0 x")
        assert (await scores).message.embeds
        assert (await person.slash("spam score", text="see you at eight")).message.embeds


async def test_a_reload_that_was_read_by_somebody_else_first_is_not_missed(
    tmp_path: Path, settings: Settings
) -> None:
    write(tmp_path / "plugins", "turning", "first")
    async with house(settings) as home:
        person = await home.person()
        write(tmp_path / "plugins", "turning", "second version")
        await home.core.states.request_reload("turning", None)
        await home.core.states.refresh()
        await says(person, "second version0 x")


async def test_a_plugin_that_no_longer_loads_is_set_aside_and_leaves_chat(
    tmp_path: Path, settings: Settings
) -> None:
    write(tmp_path / "plugins", "turning", "first")
    async with house(settings) as home:
        admin = await home.person("admin")
        (tmp_path / "plugins" / "turning" / "__init__.py").write_text("raise ValueError('gone wrong')")
        await admin.slash("plugins reload", plugin="turning")
        async with asyncio.timeout(20):
            while "turning" in [c["name"] for c in admin.commands]:
                await asyncio.sleep(0.1)
        assert "gone wrong" in (await admin.slash("plugins list")).text


async def test_menus_beyond_the_fifth_are_reached_by_more(tmp_path: Path, settings: Settings) -> None:
    write(tmp_path / "plugins", "many", "did", menus=7)
    async with house(settings) as home:
        person = await home.person()
        message = await person.say("this message")
        assert len([c for c in person.commands if c["type"] == 3]) == 5
        offered = await person.menu("More…", message)
        assert offered.ephemeral
        select = next(c for c in offered.message.components if c["type"] == 3)
        value = next(o["value"] for o in select["options"] if o["label"] == "many 6")
        answer = await person.choose(offered, [value])
        assert answer.message.content == "did6 this message"
