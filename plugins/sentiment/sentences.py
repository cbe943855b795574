"""A small network over the vectors of a text's sentences, run with numpy: what each says, and how much it counts.

The score is a weighted mean over the sentences, so it falls into shares of them without remainder; the tokens of a
sentence have equal parts in its share. The vectors (`shared.encoder`) know words that no review has. Trained by
`plugins.sentiment.sentences_training`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from plugins.sentiment.features import LONGEST, Token, untagged
from plugins.sentiment.ngrams import Floats, Integers, Taken
from shared.language import Span, sentences

FIRST, LAST = 16, 32
"""Sentences that are read of a longer text, from its beginning and from its end."""
INPUTS: Final = 515
"""Numbers that are read of a sentence: its vector's, and three of its place."""
SCALE: Final = 8.0
"""Brings the numbers of a vector of unit length to the size of the others."""
MILD: Final = 5.0
"""No sentence counts more than e to this, or less than its inverse."""
Singles = NDArray[np.float32]
Encode = Callable[[Sequence[str]], Singles]
"""Turns sentences into vectors; see `shared.encoder.SentenceEncoder.encode`."""


@dataclass(frozen=True)
class Sentences:
    """The sentences of texts, one text after the other: what the network reads, and where each stands.

    `inputs` has a row a sentence: its vector, its place in the text (0…1), whether it is the last, and the first.
    """

    inputs: Singles
    sizes: Integers
    spans: list[Span]


@dataclass(frozen=True)
class SentenceNetwork:
    """The parameters: two layers, `first` and `second`, then a column each for value and weight, `heads`."""

    first: Singles
    first_bias: Singles
    second: Singles
    second_bias: Singles
    heads: Singles
    heads_bias: Singles

    def take_apart(self, found: Sequence[Sequence[Token]], read: Sentences) -> Taken:
        """Score texts of these tokens and sentences, and say what each token adds."""
        hidden = np.maximum(read.inputs @ self.first + self.first_bias, 0)
        hidden = hidden + np.maximum(hidden @ self.second + self.second_bias, 0)
        heads = hidden @ self.heads + self.heads_bias
        counts = np.exp(np.clip(heads[:, 1], -MILD, MILD)).astype(float)
        row = np.repeat(np.arange(len(read.sizes)), read.sizes)
        total = np.bincount(row, counts, len(read.sizes))
        shares = heads[:, 0] * counts / total[row]
        return _spread(shares, found, read)


def read_sentences(texts: Sequence[str], encode: Encode) -> Sentences:
    """Cut texts into sentences, and turn each that is read into numbers."""
    spans: list[Span] = []
    pieces: list[str] = []
    places: list[tuple[float, bool, bool]] = []
    sizes = []
    for text in texts:
        plain = untagged(text[:LONGEST])
        own = sentences(plain)
        own = own if len(own) <= FIRST + LAST else own[:FIRST] + own[-LAST:]
        spans += own
        pieces += [plain[span.start : span.end] for span in own]
        places += [(at / len(own), at == len(own) - 1, at == 0) for at in range(len(own))]
        sizes.append(len(own))
    vectors = encode(pieces) * np.float32(SCALE)
    inputs = np.concatenate([vectors, np.array(places, np.float32).reshape(-1, 3)], axis=1)
    return Sentences(inputs, np.array(sizes, np.int64), spans)


def no_vectors(pieces: Sequence[str]) -> Singles:
    """Stand where nobody reads sentences."""
    raise ValueError(f"{len(pieces)} sentences, and no encoder")


def _spread(shares: Floats, found: Sequence[Sequence[Token]], read: Sentences) -> Taken:
    """Give each token its part of its sentence's share; a sentence without one speaks for the text as a whole."""
    bases, weights = np.zeros(len(found)), np.zeros(sum(map(len, found)))
    ends = np.cumsum(read.sizes)
    before = 0
    for row, (text, end, size) in enumerate(zip(found, ends, read.sizes, strict=True)):
        starts = np.array([token.start for token in text], np.int64)
        for at in range(end - size, end):
            low, high = np.searchsorted(starts, read.spans[at])
            if high > low:
                weights[before + low : before + high] += shares[at] / (high - low)
            else:
                bases[row] += shares[at]
        before += len(text)
    rows = np.repeat(np.arange(len(found)), [len(text) for text in found])
    return Taken(bases, weights, bases + np.bincount(rows, weights, len(found)))
