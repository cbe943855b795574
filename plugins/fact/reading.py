"""What a reader of texts says of one: log-odds, what every word adds, and how like its training the text is."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol


class Weight(NamedTuple):
    """A word at `start`:`end` of the text, and what it adds to the log-odds of fake."""

    start: int
    end: int
    weight: float


@dataclass(frozen=True)
class Likeness:
    """How like its training a text is.

    `familiarity` is the share of unseen training texts that sound less like the rest of them; `known` the share of its
    words that are known.
    """

    familiarity: float
    known: float
    unlike: bool


@dataclass(frozen=True)
class Reading:
    """A text as read; between the log-odds `grey` nothing is said of it. `likeness` is None where none is measured."""

    log_odds: float
    weights: list[Weight] = field(default_factory=list)
    grey: tuple[float, float] = (0.0, 0.0)
    kind: Literal["post", "article"] = "article"
    likeness: Likeness | None = None


class Reader(Protocol):
    """Reads texts in batches: the default's mixture, or a transformer."""

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """Read each text, in order."""
        ...
