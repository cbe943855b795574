"""What a model learns from people's feedback: a plugin's declaration of it, and what a training was made of."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
from sqlalchemy import Table

from shared.model import AnyModel

NAME: Final = "feedback"
"""What an administrator switches off by `/plugins disable`, though it is no plugin: the buttons under verdicts."""

ENOUGH: Final = 100
"""Held-out rows on which a retrained version must have been judged to replace another by itself.

On fewer, "not worse" is hardly a finding; and rows as few as those of a starter set are all of one hand, so that what
learned from their like looks good on them whatever it has forgotten.
"""


@dataclass(frozen=True, kw_only=True)
class Feedback:
    """Says that `model` learns from the feedback in `table` (see `shared.feedback.feedback_table`).

    `labels` are those that it learns; what people may say besides teaches nothing. `starter` is a small data file that
    ships, with the columns text and label: what a retraining starts from, and is judged on, where the operator has set
    no file of their own.
    """

    model: AnyModel
    table: Table
    labels: tuple[str, ...]
    starter: Path | None = None


class Vote(msgspec.Struct, frozen=True):
    """One person's word on one text, and when it was given (milliseconds since 1970 UTC)."""

    person: int
    text: str
    label: str
    at_ms: int


class Learned(msgspec.Struct, frozen=True):
    """A text to learn, its label, how many people say so, and when the last of them did."""

    text: str
    label: str
    people: int
    at_ms: int


class LeftOut(msgspec.Struct, frozen=True):
    """How many votes or texts were left out, by why."""

    repeated: int = 0
    """Votes of a person on a near-duplicate of what the same person voted on later."""

    untaught: int = 0
    """Votes for a label that the model does not learn."""

    distrusted: int = 0
    """Votes of people who contradict trusted labels too often."""

    known: int = 0
    """Texts that are near-duplicates of rows of the base."""

    disputed: int = 0
    """Texts on which people disagree."""

    alone: int = 0
    """Texts with one voice only, of somebody who is not proven."""

    bounded: int = 0
    """Texts beyond what one person, or all together, may give to one training."""

    @property
    def total(self) -> int:
        """Return how many were left out in all."""
        return sum(msgspec.structs.astuple(self))


class Weighed(msgspec.Struct, frozen=True):
    """What is learned from feedback, the newest first; how many people it is of, how many are left out wholly.

    `times_ms` are those of all texts that people agree on, also beyond what one training takes.
    """

    rows: list[Learned]
    times_ms: list[int]
    people: int
    people_left_out: int
    left_out: LeftOut
