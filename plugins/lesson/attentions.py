"""What compares the words of a sentence and lets them attend to each other, in the worker, by the packaged encoder.

What is done is in `attention_showing`, which is imported where it is needed.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Literal, Self

import msgspec

from shared.model import Device, Failure

if TYPE_CHECKING:
    from plugins.lesson.attention_showing import Showing

Pieces = Literal["words", "characters"]
"""What Chinese is cut into; other scripts are cut into words always."""
FEWEST: Final = 2
MOST: Final = 24
"""Tokens of a sentence."""


class AttentionWords(msgspec.Struct, frozen=True, kw_only=True):
    """The words on the pictures, in the reader's language."""

    one_hot: str
    embedding: str
    attention: str
    from_label: str
    to_label: str


class AttentionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A sentence; `word` is whose neighbours are asked for, None takes the longest of the sentence."""

    text: str
    word: str | None
    pieces: Pieces
    scaled: bool
    temperature: float
    words: AttentionWords


class Neighbour(msgspec.Struct, frozen=True):
    """A word of the vocabulary, and the cosine to it."""

    word: str
    cosine: float


class Pair(msgspec.Struct, frozen=True):
    """Two words, and a figure between them."""

    one: str
    other: str
    value: float


class AttentionResult(msgspec.Struct, frozen=True, kw_only=True):
    """Two pictures: similarity of the `distinct` first different words, and attention of all `tokens` to each other.

    `low` and `high` are the least and the most similarity of two different words; `nearest` and `farthest` are pairs of
    words that carry meaning, where there are three. `weights` are those of the attention, `strongest` what one token
    pays most to another word. `deviation` is the spread of the dot products before they are divided. A row's
    `reach` is over how many tokens it spreads, e to the power of its entropy, in the mean; `other_reach` is that with
    the scaling turned round.
    """

    similarity_png: bytes
    attention_png: bytes
    tokens: list[str]
    distinct: int
    weights: list[list[float]]
    low: float
    high: float
    nearest: Pair
    farthest: Pair
    strongest: Pair
    word: str
    english: list[Neighbour]
    chinese: list[Neighbour]
    vocabulary: int
    dimensions: int
    deviation: float
    reach: float
    other_reach: float


class Attentions:
    """Encodes, compares and draws; see the module. Shares the encoder with whatever else has it loaded."""

    name: ClassVar[str] = "attentions"
    request: ClassVar[type[msgspec.Struct]] = AttentionRequest
    result: ClassVar[type[msgspec.Struct]] = AttentionResult
    max_batch: ClassVar[int] = 1
    default: ClassVar[Path | None] = None
    warm: ClassVar[bool] = False

    def __init__(self, showing: "Showing") -> None:
        self._showing = showing

    @classmethod
    def load(cls, folder: Path | None, device: Device) -> Self:
        """Read the encoder, encode the vocabulary, and show one sentence."""
        from plugins.lesson.attention_showing import Showing
        from shared.encoder import SentenceEncoder

        model = cls(Showing(SentenceEncoder.load(device)))
        words = AttentionWords(one_hot="…", embedding="…", attention="…", from_label="", to_label="")
        model.predict(
            [
                AttentionRequest(
                    text="warm words", word=None, pieces="words", scaled=True, temperature=1.0, words=words
                )
            ]
        )
        return model

    def predict(self, batch: Sequence[AttentionRequest]) -> Sequence[AttentionResult | Failure]:
        """Answer each request."""
        return [self._showing.show(request) for request in batch]
