"""Fonts for charts: which face draws which character, in scripts from Latin to Chinese, Arabic and emoji.

The faces are those of Noto that the packages `manimgx-fonts` and `manimgx-fonts-cjk` hold (SIL Open Font Licence).
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Final

from PIL import ImageFont

REGULAR: Final = 400
BOLD: Final = 650
ABSENT: Final = "\u25ab"
"""Stands for what no face has, and for what cannot be printed."""
TRADITIONAL: Final = 3
"""Place of Traditional Chinese in the collection of Noto Sans CJK."""
# fmt: off
SCRIPTS: Final = (
    "Arabic", "Hebrew", "Thai", "Devanagari", "Symbols", "Armenian", "Bengali", "Ethiopic", "Georgian", "Gujarati",
    "Gurmukhi", "Kannada", "Khmer", "Lao", "Malayalam", "Myanmar", "Oriya", "Sinhala", "Tamil", "Telugu",
)
# fmt: on
FACES: Final = (
    ("manimgx_fonts", "NotoSans[wght].ttf", 0),
    ("manimgx_fonts_cjk", "NotoSansCJK-VF.otf.ttc", TRADITIONAL),
    ("manimgx_fonts", "NotoEmoji[wght].ttf", 0),
    *(("manimgx_fonts", f"NotoSans{script}[wght].ttf", 0) for script in SCRIPTS),
)
"""Package, file and place in it, in the order in which they are asked for a character."""
EMOJI: Final = 2
JOINER: Final = "\u200d"
AS_EMOJI: Final = "\ufe0f"


@dataclass(frozen=True, slots=True)
class Run:
    """Characters that one face draws."""

    text: str
    face: int


@lru_cache(maxsize=128)
def face(index: int, size: int, weight: int) -> ImageFont.FreeTypeFont:
    """Return a face at a size in pixels and a weight of 100 to 900."""
    package, name, place = FACES[index]
    font = ImageFont.truetype(str(files(package) / name), size, index=place)
    font.set_variation_by_axes([float(weight)])
    return font


def printable(text: str) -> str:
    """Put a small square in the place of what cannot be printed; the length stays, newlines too."""
    return "".join(_printable(character) for character in text)


def clusters(text: str) -> Iterator[str]:
    """Yield what is read as one character each: a base with its marks, a joined emoji, a flag."""
    start = 0
    for at in range(1, len(text) + 1):
        if at == len(text) or not _continues(text, start, at):
            if at > start:
                yield text[start:at]
            start = at


@lru_cache(maxsize=8192)
def runs(text: str) -> tuple[Run, ...]:
    """Divide a printable text into runs of one face."""
    found: list[Run] = []
    for cluster in clusters(text):
        index = _face_of(cluster)
        shown = cluster if index is not None else ABSENT
        chosen = index if index is not None else (_face_of(ABSENT) or 0)
        if found and found[-1].face == chosen:
            found[-1] = Run(found[-1].text + shown, chosen)
        else:
            found.append(Run(shown, chosen))
    return tuple(found)


@lru_cache(maxsize=8192)
def width(text: str, size: int, weight: int = REGULAR) -> float:
    """Return the width of a text in pixels."""
    return sum(face(run.face, size, weight).getlength(run.text) for run in runs(text))


def forget_words() -> None:
    """Empty what is remembered of texts: people's words are not kept beyond the chart that they are on."""
    runs.cache_clear()
    width.cache_clear()


def fit(text: str, size: int, room: float, weight: int = REGULAR) -> str:
    """Shorten a text, with an ellipsis, until it fits into `room` pixels."""
    if width(text, size, weight) <= room:
        return text
    kept = list(clusters(text))
    while kept and width("".join(kept) + "…", size, weight) > room:
        kept.pop()
    return "".join(kept) + "…"


def _printable(character: str) -> str:
    if character in ("\n", JOINER) or character.isprintable():
        return character
    # Other spaces are spaces; marks of direction and controls show that they are there.
    return " " if character.isspace() or unicodedata.category(character) == "Zs" else ABSENT


def _continues(text: str, start: int, at: int) -> bool:
    """Tell whether the character at `at` belongs to the cluster that began at `start`."""
    character, before = text[at], text[at - 1]
    if before == JOINER or character == JOINER or unicodedata.category(character)[0] == "M":
        return not before.isspace()
    if 0x1F3FB <= ord(character) <= 0x1F3FF:
        return not before.isspace()
    return at - start == 1 and _is_flag_half(before) and _is_flag_half(character)


def _is_flag_half(character: str) -> bool:
    return 0x1F1E6 <= ord(character) <= 0x1F1FF


@lru_cache(maxsize=16384)
def _face_of(cluster: str) -> int | None:
    """Return the first face that has a cluster's base; the one of emoji first where the text asks for it."""
    base = cluster[0]
    if AS_EMOJI in cluster and _has(EMOJI, base):
        return EMOJI
    return next((index for index in range(len(FACES)) if base == " " or _has(index, base)), None)


def _has(index: int, character: str) -> bool:
    font = _plain(index)
    return bytes(font.getmask(character)) != _absent(index)


@lru_cache(maxsize=len(FACES))
def _absent(index: int) -> bytes:
    # No face may ever have this one: it is no character.
    return bytes(_plain(index).getmask("\U0010ffff"))


@lru_cache(maxsize=len(FACES))
def _plain(index: int) -> ImageFont.FreeTypeFont:
    package, name, place = FACES[index]
    path = str(files(package) / name)
    return ImageFont.truetype(path, 16, index=place, layout_engine=ImageFont.Layout.BASIC)
