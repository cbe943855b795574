"""Places reviews in a picture: near each other where they are alike, those of one topic together (t-SNE).

Imported by heavy work alone: it needs scikit-learn.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
PLACED: Final = 1200
"""Rows that t-SNE places, which takes some seconds; each other row stands beside those that it is most like."""
_FEWEST: Final = 10
_TOGETHER: Final = 0.6
"""How far apart topics are, beside the vectors' unit length."""
_NEAREST: Final = 3
_SCATTER: Final = 0.006


def place(vectors: NDArray[np.float32], topic: Ints, seed: int) -> Floats:
    """Return a point a row (rows × 2) in 0…1; the same for the same rows and seed."""
    if len(vectors) < _FEWEST:
        turn = np.arange(len(vectors)) * 2 * np.pi / max(len(vectors), 1)
        return np.stack([0.5 + 0.4 * np.cos(turn), 0.5 + 0.4 * np.sin(turn)], axis=1)
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from sklearn.preprocessing import normalize

    random = np.random.default_rng(seed)
    wanted = min(40, len(vectors) - 1, vectors.shape[1])
    reduced = normalize(PCA(wanted, svd_solver="full").fit_transform(vectors))
    features = np.hstack([reduced, _TOGETHER * np.eye(int(topic.max()) + 1)[topic]])
    if len(vectors) > PLACED:
        rows = np.sort(random.choice(len(vectors), PLACED, replace=False))
    else:
        rows = np.arange(len(vectors))
    perplexity = min(30.0, (len(rows) - 1) / 3)
    # All the same: there is nothing to start from, and nothing to tell apart.
    spread = float(features[rows].std(0).max())
    if spread < 1e-6:
        flat = random.normal(size=(len(rows), 2))
    else:
        start = PCA(2, svd_solver="full").fit_transform(features[rows])
        start = 1e-4 * start / max(float(start[:, 0].std()), 1e-12)
        flat = TSNE(
            perplexity=perplexity,
            init=start.astype(np.float32),
            learning_rate="auto",
            random_state=seed,
            n_jobs=1,
        ).fit_transform(features[rows].astype(np.float32))
    low, high = flat.min(0), flat.max(0)
    flat = (flat - low) / np.maximum(high - low, 1e-9)
    points = np.empty((len(vectors), 2))
    points[rows] = flat
    others = np.setdiff1d(np.arange(len(vectors)), rows)
    if len(others):
        alike = features[others] @ features[rows].T
        nearest = np.argpartition(-alike, _NEAREST - 1, axis=1)[:, :_NEAREST]
        # The middle of the nearest would lie between groups where these lie apart: the medoid does not.
        points[others] = np.median(flat[nearest], axis=1) + random.normal(
            scale=_SCATTER, size=(len(others), 2)
        )
    return np.clip(points, 0.0, 1.0)
