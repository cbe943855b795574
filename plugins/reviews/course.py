"""The course's way to find topics: HDBSCAN on the vectors as they are, then topics merged that are alike.

It is here to be measured beside ours. Imported where models are judged: it needs scikit-learn.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

ALIKE: Final = 0.5
"""Cosine of two topics' mean vectors above which they are merged."""
SMALLEST: Final = 5
"""HDBSCAN's own default of the smallest cluster."""


def course_topics(vectors: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return each row's topic, -1 for noise."""
    from sklearn.cluster import HDBSCAN

    if len(vectors) < SMALLEST:
        return np.full(len(vectors), -1, dtype=np.int64)
    found = HDBSCAN(min_cluster_size=SMALLEST, copy=True).fit_predict(vectors)
    return merged(vectors, np.asarray(found, dtype=np.int64))


def merged(vectors: NDArray[np.float32], topic: NDArray[np.int64], alike: float = ALIKE) -> NDArray[np.int64]:
    """Merge the two topics that are most alike, again and again, until none are above `alike`."""
    topic = topic.copy()
    names = [int(name) for name in np.unique(topic) if name >= 0]
    sums = np.array([vectors[topic == name].sum(0) for name in names])
    while len(names) > 1:
        middles = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
        cosines = middles @ middles.T
        np.fill_diagonal(cosines, -1.0)
        one, other = sorted(divmod(int(cosines.argmax()), len(names)))
        if cosines[one, other] <= alike:
            break
        topic[topic == names[other]] = names[one]
        sums[one] += sums[other]
        sums = np.delete(sums, other, axis=0)
        del names[other]
    return topic
