"""A command's signature says what chat asks for; one that chat cannot ask for is refused when it is declared."""

from typing import Annotated, Literal

import pytest

from shared.command import Images, LongText, Range, command, menu_parameter
from shared.context import Context
from shared.reply import Reply


def test_signature_and_docstring_become_a_declaration() -> None:
    @command(menu="Judge")
    async def judge(
        ctx: Context, text: LongText, days: Annotated[int, Range(1, 30)] = 7, way: Literal["a", "b"] = "a"
    ) -> Reply:
        """Judge a text.

        text: what to judge
        days: how long
        """
        return Reply()

    assert judge.description == "Judge a text"
    text, days, way = judge.parameters
    assert (text.kind, text.description, text.required) == ("long_text", "what to judge", True)
    assert (days.kind, days.minimum, days.maximum, days.default) == ("integer", 1, 30, 7)
    assert (way.kind, way.choices) == ("choice", ("a", "b"))
    assert menu_parameter(judge) == text


def test_a_trailing_underscore_is_not_part_of_the_name() -> None:
    @command()
    async def list_(ctx: Context) -> Reply:
        """List"""
        return Reply()

    assert list_.name == "list"


def test_declarations_that_chat_cannot_carry_are_refused() -> None:
    async def odd(ctx: Context, value: complex) -> Reply:
        """Take what no chat has"""
        return Reply()

    def plain(ctx: Context) -> Reply:
        """Not async"""
        return Reply()

    async def bare(text: str) -> Reply:
        """No context"""
        return Reply()

    async def silent(ctx: Context) -> Reply:
        return Reply()

    async def Shout(ctx: Context) -> Reply:  # noqa: N802
        """Have a name that Discord refuses"""
        return Reply()

    for function in (odd, plain, bare, silent, Shout):
        with pytest.raises(TypeError):
            command()(function)  # type: ignore[arg-type]


def test_a_menu_needs_one_text_or_picture_and_defaults_for_the_rest() -> None:
    async def two(ctx: Context, images: Images, days: int) -> Reply:
        """Need more than a message has"""
        return Reply()

    with pytest.raises(TypeError, match="menu"):
        command(menu="Two")(two)
