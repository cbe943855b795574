"""What the spam model sees of a text: word 1-2-grams, and character 1-6-grams within words.

The same code makes the features for training and for prediction. Each n-gram knows the words that it lies in, so that
a score can be taken apart word by word without remainder.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

LONGEST: Final = 6
_WORD: Final = re.compile(r"\S+")
_TOKEN: Final = re.compile(r"\w+|[£$€!?]")


@dataclass(frozen=True, slots=True)
class Word:
    """A run of characters without a space: its place in the text, and its folded form."""

    start: int
    end: int
    folded: str


def fold(text: str) -> str:
    """Lower the case and make every digit 0, so that one phone number is like another; the length stays."""
    folded = text.lower()
    if len(folded) != len(text):
        # Few letters grow when lowered; those stay as they are.
        folded = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    return re.sub(r"\d", "0", folded)


def words(text: str) -> list[Word]:
    """Return the words of a text."""
    folded = fold(text)
    return [Word(m.start(), m.end(), m.group()) for m in _WORD.finditer(folded)]


def word_grams(found: Sequence[Word]) -> Iterator[tuple[str, int, int]]:
    """Yield each token and each pair of neighbours: (n-gram, index of the first word, index of the last word)."""
    before: tuple[str, int] | None = None
    for index, word in enumerate(found):
        for token in _TOKEN.findall(word.folded):
            yield token, index, index
            if before is not None:
                yield f"{before[0]} {token}", before[1], index
            before = token, index


def character_grams(found: Sequence[Word]) -> Iterator[tuple[str, int, int]]:
    """Yield the 1- to 6-grams of each word, a space before and after it; as `word_grams` does."""
    for index, word in enumerate(found):
        padded = f" {word.folded} "
        for length in range(1, LONGEST + 1):
            if length >= len(padded):
                yield padded, index, index
                break
            for at in range(len(padded) - length + 1):
                yield padded[at : at + length], index, index


def tokens(found: Sequence[Word]) -> list[str]:
    """Return the words proper, without signs: what the model can know or not know."""
    return [found_one for word in found for found_one in re.findall(r"\w+", word.folded)]
