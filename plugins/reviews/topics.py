"""Finds topics, and how many there are, in vectors and word counts of reviews.

Imported by heavy work alone: it needs scikit-learn.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.special import softmax
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.preprocessing import normalize

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Found:
    """Each row's topic (0…), and how sure that is: rows × topics."""

    topic: NDArray[np.int64]
    shares: Floats


def find_topics(vectors: NDArray[np.float32], counts: csr_matrix, seed: int) -> Found:
    """Sort rows into topics. `vectors` are of unit length; `counts` may hold nothing for a row."""
    reduced = normalize(PCA(min(40, len(vectors) - 1), random_state=seed).fit_transform(vectors))
    k = min(8, max(1, len(vectors) // 20))
    start = KMeans(k, n_init=4, random_state=seed).fit_predict(reduced)
    shares = np.eye(k)[start]
    for _ in range(30):
        words = np.asarray((counts.T @ shares).T) + 0.1
        words /= words.sum(1, keepdims=True)
        middle = normalize(shares.T @ reduced)
        shares = softmax(
            counts @ np.log(words).T + 10 * reduced @ middle.T + np.log(shares.mean(0) + 1e-3), axis=1
        )
    return Found(shares.argmax(1), shares)
