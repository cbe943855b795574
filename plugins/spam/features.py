"""What the spam model sees of a text: word 1-2-grams, and character 1-5-grams within words.

The same code makes the features for training and for prediction. Each n-gram knows the words that it lies in, so that
a score can be taken apart word by word without remainder.
"""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

LONGEST: Final = 5
_WORD: Final = re.compile(r"\S+")
_TOKEN: Final = re.compile(r"\w+|[£$€!?]")
_PROPER: Final = re.compile(r"\w+")


class Word(NamedTuple):
    """A run of characters without a space: its place in the text, and its folded form."""

    start: int
    end: int
    folded: str


def fold(text: str) -> str:
    """Lower the case and make every digit 0, so that one phone number is like another; the length stays."""
    folded = text.lower()
    if len(folded) != len(text):
        # Few letters grow when lowered; those stay as they are.
        folded = "".join(low if len(low := c.lower()) == 1 else c for c in text)
    return re.sub(r"\d", "0", folded)


def words(text: str) -> list[Word]:
    """Return the words of a text."""
    return [Word(m.start(), m.end(), m.group()) for m in _WORD.finditer(fold(text))]


def word_grams(found: Sequence[Word]) -> list[tuple[str, int, int]]:
    """Return each token and each pair of neighbours: (n-gram, index of its first word, index of its last word)."""
    placed = [(token, index) for index, word in enumerate(found) for token in _TOKEN.findall(word.folded)]
    pairs = [(f"{a} {b}", first, last) for (a, first), (b, last) in pairwise(placed)]
    return [(token, index, index) for token, index in placed] + pairs


def character_grams(word: str) -> list[str]:
    """Return the 1- to 5-grams of a folded word with a space before and after it."""
    padded = f" {word} "
    size = len(padded)
    return [
        padded[at : at + length]
        for length in range(1, min(LONGEST, size) + 1)
        for at in range(size - length + 1)
    ]


def tokens(found: Sequence[Word]) -> list[str]:
    """Return the words proper, without signs: what the model can know or not know."""
    return [token for word in found for token in _PROPER.findall(word.folded)]
