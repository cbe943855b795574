"""Whether a review is meant well, judged by its sentence vector: a linear model that costs nothing beside the rest.

Weights and accuracy: see the card beside them. Imported by heavy work alone.
"""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from shared.errors import ModelUnavailable

FILE: Final = Path(__file__).parent / "weights" / "positive.safetensors"


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
