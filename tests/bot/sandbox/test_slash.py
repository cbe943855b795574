"""Slash commands and menus: what a person types reaches discord.py, and what Discord would not take is refused."""

import json

import pytest

from bot.sandbox.server import Sandbox
from tests.bot.sandbox.plain_bot import PlainBot
from tests.kit.answer import Refused
from tests.kit.person import File, Person

OPTIONS = {
    "text": "hello",
    "count": 3,
    "ratio": 0.5,
    "flag": True,
    "user": "member-2",
    "place": "models",
    "role": "Members",
    "either": "Administrators",
    "file": File("note.txt", b"written"),
    "size": "b",
}


async def test_the_bot_logs_in_and_registers_its_commands(
    sandbox: Sandbox, bot: PlainBot, person: Person
) -> None:
    assert bot.user is not None
    assert bot.user.name == "Hearth"
    assert [guild.name for guild in bot.guilds] == ["Hearth Sandbox"]
    assert {c["name"] for c in person.commands} >= {"ping", "everything", "deep", "Inspect message"}
    fetched = await bot.tree.fetch_commands()
    assert {c.name for c in fetched} == {c["name"] for c in person.commands}


async def test_a_command_is_answered(person: Person) -> None:
    answer = await person.slash("ping")
    assert (answer.text, answer.callback_type, answer.ephemeral) == ("pong", 4, False)
    assert answer.message.raw["interaction_metadata"]["user"]["username"] == "member-1"


async def test_options_of_every_type_arrive(person: Person) -> None:
    person.locale = "zh-TW"
    answer = await person.slash("everything", OPTIONS)
    assert json.loads(answer.text) == [
        *("hello", 3, 0.5, True, "member-2", "models", "Members", "Administrators", "b", None),
        *("note.txt", "written", "zh-TW"),
    ]


async def test_subcommands_of_both_depths_arrive(person: Person) -> None:
    assert (await person.slash("deep one", n=4)).text == "one 4"
    two = await person.slash("deep inner two")
    assert two.text == "two"
    assert two.message.raw["interaction"]["name"] == "deep inner two"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"text": "x"}, "options.text"),
        ({"text": "x" * 11}, "options.text"),
        ({"text": ""}, "options.text"),
        ({"text": 5}, "options.text"),
        ({"count": 0}, "options.count"),
        ({"count": 31}, "options.count"),
        ({"count": 1.5}, "options.count"),
        ({"count": True}, "options.count"),
        ({"ratio": 1.1}, "options.ratio"),
        ({"flag": "yes"}, "options.flag"),
        ({"user": "1"}, "options.user"),
        ({"place": "admin"}, "options.place"),
        ({"role": "1"}, "options.role"),
        ({"size": "huge"}, "options.size"),
        ({"file": 7}, "options.file"),
        ({"text": None}, "options.text"),
    ],
)
async def test_what_discord_would_not_take_is_refused(
    person: Person, change: dict[str, object], field: str
) -> None:
    with pytest.raises(Refused) as refusal:
        await person.slash("everything", {**OPTIONS, **change})
    assert (refusal.value.status, refusal.value.field) == (400, field)


async def test_a_required_option_that_is_left_out_is_refused(person: Person) -> None:
    with pytest.raises(Refused, match="“n” is required"):
        await person.slash("deep one")


async def test_a_text_of_6001_characters_is_refused_by_default(person: Person) -> None:
    with pytest.raises(Refused, match="6000 characters"):
        await person.slash("suggest", word="x" * 6001)


async def test_commands_for_some_are_refused_to_others(person: Person, admin: Person) -> None:
    with pytest.raises(Refused) as refusal:
        await person.slash("secret")
    assert refusal.value.status == 403
    assert (await admin.slash("secret")).text == "secret"


async def test_autocomplete_suggests(person: Person) -> None:
    choices = await person.complete("suggest", "word", "ban")
    assert [choice["value"] for choice in choices] == ["bana", "banb"]


async def test_a_menu_brings_the_message_it_was_opened_on(person: Person, other: Person) -> None:
    said = await other.say("read me", files=[File("a.txt", b"a")])
    answer = await person.menu("Inspect message", said)
    assert json.loads(answer.text) == ["member-2", "read me", ["a.txt"]]
    assert answer.message.raw["type"] == 23


async def test_a_menu_brings_the_user_it_was_opened_on(person: Person, other: Person) -> None:
    assert (await person.menu("Inspect user", other)).text == "member-2"


async def test_commands_work_in_direct_conversation(person: Person) -> None:
    channel = await person.open_direct()
    answer = await person.slash("ping", channel=channel)
    assert (answer.text, answer.message.channel_id) == ("pong", channel)


async def test_a_command_that_is_gone_is_refused(sandbox: Sandbox, bot: PlainBot, person: Person) -> None:
    before = list(person.commands)
    bot.tree.remove_command("ping")
    await bot.tree.sync()
    async with Person.of(sandbox, "member-1") as newcomer:
        assert "ping" not in [c["name"] for c in newcomer.commands]
        newcomer.commands = before
        with pytest.raises(Refused, match="gone"):
            await newcomer.slash("ping")
