"""Whether a review is meant well, judged by its sentence vector: a linear model that costs nothing beside the rest.

Weights and accuracy: see the card beside them. It is right often enough of Chinese reviews alone, and of those alone of
which it is sure: the others are not counted. Imported by heavy work and the worker.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from shared.errors import ModelUnavailable
from shared.language import language_of

FILE: Final = Path(__file__).parent / "weights" / "positive.safetensors"
SURE: Final = 0.3
"""A review can be told where its probability is at most this, or at least as near to 1."""
FEWEST: Final = 10
"""Reviews of a topic that can be told, from which on there is a share of them."""
MOST_OPEN: Final = 0.5
"""Share of a topic's reviews that cannot be told, up to which the others speak for it."""
_OTHER: Final = re.compile("[\u3040-\u30ff\uac00-\ud7af]")
"""Kana and Hangul: such reviews were not measured, whatever Chinese characters are in them."""


def probability_positive(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the probability of each row that it is meant well. Raises `ModelUnavailable` without weights."""
    try:
        weights = load_file(FILE)
        logit = vectors @ weights["weight"] + weights["bias"]
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise ModelUnavailable(
            "The model {model} has no weights that can be read.", model="reviews"
        ) from error
    return np.asarray(1 / (1 + np.exp(-logit.astype(np.float64))), dtype=np.float64)


def share_positive(texts: Sequence[str], probabilities: NDArray[np.uint8]) -> tuple[float | None, int]:
    """Return which share of those reviews of a topic that can be told is meant well, and how many these are.

    `probabilities` are in 0…255. The share is None where too few can be told to speak for the topic.
    """
    chinese = np.array(
        [language_of(text) == "zh" and not _OTHER.search(text[:1000]) for text in texts], dtype=bool
    )
    told = chinese & ((probabilities <= SURE * 255) | (probabilities >= (1 - SURE) * 255))
    count = int(told.sum())
    if count < max(FEWEST, (1 - MOST_OPEN) * len(texts)):
        return None, count
    return float((probabilities[told] > 127).mean()), count
