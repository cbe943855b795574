"""Places reviews in a picture: near each other where they are alike."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def place(vectors: NDArray[np.float32], seed: int) -> Floats:
    """Return a point a row (rows × 2) in 0…1; the same for the same rows and seed."""
    if len(vectors) < 3:
        return np.full((len(vectors), 2), 0.5)
    from sklearn.decomposition import PCA

    flat = PCA(2, random_state=seed).fit_transform(vectors)
    low, high = flat.min(0), flat.max(0)
    return np.asarray((flat - low) / np.maximum(high - low, 1e-9), dtype=np.float64)
