"""First embeddings of tokens, from which of them stand near each other in the training texts.

Positive pointwise mutual information, reduced by a truncated singular value decomposition (Levy & Goldberg 2014). No
labels are used. Imported by the trainer only.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from sklearn.utils.extmath import randomized_svd

from plugins.sentiment.ngrams import Encoded

WINDOW: Final = 5
SMOOTHED: Final = 0.75
"""Power of the contexts' frequencies, so that rare ones weigh less."""
SIZE: Final = 0.1
"""Standard deviation of the numbers of the result."""


def co_occurrence_embeddings(texts: Encoded, kinds: int, dimensions: int, seed: int) -> NDArray[np.float32]:
    """Return an embedding for each of the tokens 1…`kinds`: kinds × dimensions."""
    counts = _counts(texts, kinds)
    total = np.asarray(counts.sum(axis=1)).ravel() + 1e-9
    context = total**SMOOTHED
    context /= context.sum()
    near = coo_array(counts)
    rows, columns = near.coords
    information = np.log(near.data / (total[rows] * context[columns]))
    above = information > 0
    matrix = csr_array(
        (information[above].astype(np.float32), (rows[above], columns[above])), shape=(kinds, kinds)
    )
    most = min(dimensions, max(1, kinds - 1))
    left, values, _ = randomized_svd(matrix, most, n_iter=3, random_state=seed)
    found = np.zeros((kinds, dimensions), dtype=np.float32)
    found[:, :most] = left * np.sqrt(values)
    found /= np.linalg.norm(found, axis=1, keepdims=True) + 1e-9
    scaled: NDArray[np.float32] = (found * (SIZE / max(float(found.std()), 1e-9))).astype(np.float32)
    return scaled


def _counts(texts: Encoded, kinds: int) -> csr_array:
    """Count neighbours within the window, the nearer ones more; kinds × kinds."""
    ids = np.where(texts.ids <= kinds, texts.ids, 0)
    rows = texts.rows
    counts = csr_array((kinds, kinds), dtype=np.float32)
    for distance in range(1, WINDOW + 1):
        one, other = ids[:-distance], ids[distance:]
        both = (rows[:-distance] == rows[distance:]) & (one > 0) & (other > 0)
        share = np.full(int(both.sum()), 1 / distance, dtype=np.float32)
        counts = counts + csr_array(
            coo_array((share, (one[both] - 1, other[both] - 1)), shape=(kinds, kinds))
        )
    return csr_array(counts + counts.T)
