"""What the sentiment models see of a text: its tokens, each with its place.

English: words, numbers and ratings ("7/10"), and the signs that carry feeling. Chinese: single characters in their
simplified form, words of Latin letters, numbers, signs. The same code serves training and prediction.
"""

import re
from typing import Final, NamedTuple

from shared.language import Language, simplified

LONGEST: Final = 20_000
"""Characters of a text that are read; what follows them says nothing new about its tone."""
_TAG: Final = re.compile(r"<[^<>]{1,20}>")
_ENGLISH: Final = re.compile(
    r"\d+(?:\.\d+)?(?: ?/ ?\d+)?"
    r"|[^\W\d_]+(?:['’][^\W\d_]+)*"
    r"|[!?]+|\.\.+|[:;=]-?[()dp/|]|[.,;:()\"$%&*-]"
)
_CHINESE: Final = re.compile(
    r"[a-z]+|\d+(?:\.\d+)?|[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]|[!?！？。，,.、~…～]"
)
_SIGNS: Final = re.compile(r"[\W_]+")
_ALIKE: Final = str.maketrans("！？，～’", "!?,~'")


class Token(NamedTuple):
    """A token: its place in the text, and the form under which the models know it."""

    start: int
    end: int
    form: str

    @property
    def is_word(self) -> bool:
        """Tell whether it is more than a sign."""
        return _SIGNS.fullmatch(self.form) is None


def untagged(text: str) -> str:
    """Blank tags out, a line's end for each; the length stays the same."""
    return _TAG.sub(lambda match: "\n" + " " * (len(match.group()) - 1), text)


def fold(text: str, language: Language) -> str:
    """Lower the case, blank tags out, and make Chinese simplified; the length stays the same."""
    text = untagged(text)
    folded = text.lower()
    if len(folded) != len(text):
        # Few letters grow when lowered; those stay as they are.
        folded = "".join(low if len(low := c.lower()) == 1 else c for c in text)
    return simplified(folded) if language == "zh" else folded


def tokens(text: str, language: Language) -> list[Token]:
    """Return the tokens of the first `LONGEST` characters, in order."""
    pattern = _CHINESE if language == "zh" else _ENGLISH
    found = pattern.finditer(fold(text[:LONGEST], language))
    return [Token(m.start(), m.end(), _form(m.group(), language)) for m in found]


def _form(piece: str, language: Language) -> str:
    first = piece[0]
    if first.isdecimal():
        # A number in a Chinese review is a price or a room; in an English one it may be the verdict.
        return "0" if language == "zh" else piece.replace(" ", "")
    if first in "!?.":
        return piece[:2]
    return piece.translate(_ALIKE)
