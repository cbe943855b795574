"""A text whose words speak for a verdict, as chat quotes it: with these words marked."""

from collections.abc import Iterable
from typing import Final

from shared.reply import escape

QUOTED: Final = 600
"""Characters of a text that are quoted."""
Weighted = tuple[int, int, float]
"""A word at start:end of a text, and what it weighs."""


def percent(probability: float) -> str:
    """Write a probability; no model is certain, so the ends stay open."""
    if probability > 0.999:
        return escape("> 99.9%")
    return escape("< 0.1%") if probability < 0.001 else f"{probability:.1%}"


def quoted(text: str, words: Iterable[Weighted]) -> str:
    """Quote the beginning of a text, its words in bold where they weigh above zero, else underlined."""
    parts, at = [], 0
    for start, end, weight in sorted(words):
        if start < at or end > QUOTED:
            continue
        sign = "**" if weight > 0 else "__"
        parts += [escape(text[at:start]), f"{sign}{escape(text[start:end])}{sign}"]
        at = end
    parts.append(escape(text[at:QUOTED]) + (" …" if len(text) > QUOTED else ""))
    return "\n".join(f"> {line}" for line in "".join(parts).splitlines())
