"""Trains the linear model of `plugins.sentiment.ngrams`. Imported by the trainer only: it needs scikit-learn.

Two logistic regressions on the same n-grams are averaged, since they err on different texts: one on naive Bayes
log-count ratios (Wang & Manning 2012) times the root of inverse document frequencies, one on the latter alone. Their
sum is again one weight an n-gram.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression

from plugins.sentiment.ngrams import Encoded, Floats, Keys, NGrams, grams, look_up

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Recipe:
    """How n-grams are chosen and weighed.

    N-grams of 1 to `longest` tokens that occur in `rarest` texts or more; `most` of them are kept, those that change
    most scores most. `bayes` and `rarity` are the inverse strengths of regularisation of the two regressions.
    """

    longest: int
    rarest: int = 2
    most: int = 400_000
    floor: float = 100.0
    bayes: float = 30.0
    rarity: float = 0.3


def fit_ngrams(texts: Encoded, truth: Bools, recipe: Recipe) -> NGrams:
    """Fit the model on texts and whether each is positive."""
    found = grams(texts, recipe.longest)
    pairs = np.unique((found.row.astype(np.uint64) << np.uint64(32)) | found.keys)
    keys, texts_with = np.unique((pairs & np.uint64(0xFFFFFFFF)).astype(np.uint32), return_counts=True)
    common = texts_with >= recipe.rarest
    keys, texts_with = keys[common], texts_with[common]
    matrix = _matrix(pairs, keys, len(texts.sizes), recipe.floor)
    present = csr_array(
        (np.ones(matrix.nnz, dtype=np.float32), matrix.indices, matrix.indptr), shape=matrix.shape
    )
    yes, no = (1 + np.asarray(present[side].sum(axis=0)).ravel() for side in (truth, ~truth))
    ratio = np.log(yes / yes.sum()) - np.log(no / no.sum())
    rarity = np.log(len(truth) / (1 + texts_with)) + 1
    weights, bias = np.zeros(len(keys)), 0.0
    for prior, strength in ((ratio * np.sqrt(rarity), recipe.bayes), (rarity, recipe.rarity)):
        learned, own_bias, spread = _regression(matrix, truth, prior, strength)
        weights += learned / spread
        bias += own_bias / spread
    most = _most(np.abs(weights) * np.sqrt(texts_with), recipe.most)
    return NGrams(keys[most], weights[most].astype(np.float32), bias, recipe.floor, recipe.longest)


def _matrix(pairs: NDArray[np.uint64], keys: Keys, rows: int, floor: float) -> csr_array:
    """Return texts × n-grams: what one n-gram of a text counts there."""
    at, known = look_up(keys, (pairs & np.uint64(0xFFFFFFFF)).astype(np.uint32))
    row = (pairs >> np.uint64(32)).astype(np.int64)[known]
    scale = 1 / np.sqrt(np.bincount(row, minlength=rows) + floor)
    matrix = csr_array((scale[row].astype(np.float32), (row, at)), shape=(rows, len(keys)))
    # scikit-learn takes no others.
    matrix.indices, matrix.indptr = matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)
    return matrix


def _regression(
    matrix: csr_array, truth: Bools, prior: Floats, strength: float
) -> tuple[Floats, float, float]:
    """Return the weights for bare n-grams, the bias, and the spread of the scores."""
    scaled = matrix.copy()
    scaled.data = (scaled.data * prior[scaled.indices]).astype(np.float32)
    model = LogisticRegression(
        C=strength, solver="liblinear", dual=True, max_iter=100, random_state=1, tol=1e-3
    )
    model.fit(scaled, truth)
    learned: Floats = model.coef_[0] * prior
    return learned, float(model.intercept_[0]), max(float(np.std(matrix @ learned)), 1e-9)


def _most(importance: Floats, count: int) -> NDArray[np.int64]:
    """Return the places of the `count` greatest, in order."""
    if len(importance) <= count:
        return np.arange(len(importance))
    return np.sort(np.argpartition(-importance, count)[:count])
