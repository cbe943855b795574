"""How long a text takes to read.

English at 238 words a minute (Brysbaert 2019, silent reading of non-fiction, 190 studies), Chinese at 255 characters a
minute (Trauzettel-Klosinski & Dietz 2012, IReST, read aloud: silent reading is rather faster).
"""

from typing import Final

WORDS_A_MINUTE: Final = 238
CHARACTERS_A_MINUTE: Final = 255


def reading_seconds(words: int, characters: int) -> float:
    """Return the seconds that so many words and Chinese characters take together."""
    return 60 * (words / WORDS_A_MINUTE + characters / CHARACTERS_A_MINUTE)
