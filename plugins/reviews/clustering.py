"""From texts to a tree of topics: cleaned, embedded, sorted, split into leaves, joined again up to one.

Imported by heavy work alone: it needs torch and scikit-learn.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import linkage
from scipy.sparse import csr_matrix
from sklearn.cluster import KMeans

from plugins.reviews.points import place
from plugins.reviews.positive import probability_positive
from plugins.reviews.preparing import Prepared, prepare
from plugins.reviews.topics import find_topics
from plugins.reviews.tree import NOISE, VERSION, Tree, with_cut
from shared.model import Progress

FEWEST: Final = 20
"""Different reviews from which on there may be more topics than one."""
LEAVES: Final = 64
"""Leaves of the tree, about."""
LEAF_ROWS: Final = 12
TERMS: Final = 3000
_LEAF_TERMS: Final = 300


def grow_tree(texts: Sequence[str], cache: Path | None, seed: int, progress: Progress) -> Tree:
    """Sort texts into topics; those without a letter or digit belong to none."""
    prepared = prepare(texts, cache, lambda done, note="": progress(0.6 * done, note))
    topic = sort(prepared, seed)
    progress(0.8, "")
    leaf, joins, cut, typical = _grown(prepared.vectors, topic, seed)
    points = place(prepared.vectors, topic, seed)
    progress(0.98, "")
    tree = _packed(prepared, leaf, typical, points, joins, cut)
    progress(1.0, "")
    return tree


def sort(prepared: Prepared, seed: int) -> NDArray[np.int64]:
    """Return the topic of each different text; one topic where there are too few to tell."""
    if len(prepared.vectors) < FEWEST:
        return np.zeros(len(prepared.vectors), dtype=np.int64)
    return find_topics(prepared.evidence, prepared.vectors, seed)


def _grown(
    vectors: NDArray[np.float32], topic: NDArray[np.int64], seed: int
) -> tuple[NDArray[np.int64], list[tuple[int, int, float]], list[int], NDArray[np.float64]]:
    """Split each topic into leaves, and join all of them again: first those of one topic, then the topics."""
    if not len(vectors):
        return topic, [], [], np.empty(0)
    leaf = np.zeros(len(vectors), dtype=np.int64)
    cut: list[int] = []
    centred = vectors - vectors.mean(0)
    joins: list[tuple[int, int, float]] = []
    pending: list[list[tuple[int, int, float]]] = []
    for each in range(int(topic.max()) + 1):
        rows = np.flatnonzero(topic == each)
        parts = max(1, min(round(LEAVES * len(rows) / len(vectors)), len(rows) // LEAF_ROWS, 40))
        sub = (
            KMeans(parts, n_init=1, random_state=seed).fit_predict(centred[rows])
            if parts > 1
            else np.zeros(len(rows), int)
        )
        _, sub = np.unique(sub, return_inverse=True)
        leaf[rows] = sub + len(cut)
        pending.append(_linked(centred, leaf, list(range(len(cut), len(cut) + int(sub.max()) + 1))))
        cut += [each] * (int(sub.max()) + 1)
    leaves = len(cut)
    tops = []
    for each, steps in enumerate(pending):
        top = cut.index(each)
        number: dict[int, int] = {}
        for at, (one, other, height) in enumerate(steps):
            joins.append((number.get(one, one), number.get(other, other), height))
            top = number[-1 - at] = leaves + len(joins) - 1
        tops.append(top)
    node = dict(enumerate(tops))
    above = max((height for *_, height in joins), default=0.0)
    number = {}
    for at, (one, other, height) in enumerate(_linked(centred, topic, list(range(len(tops))))):
        joins.append(
            (number.get(one, node.get(one, one)), number.get(other, node.get(other, other)), above + height)
        )
        number[-1 - at] = leaves + len(joins) - 1
    middles = np.array([centred[leaf == each].mean(0) for each in range(leaves)])
    middles /= np.maximum(np.linalg.norm(middles, axis=1, keepdims=True), 1e-9)
    typical = (centred * middles[leaf]).sum(1) / np.maximum(np.linalg.norm(centred, axis=1), 1e-9)
    return leaf, joins, cut, typical


def _linked(
    vectors: NDArray[np.float32], group: NDArray[np.int64], groups: list[int]
) -> list[tuple[int, int, float]]:
    """Join groups of rows, most alike first; step n makes a node that is named -1 - n."""
    if len(groups) < 2:
        return []
    middles = np.array([vectors[group == each].mean(0) for each in groups])
    steps = linkage(middles, "average", metric="euclidean")
    name = list(groups) + [-1 - at for at in range(len(steps))]
    return [(name[int(one)], name[int(other)], float(height)) for one, other, height, _ in steps]


def _packed(
    prepared: Prepared,
    leaf: NDArray[np.int64],
    typical: NDArray[np.float64],
    points: NDArray[np.float64],
    joins: list[tuple[int, int, float]],
    cut: list[int],
) -> Tree:
    """Spread what is known of each different text to the rows."""
    kind, terms = prepared.kind, prepared.terms
    row_leaf = np.append(leaf, NOISE)[kind].astype(np.uint8)
    row_typical = np.append(np.clip((typical + 1) * 127.5, 0, 255), 0)[kind].astype(np.uint8)
    place = np.append(np.clip(points * 65535, 0, 65535), [[32767, 32767]], axis=0)[kind].astype("<u2")
    kept = np.sort(np.argsort(-np.asarray(terms.counts.sum(0)).ravel(), kind="stable")[:TERMS])
    ones = csr_matrix((np.ones(len(leaf)), (leaf, np.arange(len(leaf)))), shape=(max(len(cut), 1), len(leaf)))
    counts = (ones @ (terms.counts[:, kept] > 0)).tocsr() if len(leaf) else csr_matrix((0, len(kept)))
    pairs: list[list[int]] = []
    for each in range(len(cut)):
        row = counts[each]
        most = np.argsort(-row.data, kind="stable")[:_LEAF_TERMS]
        pairs.append([int(n) for at in most for n in (row.indices[at], row.data[at])])
    tree = Tree(
        version=VERSION,
        leaf=row_leaf.tobytes(),
        joins=joins,
        cut=cut,
        typical=row_typical.tobytes(),
        x=place[:, 0].tobytes(),
        y=place[:, 1].tobytes(),
        terms=[terms.shown[at] for at in kept],
        counts=pairs,
        positive=np.append(np.round(probability_positive(prepared.vectors) * 255), 0)[kind]
        .astype(np.uint8)
        .tobytes(),
    )
    return with_cut(tree, cut)
