"""What words say of a review's topic: common ones little, such as name a kind of thing more, and like words alike.

Imported by heavy work alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags, hstack

from plugins.reviews.kinds import KIND_OF
from plugins.reviews.terms import Terms

COMMON: Final = 0.1
"""What a common word weighs: one that reviews of anything hold."""
KIND: Final = 2.0
"""What it weighs that a review names a kind of thing."""
LENGTH: Final = 12.0
"""Weight of all words of a review at most: a long review says no more of its topic than a short one."""
ALIKE: Final = 0.6
"""Cosine of two words' vectors from which on one stands for the other a little."""
LENT: Final = 0.5
_NEIGHBOURS: Final = 8
_MOST: Final = 6000
_LEAST_ROWS: Final = 3
_PORTION: Final = 1000
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Evidence:
    """Weighted words of each row: `plain`, and `smoothed` with what like words lend; and which were said, 0 or 1.

    `common` tells which words are common, `kind` which name a kind of thing.
    """

    plain: csr_matrix
    smoothed: csr_matrix
    said: csr_matrix
    common: NDArray[np.bool_]
    kind: NDArray[np.bool_]

    def of(self, rows: Ints) -> "Evidence":
        """Return the evidence of some rows."""
        return Evidence(self.plain[rows], self.smoothed[rows], self.said[rows], self.common, self.kind)

    def telling(self, topic: Ints) -> tuple[Floats, Floats, Floats]:
        """Return for each topic what sets it apart, a row: particular words, common ones, names of kinds."""
        sizes = np.bincount(topic)[:, None]
        counts = np.asarray(self.said.T @ np.eye(len(sizes))[topic], dtype=np.float64).T
        elsewhere = (counts.sum(0) - counts + 0.5) / (len(topic) - sizes + 1)
        lift = np.log((counts + 0.5) / (sizes + 1) / elsewhere)
        mass = counts / sizes * np.maximum(lift, 0) * (counts >= _LEAST_ROWS)
        return mass[:, ~self.common].sum(1), mass[:, self.common].sum(1), mass[:, self.kind].sum(1)


def common_words() -> frozenset[str]:
    """Read the words that reviews of anything hold; how they were chosen: see the card beside the file."""
    path = Path(__file__).parent / "weights" / "common_words.txt"
    return frozenset(path.read_text(encoding="utf-8").split())


def evidence_of(terms: Terms, embedded: Callable[[Sequence[str]], NDArray[np.float32]]) -> Evidence:
    """Weigh the terms of each row. `embedded` returns the vectors of words."""
    spread = np.asarray((terms.counts > 0).sum(0)).ravel()
    kept = np.sort(np.argsort(-spread, kind="stable")[:_MOST])
    names = [terms.names[at] for at in kept]
    said = (terms.counts[:, kept] > 0).astype(np.float64).tocsr()
    listed = common_words()
    common = np.array([name in listed for name in names], dtype=bool)
    weighted = said @ diags(np.where(common, COMMON, 1.0))
    length = np.asarray(weighted.sum(1)).ravel()
    tempered = diags(np.minimum(1.0, LENGTH / np.maximum(length, 1e-9))) @ weighted
    smoothed = tempered + LENT * tempered @ _neighbours(names, embedded)
    named = _named(said, names)
    return Evidence(
        hstack([tempered, named]).astype(np.float32).tocsr(),
        hstack([smoothed, named]).astype(np.float32).tocsr(),
        said,
        common,
        np.array([name in KIND_OF for name in names], dtype=bool),
    )


def _named(said: csr_matrix, names: Sequence[str]) -> csr_matrix:
    """Return rows × kinds of things: how clearly each is named."""
    kinds = sorted({kind for name in names for kind in KIND_OF.get(name, ())})
    place = {kind: at for at, kind in enumerate(kinds)}
    cells = [
        (at, place[kind], 1 / len(KIND_OF[name]))
        for at, name in enumerate(names)
        for kind in KIND_OF.get(name, ())
    ]
    rows, columns, values = zip(*cells, strict=True) if cells else ((), (), ())
    votes = (said @ csr_matrix((values, (rows, columns)), shape=(len(names), len(kinds)))).tocsr()
    votes.data = KIND * np.sqrt(np.minimum(votes.data, 4.0))
    return votes


def _neighbours(names: Sequence[str], embedded: Callable[[Sequence[str]], NDArray[np.float32]]) -> csr_matrix:
    """Return for each word what it lends to those that are most like it (words × words)."""
    if len(names) < 2:
        return csr_matrix((len(names), len(names)))
    vectors = embedded(names)
    vectors = vectors - vectors.mean(0)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    nearest = min(_NEIGHBOURS, len(names) - 1)
    rows, columns, values = [], [], []
    for start in range(0, len(names), _PORTION):
        cosines = vectors[start : start + _PORTION] @ vectors.T
        at = np.arange(len(cosines))
        cosines[at, at + start] = 0.0
        found = np.argpartition(-cosines, nearest - 1, axis=1)[:, :nearest]
        near = np.take_along_axis(cosines, found, axis=1)
        row, column = np.nonzero(near >= ALIKE)
        rows.append(row + start)
        columns.append(found[row, column])
        values.append(near[row, column])
    shape = (len(names), len(names))
    lent = csr_matrix((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=shape)
    return diags(1 / np.maximum(np.asarray(lent.sum(1)).ravel(), 1.0)) @ lent
