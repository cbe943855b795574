"""Names of classes in English and Traditional Chinese: ImageNet's 1,000, or those that a model brings with it."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from plugins.image.model import Guess

IMAGENET: Final = Path(__file__).parent / "imagenet.tsv"
LONGEST: Final = 100
"""Characters of a name that a model brings; beyond them it is cut."""


@dataclass(frozen=True)
class Labels:
    """Names by place: WordNet id (empty where there is none), English, Chinese."""

    rows: tuple[tuple[str, str, str], ...]

    @classmethod
    def imagenet(cls) -> Self:
        """Read the names of ImageNet's 1,000 classes, in the order that is usual."""
        with IMAGENET.open(encoding="utf-8", newline="") as source:
            rows = csv.DictReader(source, delimiter="\t", quoting=csv.QUOTE_NONE)
            return cls(tuple((row["wnid"], row["english"], row["chinese"]) for row in rows))

    @classmethod
    def of(cls, names: Sequence[str]) -> Self:
        """Return names that a model brings; those that are ImageNet's, or its ids, get their names from there."""
        known = cls.imagenet()
        found = []
        for name in names:
            place = known.place(name)
            short = " ".join(name.split())[:LONGEST]
            found.append(known.rows[place] if place is not None else ("", short, short))
        return cls(tuple(found))

    def guess(self, place: int, probability: float) -> Guess:
        """Return a class with its probability."""
        _, english, chinese = self.rows[place]
        return Guess(place, english, chinese, probability)

    def place(self, name: str) -> int | None:
        """Return the place of a class by its WordNet id or one of its names; None where there is none such."""
        wanted = _folded(name)
        for place, (wnid, english, chinese) in enumerate(self.rows):
            if wanted in (wnid, _folded(english), _folded(chinese), _folded(english.partition(" (")[0])):
                return place
        return None

    def __len__(self) -> int:
        return len(self.rows)


def _folded(name: str) -> str:
    """Fold case, and what stands between words: `great_white-shark` is "great white shark"."""
    return re.sub(r"[\W_]+", " ", name.casefold()).strip()
