"""What chat sees of the digits plugin: the number in a picture, line by line, with what is unsure."""

from typing import Final

from plugins.digits.model import DigitsModel, DigitsRequest, DigitsResult, ReadDigit
from shared.command import Image, command
from shared.context import Context
from shared.reply import Field, Picture, Reply

TOLD: Final = 8
"""Unsure digits that are told one by one, at most."""
LEAST: Final = 0.02
"""Other readings that are less probable are not told."""
LONGEST: Final = 1500
"""Characters of the number that are shown, at most."""


@command()
async def read(ctx: Context, picture: Image) -> Reply:
    """Read the digits in a photo or a drawing

    picture: a photo or a drawing with digits
    """
    found = await ctx.predict(DigitsModel, DigitsRequest(picture.data))
    if not found.lines:
        return await _refused(ctx, found)
    digits = [digit for line in found.lines for number in line for digit in number]
    unsure = [
        (row, place, digit)
        for row, line in enumerate(found.lines, 1)
        for place, digit in enumerate((digit for number in line for digit in number), 1)
        if digit.unsure
    ]
    number = "\n".join(_written(line) for line in found.lines)
    text = [f"```\n{number[:LONGEST]}\n```"]
    if found.many:
        text.append(
            ctx.text("⚠️ The picture holds more than can be read at once; the largest pieces were looked at.")
        )
    if unsure:
        text.append(_unsure(ctx, unsure, len(found.lines) > 1))
    return Reply(
        title=_title(ctx, found, number),
        text="\n".join(text),
        tone="unsure" if unsure else "good",
        fields=(
            Field(ctx.text("Digits"), str(len(digits))),
            Field(ctx.text("Least probable"), f"{min(digit.probability for digit in digits):.1%}"),
            Field(ctx.text("Unsure"), str(len(unsure))),
        ),
        pictures=(
            Picture(
                found.picture,
                ctx.text("The picture with a box around each digit: {number}", number=number[:200]),
                "digits.png",
            ),
        ),
        source=await ctx.source(DigitsModel),
    )


async def _refused(ctx: Context, found: DigitsResult) -> Reply:
    lines = [
        ctx.text("There is no digit that I could make out in this picture."),
        ctx.text(
            "Write large and clearly, dark on bright or bright on dark, and let the digits fill the picture."
        ),
    ]
    if found.many:
        lines.append(ctx.text("It holds so many pieces that only the largest were looked at."))
    return Reply(
        title=ctx.text("No digits found"),
        text="\n".join(lines),
        tone="bad",
        source=await ctx.source(DigitsModel),
    )


def _title(ctx: Context, found: DigitsResult, number: str) -> str:
    if len(found.lines) == 1 and len(number) <= 24:
        return f"🔢 {number}"
    return "🔢 " + ctx.plural("{count} line of digits", "{count} lines of digits", len(found.lines))


def _written(line: list[list[ReadDigit]]) -> str:
    return " ".join("".join(str(digit.value) for digit in number) for number in line)


def _unsure(ctx: Context, unsure: list[tuple[int, int, ReadDigit]], several: bool) -> str:
    lines = [ctx.text("Not sure of:")]
    for row, place, digit in unsure[:TOLD]:
        where = (
            ctx.text("line {row}, digit {place}", row=row, place=place)
            if several
            else ctx.text("digit {place}", place=place)
        )
        said = f"**{digit.value}** ({digit.probability:.0%})"
        others = [f"{value} ({share:.0%})" for value, share in digit.others if share >= LEAST]
        if others:
            said = ctx.text("{said}, or {others}", said=said, others=", ".join(others))
        lines.append(f"• {where}: {said}")
    if len(unsure) > TOLD:
        lines.append(ctx.plural("• and {count} more", "• and {count} more", len(unsure) - TOLD))
    return "\n".join(lines)
