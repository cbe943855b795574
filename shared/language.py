"""English or Chinese: which of them a text is in, its sentences, and its characters in simplified form.

Everything takes time linear in the text, whatever it holds.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import Final, Literal, NamedTuple

Language = Literal["en", "zh"]

LONGEST: Final = 1000
"""Characters of a sentence at most: a text without full stops is cut at commas and spaces."""
HAN_SHARE: Final = 0.25
"""From which share of Han characters among all words (a Han character, a run of other letters) a text is Chinese."""
_HAN: Final = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
_SPELLED: Final = re.compile(rf"[^\W\d_{_HAN}]+")
_ONE_HAN: Final = re.compile(f"[{_HAN}]")
# What may follow a sentence and still belongs to it: closing quotes and brackets.
_STOP: Final = re.compile(r"(?P<stop>[.!?。！？｡]+|…{2,})(?P<closed>[\"'”’」』）)\]》]*)|\n")
_BREAK: Final = re.compile(r"[,;:，；：、\s]")
_ABBREVIATIONS: Final = re.compile(
    r"mr|mrs|ms|dr|prof|rev|gen|sen|rep|gov|sgt|col|capt|lt|st|mt|jr|sr|vs|etc|eg|ie|al|approx|est|inc|ltd|co|corp|dept|"
    r"nos?|fig|vol|pp|ed|cf|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|mon|tue|wed|thu|fri|sat|sun"
)
_BEFORE: Final = 24
"""Characters looked back at to see which word a full stop ends."""


class Span(NamedTuple):
    """A piece of a text, as `text[start:end]`."""

    start: int
    end: int


def has_han(text: str) -> bool:
    """Tell whether a text holds a Chinese character."""
    return _ONE_HAN.search(text) is not None


def language_of(text: str) -> Language:
    """Tell whether a text is mainly Chinese; everything else counts as English."""
    han = len(_ONE_HAN.findall(text))
    return "zh" if han and han >= HAN_SHARE * (han + len(_SPELLED.findall(text))) else "en"


def sentences(text: str) -> list[Span]:
    """Return the sentences of an English, Chinese or mixed text, in order, without the space around them.

    Every character but white space lies in exactly one of them. A line's end is a sentence's end, unless the next line
    goes on in lower case; a full stop without a space behind it is one where a capitalised word follows.
    """
    found: list[Span] = []
    start = 0
    for end in (*_ends(text), len(text)):
        piece = text[start:end]
        lead = len(piece) - len(piece.lstrip())
        span = Span(start + lead, start + len(piece.rstrip()))
        if span.start < span.end:
            found += _cut(text, span)
        start = end
    return found


def simplified(text: str) -> str:
    """Return the text with each traditional character in its simplified form; its length stays the same.

    Character by character (OpenCC's table), so that places in the result are places in the text.
    """
    return text.translate(_simplified_forms())


def _ends(text: str) -> Iterator[int]:
    """Yield the places where a sentence ends."""
    for match in _STOP.finditer(text):
        if match["stop"] is None:
            after = text[match.end() : match.end() + 1]
            if not after.islower() or text[max(0, match.start() - 1) : match.start()] == "\n":
                yield match.end()
        elif _is_end(text, match):
            yield match.end()


def _is_end(text: str, match: re.Match[str]) -> bool:
    stop, closed = match["stop"], match["closed"]
    following = text[match.end() : match.end() + 2]
    if not following or stop[0] in "。！？｡":
        return True
    if stop[0] == "…":
        return following[0].isspace()
    if has_han(following[0]):
        return True
    before = text[max(0, match.start() - _BEFORE) : match.start()]
    if not following[0].isspace():
        # "the end.The next": the space was lost.
        return (
            not closed
            and len(before) > 1
            and before[-1].islower()
            and before[-2].islower()
            and len(following) == 2
            and following[0].isupper()
            and following[1].islower()
        )
    rest = text[match.end() : match.end() + _BEFORE].lstrip()
    lower = rest[:1].islower()
    if closed and lower:
        # '"Why?" he asked.'
        return False
    if stop != ".":
        return True
    word = re.search(r"[^\s(\"'“‘]*$", before)
    last = word.group() if word else ""
    if not last or _ABBREVIATIONS.fullmatch(last.lower().replace(".", "")):
        return False
    # "J. K. Rowling", "U.S. troops"; "1. Wash your hands".
    if re.fullmatch(r"(?:\w\.)*[^\W\d_]", last) or (
        last.isdigit() and len(last) < 3 and _is_mark(before, last)
    ):
        return False
    return not lower or len(last) > 2


def _is_mark(before: str, word: str) -> bool:
    """Tell whether a number stands where an item of a list begins; "on Dec. 12." is none."""
    lead = before[: len(before) - len(word)].rstrip(" \t")
    if not lead or lead[-1] in "\n!?:;":
        return True
    return lead[-1] == "." and not _ABBREVIATIONS.fullmatch(lead[:-1].rpartition(" ")[2].lower())


def _cut(text: str, span: Span) -> Iterator[Span]:
    """Cut what is too long for one sentence."""
    start, end = span
    while end - start > LONGEST:
        places = [m.end() for m in _BREAK.finditer(text, start + LONGEST // 2, start + LONGEST)]
        cut = places[-1] if places else start + LONGEST
        yield Span(start, start + len(text[start:cut].rstrip()))
        start = cut + len(text[cut:end]) - len(text[cut:end].lstrip())
    if start < end:
        yield Span(start, end)


@cache
def _simplified_forms() -> dict[int, str]:
    from opencc import OpenCC

    characters = [
        chr(code)
        for first, last in ((0x3400, 0x9FFF), (0xF900, 0xFAFF))
        for code in range(first, last + 1)
        if unicodedata.category(chr(code)) == "Lo"
    ]
    # A line each: OpenCC must see no phrase in them.
    converted = OpenCC("t2s").convert("\n".join(characters)).split("\n")
    return {ord(a): b for a, b in zip(characters, converted, strict=True) if a != b and len(b) == 1}
