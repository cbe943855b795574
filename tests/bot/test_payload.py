"""What Discord is told of our commands, in both languages, within its limits."""

from pathlib import Path

import pytest

from bot.groups import Group
from bot.payload import MENU_LIMIT, MORE, application_commands, digest
from bot.sandbox.command_check import size_of
from shared.command import Command, LongText, command
from shared.context import Context
from shared.plugins import Plugins
from shared.reply import Reply

FIXTURES = Path(__file__).parents[1] / "fixtures" / "folder"


@pytest.fixture
def plugins() -> Plugins:
    # With one menu more there would be more than Discord has room for.
    return Plugins.discover([FIXTURES], disabled={"image"})


def by_name(plugins: Plugins) -> dict[str, dict]:  # type: ignore[type-arg]
    groups = [Group.of(p) for p in plugins]
    return {c["name"]: c for c in application_commands(groups, plugins.texts())}


def test_spam_is_a_group_with_chinese_names_and_descriptions(plugins: Plugins) -> None:
    spam = by_name(plugins)["spam"]
    assert spam["name_localizations"] == {"zh-TW": "垃圾訊息"}
    score = next(o for o in spam["options"] if o["name"] == "score")
    assert score["description_localizations"]["zh-TW"].startswith("判斷訊息")
    (text,) = score["options"]
    assert (text["type"], text["required"], text["max_length"]) == (3, False, 6000)
    assert text["name_localizations"] == {"zh-TW": "文字"}


def test_choices_are_shown_in_chinese_and_sent_in_english(plugins: Plugins) -> None:
    watch = next(o for o in by_name(plugins)["spam"]["options"] if o["name"] == "watch")
    on = watch["options"][0]["choices"][0]
    assert (on["value"], on["name_localizations"]["zh-TW"]) == ("on", "開啟")


def test_hidden_commands_are_not_offered(plugins: Plugins) -> None:
    assert "mark" not in [o["name"] for o in by_name(plugins)["spam"]["options"]]


def test_the_menu_of_a_message_carries_the_commands(plugins: Plugins) -> None:
    menu = by_name(plugins)["Spam score"]
    assert menu["type"] == 3
    assert menu["name_localizations"] == {"zh-TW": "垃圾訊息評分"}


def test_required_options_come_first_and_numbers_are_bounded(plugins: Plugins) -> None:
    deed = next(o for o in by_name(plugins)["trial"]["options"] if o["name"] == "deed")
    required = [o["required"] for o in deed["options"]]
    assert required == sorted(required, reverse=True)
    repeat = next(o for o in by_name(plugins)["trial"]["options"] if o["name"] == "repeat")
    times = next(o for o in repeat["options"] if o["name"] == "times")
    assert (times["min_value"], times["max_value"]) == (1, 500)


def test_every_command_is_within_discords_8000_characters(plugins: Plugins) -> None:
    for payload in by_name(plugins).values():
        assert size_of(payload) <= 8000


def test_the_digest_changes_exactly_with_the_payload(plugins: Plugins) -> None:
    groups = [Group.of(p) for p in plugins]
    first = application_commands(groups, plugins.texts())
    assert digest(first) == digest(application_commands(groups, plugins.texts()))
    assert digest(first) != digest(application_commands(groups[:-1], plugins.texts()))


def _with_menu(index: int) -> Command:
    @command(menu=f"Menu {index}", name=f"c{index}")
    async def act(ctx: Context, text: LongText) -> Reply:
        """Act"""
        return Reply()

    return act


@pytest.mark.parametrize(("count", "shown"), [(MENU_LIMIT, MENU_LIMIT), (MENU_LIMIT + 3, MENU_LIMIT)])
def test_more_menus_than_discord_py_allows_share_the_last(plugins: Plugins, count: int, shown: int) -> None:
    group = Group("many", "Many", tuple(_with_menu(n) for n in range(count)))
    names = [c["name"] for c in application_commands([group], plugins.texts()) if c["type"] == 3]
    assert len(names) == shown
    assert (MORE in names) == (count > MENU_LIMIT)
