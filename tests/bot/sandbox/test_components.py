"""Buttons, selects and forms."""

import json
from typing import Any

import pytest

from tests.kit.answer import Refused
from tests.kit.person import File, Person


async def test_a_button_updates_its_message(person: Person) -> None:
    panel = await person.slash("panel")
    pressed = await person.press(panel, "Update")
    assert (pressed.callback_type, pressed.message.id) == (7, panel.message.id)
    assert pressed.message.content == "updated"
    with pytest.raises(Refused, match="switched off"):
        await person.press(panel, "Update")


async def test_a_button_defers_and_edits_later(person: Person) -> None:
    panel = await person.slash("panel")
    pressed = await person.press(panel, "Later")
    assert pressed.callback_type == 6
    await pressed.until(lambda a: a.message.content == "later")
    assert pressed.message.components == []


async def test_a_button_answers_one_person_only(person: Person, other: Person) -> None:
    panel = await person.slash("panel")
    seen = await other.sees(lambda m: m.id == panel.message.id)
    whispered = await other.press(seen, "Whisper")
    assert (whispered.text, whispered.ephemeral) == ("for member-2 only", True)
    assert len(await person.history()) == 1


async def test_a_select_brings_its_values(person: Person) -> None:
    panel = await person.slash("panel")
    assert (await person.choose(panel, ["a", "c"], select="Fruit")).text == "a,c"
    assert (await person.choose(panel, ["member-2"], select="Who")).text == "member-2"


@pytest.mark.parametrize("values", [[], ["a", "b", "c"], ["a", "a"], ["kiwi"]])
async def test_a_select_takes_only_what_it_offers(person: Person, values: list[str]) -> None:
    panel = await person.slash("panel")
    with pytest.raises(Refused):
        await person.choose(panel, values, select="Fruit")


async def test_a_form_brings_text_choice_and_files(person: Person) -> None:
    opened = await person.slash("form")
    assert opened.modal is not None
    assert (opened.modal.title, list(opened.modal.inputs)) == ("Tell me", ["story", "colour", "papers"])
    sent = await person.submit(opened, story="once", colour="b", papers=[File("p.txt", b"paper")])
    assert json.loads(sent.text) == ["once", ["b"], [["p.txt", "paper"]]]


async def test_a_button_opens_a_form(person: Person) -> None:
    panel = await person.slash("panel")
    opened = await person.press(panel, "Ask")
    sent = await person.submit(opened, story="again", colour="r")
    assert json.loads(sent.text) == ["again", ["r"], []]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"story": "ab", "colour": "r"}, "at least 3"),
        ({"story": "x" * 21, "colour": "r"}, "20 characters at most"),
        ({"story": "", "colour": "r"}, "required"),
        ({"colour": "r"}, "required"),
        ({"story": "fine", "colour": "green"}, "given options"),
        ({"story": "fine", "colour": "r", "papers": [File(f"{n}", b"") for n in range(3)]}, "0 to 2"),
    ],
)
async def test_a_form_takes_only_what_it_asks_for(person: Person, values: dict[str, Any], words: str) -> None:
    opened = await person.slash("form")
    with pytest.raises(Refused, match=words):
        await person.submit(opened, **values)


async def test_a_form_can_be_sent_once_and_by_its_person_only(person: Person, other: Person) -> None:
    opened = await person.slash("form")
    with pytest.raises(Refused, match="no longer open"):
        await other.submit(opened, story="mine", colour="r")
    await person.submit(opened, story="once", colour="r")
    with pytest.raises(Refused, match="no longer open"):
        await person.submit(opened, story="twice", colour="r")
