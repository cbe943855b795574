"""Models and their cards, as chat shows them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cards import course_of, figures_of, for_chat
from shared.errors import BadInput
from tests.kit.caller import Caller


async def test_the_list_names_every_model_and_what_answers(caller: Caller) -> None:
    reply = await caller("models", "list")
    spam = next(field for field in reply.fields if field.name == "spam")
    assert "default · ships with Hearth" in spam.value
    assert "Spam in text messages" in spam.value
    chinese = await caller("models", "list", locale="zh-TW")
    assert any("隨 Hearth 提供" in field.value for field in chinese.fields)


async def test_a_card_is_shown_and_attached(caller: Caller) -> None:
    reply = await caller("models", "card", model="spam")
    assert "CC BY 4.0" in reply.text
    assert "- **roc_auc** – value: 1.000" in reply.text
    assert reply.files[0].name == "spam.md"
    assert reply.files[0].data.startswith(b"# Spam in text messages")
    with pytest.raises(BadInput, match="no model named"):
        await caller("models", "card", model="nothing")


def test_tables_become_lists_and_paragraphs_one_line() -> None:
    tables = "| | |\n|---|---|\n| a | b |\n\n| m | v | base |\n|---|--:|---|\n| f1 | 1 | 0 |"
    assert (
        for_chat(f"# T\n\nOne\ntwo.\n\n{tables}\n\n- x\n  y\n- z\n")
        == "# T\n\nOne two.\n\n- **a** – b\n\n- **f1** – v: 1 · base: 0\n\n- x y\n- z"
    )


def test_figures_are_read_from_a_card() -> None:
    card = (
        "# T\n\n| a | b |\n|---|---|\n| the course's net | 0.71 |\n\n"
        "| metric | value | 95 % interval | always x | y |\n|---|---|---|---|---|\n"
        "| f1 | 0.9 | 0.8 – 0.95 | 0.5 | – |\n| odd | many | 0 – 1 | 0 | 0 |\n"
    )
    (figure,) = figures_of(card)
    assert (figure.name, figure.value, figure.low, figure.high) == ("f1", 0.9, 0.8, 0.95)
    assert figure.beside == [("always x", 0.5)]
    assert course_of(card) == "the course's net · b: 0.71"
    assert (
        course_of("The course reports an accuracy of 99 %; more.")
        == "The course reports an accuracy of 99 %;"
    )
    assert course_of("nothing") == ""


@given(st.text(alphabet="|-# \na*`", max_size=200))
def test_any_card_can_be_shown(card: str) -> None:
    assert sorted(c for c in for_chat(card) if c == "a") == sorted(c for c in card if c == "a") or "|" in card
