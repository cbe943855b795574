"""The passages behind a summary, with a little of what stands around them, small enough for a button to hold."""

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from plugins.article.model import Passage
from shared.command import MAX_TEXT
from shared.errors import BadInput

MOST: Final = 20
CONTEXT: Final = 140
"""Characters on either side of a passage."""
LEAST: Final = 40
_STEP: Final = 0.8


class Shown(msgspec.Struct, frozen=True, array_like=True):
    """A passage and what stands around it; `said` is what the summary makes of it, "" where it says just that."""

    before: str
    quote: str
    after: str
    said: str = ""


_decoder: Final = msgspec.json.Decoder(list[Shown])


def cut(text: str, passages: Sequence[Passage]) -> list[Shown]:
    """Return the first `MOST` passages out of an article, as much of each as a command's text can hold of all."""
    chosen = passages[:MOST]
    budget = float(MAX_TEXT // max(1, len(chosen)))
    while True:
        found = [_shown(text, passage, int(budget)) for passage in chosen]
        if len(pack(found)) <= MAX_TEXT or budget < LEAST:
            return found
        budget *= _STEP


def pack(shown: Sequence[Shown]) -> str:
    """Write passages as one text, for a button's arguments."""
    return msgspec.json.encode(list(shown)).decode()


def unpack(packed: str) -> list[Shown]:
    """Read what `pack` wrote. Raises `BadInput` where it is something else."""
    try:
        return _decoder.decode(packed)
    except msgspec.DecodeError:
        raise BadInput("These passages cannot be read any more: summarise the text again.") from None


def _shown(text: str, passage: Passage, budget: int) -> Shown:
    said = "" if passage.exact else _clipped(passage.said, budget // 2)
    left = max(LEAST, budget - len(said))
    quote = _clipped(_flat(text[passage.start : passage.end]), left)
    if not quote:
        return Shown("", "", "", said)
    around = max(0, min(CONTEXT, (left - len(quote)) // 2))
    before = text[max(0, passage.start - around) : passage.start]
    after = text[passage.end : passage.end + around]
    if passage.start > around and around:
        # From a whole word on; Chinese is not written in words.
        broken = re.match(r"\S{1,20}\s", before)
        before = f"…{before[broken.end() if broken else 0 :]}"
    if passage.end + around < len(text) and around:
        broken = re.search(r"\s\S{1,20}$", after)
        after = f"{after[: broken.start() if broken else len(after)]}…"
    return Shown(_flat(before), quote, _flat(after), said)


def _flat(text: str) -> str:
    """Return a text on one line."""
    return " ".join(text.split())


def _clipped(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: max(1, limit - 1)]}…"
