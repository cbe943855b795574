"""What the model sees of a text: n-grams of words and of characters, and whether it is a short post or an article.

The same code makes the features for training and for prediction. Each n-gram knows the words that it lies in, so that a
score can be taken apart word by word without remainder.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal, NamedTuple

from plugins.fact.cleaning import Cleaned

Kind = Literal["post", "article"]
MOST: Final = 20_000
"""Characters that are read; the style of a longer text shows long before."""
OPENING: Final = 400
"""Characters of an article's beginning that its sentence vector stands for: the title and the first sentences."""
MIDDLE: Final = 60.0
"""Words of a text that is as much a short post as an article."""
SHARPNESS: Final = 12.0
"""How fast the one becomes the other: at 1.25 times the words, 94 % article."""
_WORD: Final = re.compile(r"\S+")
_TOKEN: Final = re.compile(r"\w+|[^\w\s]")
_PROPER: Final = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")


class Word(NamedTuple):
    """A run of characters without a space: its place in the text, and itself."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Recipe:
    """Which n-grams an expert looks at: words up to `words` in a row, characters `shortest` to `longest` long."""

    words: int
    shortest: int
    longest: int


RECIPES: Final[Mapping[Kind, Recipe]] = {"post": Recipe(3, 2, 6), "article": Recipe(1, 2, 3)}
"""Chosen by grouped cross-validation; see the model card."""


def article_share(text: str) -> float:
    """Return how much a cleaned text is an article rather than a short post, 0…1, by the number of its words."""
    count = sum(1 for _ in _WORD.finditer(text))
    return 1 / (1 + math.exp(-SHARPNESS * math.log(max(count, 1) / MIDDLE)))


def words(text: str) -> list[Word]:
    """Return the words of a text."""
    return [Word(m.start(), m.end(), m.group()) for m in _WORD.finditer(text)]


def word_grams(found: Sequence[Word], longest: int) -> list[tuple[str, int, int]]:
    """Return each run of up to `longest` tokens: (n-gram, index of its first word, index of its last word)."""
    placed = [(token, at) for at, word in enumerate(found) for token in _TOKEN.findall(word.text.lower())]
    grams = [(token, at, at) for token, at in placed]
    if longest > 1:
        grams += [(f"{a} {b}", first, last) for (a, first), (b, last) in pairwise(placed)]
    if longest > 2:
        grams += [
            (f"{a} {b} {c}", first, last)
            for (a, first), (b, _), (c, last) in zip(placed, placed[1:], placed[2:], strict=False)
        ]
    return grams


def character_grams(word: str, shortest: int, longest: int) -> list[str]:
    """Return the n-grams of a word, its case kept, with a space before and after it."""
    padded = f" {word[:80]} "
    size = len(padded)
    return [
        padded[at : at + length]
        for length in range(shortest, min(longest, size) + 1)
        for at in range(size - length + 1)
    ]


def vocabulary(text: str) -> list[str]:
    """Return the words proper of a cleaned text, in lower case: what the model can know or not know."""
    return [word.lower().replace("’", "'") for word in _PROPER.findall(text)]


def latin_share(text: str) -> float:
    """Return the share of letters that are English ones; 0 for a text without letters."""
    letters = sum(1 for c in text if c.isalpha())
    return sum(1 for c in text if c.isascii() and c.isalpha()) / letters if letters else 0.0


def opening(text: str) -> str:
    """Return the beginning of a text, its white space folded."""
    return " ".join(text[:OPENING].split())


def form(cleaned: Cleaned, marked: bool) -> str:
    """Return the text that n-grams are taken from: with or without what stands for links and handles."""
    return (cleaned.kept if marked else cleaned.text)[:MOST]
