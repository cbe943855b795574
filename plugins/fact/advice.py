"""Puts the findings of the checklist into words: what to check in this very text."""

from typing import Final

from plugins.fact.checklist import LONGEST, Finding, check, headline
from shared.context import Context
from shared.reply import escape

EXCERPT: Final = 48
"""Characters of the text that a line quotes."""


def advice(ctx: Context, text: str) -> str:
    """Return a list, one line a finding, what to doubt first; the last says what to search other outlets for."""
    text = text[:LONGEST]
    lines = [f"{'✔️' if finding.ok else '⚠️'} {_line(ctx, text, finding)}" for finding in check(text)]
    if words := headline(text):
        lines.append("🔍 " + ctx.text("Search other outlets for: {words}", words=f"“{escape(words)}”"))
    return "\n".join(lines)


def _line(ctx: Context, text: str, finding: Finding) -> str:
    example = _example(text, finding)
    match finding.topic, finding.ok:
        case "source", True:
            return ctx.text("Names a source ({example}): did they say so?", example=example)
        case "source", False:
            return ctx.text("Names no source: who says so, and how do they know?")
        case "date", True:
            return ctx.text("Gives a date ({example}): is it that of the event?", example=example)
        case "date", False:
            return ctx.text("Gives no date: old news often comes round again.")
        case "links", True:
            return ctx.plural(
                "Has one link: does it lead to where this comes from?",
                "Has {count} links: do they lead to where this comes from?",
                finding.count,
            )
        case "links", False:
            return ctx.text("Has no link to where this comes from.")
        case "quotes", True:
            return ctx.text("Its quotes have a speaker: search for their words ({example}).", example=example)
        case "quotes", False:
            return ctx.text("Quotes words without saying whose they are ({example}).", example=example)
        case "numbers", True:
            return ctx.text("Its numbers have a source ({example}): look them up there.", example=example)
        case "numbers", False:
            return ctx.text("Gives numbers without a source ({example}).", example=example)
        case "vague", _:
            return ctx.text("Leans on somebody unnamed ({example}).", example=example)
        case "shouting", _:
            return ctx.text("Shouts ({example}).", example=example)
        case _:
            return ctx.text("Urges or alarms ({example}): take your time.", example=example)


def _example(text: str, finding: Finding) -> str:
    if not finding.spans:
        return ""
    words = " ".join(text[finding.spans[0].start : finding.spans[0].end].split())
    return escape(words if len(words) <= EXCERPT else words[: EXCERPT - 1].rstrip() + "…")
