"""What of a review is read: links, mentions and entities out, white space folded, simplified characters, bounded."""

import html
import re
import unicodedata
from typing import Final

from shared.language import simplified

LONGEST: Final = 2000
"""Characters of a review that are read: the rest of a longer one has no part in its topic."""
_LINK: Final = re.compile(r"https?://\S+|www\.\S+|\S+@\S+\.\w+|<[a-zA-Z/!][^<>]{0,200}>|@\w+")
_SPACE: Final = re.compile(r"\s+")
_REPEATED: Final = re.compile(r"(.)\1{3,}")


def cleaned(text: str) -> str:
    """Return the text as a person would read it: no links, no markup, no control characters; same script as before."""
    bounded = text[: 2 * LONGEST].encode("utf-8", "ignore").decode("utf-8")
    folded = unicodedata.normalize("NFKC", html.unescape(bounded))
    spoken = "".join(
        " " if character.isspace() or unicodedata.category(character)[0] == "C" else character
        for character in _LINK.sub(" ", folded)
    )
    return _REPEATED.sub(r"\1\1\1", _SPACE.sub(" ", spoken)).strip()[:LONGEST]


def folded(text: str) -> str:
    """Return a cleaned text in the form that is embedded and cut into words: simplified characters, lower case.

    As long as the text, so that places in one are places in the other.
    """
    lowered = "".join(low if len(low := character.lower()) == 1 else character for character in text)
    return simplified(lowered)


def has_words(text: str) -> bool:
    """Tell whether anything in a text is a letter or a digit."""
    return any(character.isalnum() for character in text)
