"""A convolutional network over token embeddings, run with numpy: three tokens a window, pooled over the text.

Pooled are the maximum and the mean of all windows, and the maximum of those in the last part of a text, where
reviewers say what they think. It is piecewise linear, so its score can be taken apart token by token without remainder
(gradient times input, exact here). Trained by `plugins.sentiment.network_training`.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from plugins.sentiment.ngrams import Encoded, Floats, Integers, Taken

WIDTH: Final = 3
"""Tokens of a window."""
LENGTH: Final = 400
"""Tokens of a text that are read: of a longer one, the first quarter of these and the last three quarters."""
LAST: Final = 0.7
"""Where the last part of a text begins."""
SUMMED: Final = 0.25
"""Brings sums over windows to the size of maxima."""
Halves = NDArray[np.float32]


@dataclass(frozen=True)
class Network:
    """The parameters: `embedding` (row 0 for unknown tokens), `kernel` (dimensions × WIDTH × filters), `pooled`.

    `pooled` has three rows: what the maximum, the mean and the last maximum of each filter weigh.
    """

    embedding: Halves
    kernel: Halves
    filter_bias: Halves
    pooled: Halves
    bias: float

    def take_apart(self, texts: Encoded) -> Taken:
        """Score texts, and say what each token adds."""
        weights = np.zeros(len(texts.ids))
        bases = np.full(len(texts.sizes), self.bias)
        for row, (start, size) in enumerate(zip(texts.starts, texts.sizes, strict=True)):
            if size:
                kept = read(int(size)) + start
                bases[row], weights[kept] = self._one(texts.ids[kept])
        return Taken(bases, weights, bases + np.bincount(texts.rows, weights, len(bases)))

    def _one(self, ids: Integers) -> tuple[float, Floats]:
        size, filters = len(ids), self.kernel.shape[2]
        rows = self.embedding[np.where(ids < len(self.embedding), ids, 0)]
        parts = (rows @ self.kernel.reshape(len(self.kernel), -1)).reshape(size, WIDTH, filters)
        windows = size + WIDTH - 1
        hidden = np.tile(self.filter_bias, (windows, 1))
        for step in range(WIDTH):
            lead = WIDTH - 1 - step
            hidden[lead : lead + size] += parts[:, step]
        # How much of a filter's output at a window reaches the score: nothing where the filter is off.
        reach = np.tile(self.pooled[1] * np.float32(SUMMED / np.sqrt(size)), (windows, 1))
        every, tail = np.arange(filters), int(np.ceil(size * LAST))
        reach[hidden.argmax(axis=0), every] += self.pooled[0]
        reach[tail + hidden[tail:].argmax(axis=0), every] += self.pooled[2]
        reach[hidden <= 0] = 0
        weights = np.zeros(size)
        for step in range(WIDTH):
            lead = WIDTH - 1 - step
            weights += np.einsum("ij,ij->i", reach[lead : lead + size], parts[:, step])
        return self.bias + float(reach.sum(axis=0) @ self.filter_bias), weights


def read(size: int) -> Integers:
    """Return the places of the tokens that are read of a text of `size` tokens."""
    if size <= LENGTH:
        return np.arange(size)
    head = LENGTH // 4
    return np.concatenate([np.arange(head), np.arange(size - LENGTH + head, size)])
