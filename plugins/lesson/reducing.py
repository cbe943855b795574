"""PCA, t-SNE and UMAP of the same rows, timed and judged, in one picture. Imported by the worker only."""

import time
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from plugins.lesson.embeddings import Method, ReduceRequest, ReduceResult, Rows
from plugins.lesson.panels import Panel, side_by_side
from plugins.lesson.umap import umap

Floats = NDArray[np.float64]
MOST_ROWS: Final = 450
"""So many are laid out at most, a sample where there are more: so that an answer takes seconds."""
TSNE_STEPS: Final = 500
TRUSTED: Final = 10
"""Neighbours by which a picture is judged."""


def reduce(request: ReduceRequest) -> ReduceResult:
    """Lay the rows out three ways."""
    rows = request.rows or _digits()
    random = np.random.default_rng(request.seed)
    of = len(rows.values)
    chosen = np.sort(random.permutation(of)[:MOST_ROWS])
    values = np.array(rows.values, dtype=np.float64)[chosen]
    # Pixels share one unit and stay as they are; columns of a table do not.
    values = values if request.rows is None else _standardised(values)
    count = len(values)
    kinds = [rows.kind_of[at] for at in chosen] if rows.kind_of else [0] * count
    perplexity = min(request.perplexity, (count - 1) / 3)
    neighbours = min(request.neighbours, count - 1)
    ways = {
        "PCA": lambda: pca(values)[0],
        "t-SNE": lambda: _tsne(values, perplexity, request.seed),
        "UMAP": lambda: umap(values, request.seed, neighbours),
    }
    # On so few rows threads wait for one another more than they work, and for long where others use the cores too.
    with threadpool_limits(limits=1):
        laid = {name: _timed(way) for name, way in ways.items()}
        methods = [Method(name, seconds, trust(values, at)) for name, (at, seconds) in laid.items()]
    panels = [
        Panel(
            method.name,
            request.below.format(trust=f"{method.trust:.3f}"),
            laid[method.name][0],
            kinds,
            rows.kinds,
        )
        for method in methods
    ]
    return ReduceResult(
        png=side_by_side(request.title, [panels]),
        methods=methods,
        explained=pca(values)[1],
        count=count,
        of=of,
        columns=values.shape[1],
        perplexity=perplexity,
        neighbours=neighbours,
    )


def pca(values: Floats) -> tuple[Floats, tuple[float, float]]:
    """Return the places on the two axes of greatest variance, and the share of the variance that each holds.

    By the singular values of the centred rows; an axis points to where its largest weight is above zero.
    """
    _, singular, axes = np.linalg.svd(values - values.mean(axis=0), full_matrices=False)
    first = axes[:2] * np.sign(axes[:2][range(2), np.abs(axes[:2]).argmax(axis=1)])[:, None]
    shares = singular**2 / max(float(np.sum(singular**2)), 1e-300)
    return (values - values.mean(axis=0)) @ first.T, (float(shares[0]), float(shares[1]))


def trust(values: Floats, places: Floats) -> float:
    """Return the trustworthiness of a picture (Venna & Kaski 2001): 1 where all neighbours in it are true ones."""
    from sklearn.manifold import trustworthiness

    return float(trustworthiness(values, places, n_neighbors=min(TRUSTED, (len(values) - 1) // 2)))


def _tsne(values: Floats, perplexity: float, seed: int) -> Floats:
    from sklearn.manifold import TSNE

    begun = pca(values)[0]
    spread = float(begun[:, 0].std())
    # As small as scikit-learn would make it (Kobak & Berens 2019); rows that are all the same begin anywhere.
    init = (begun / spread * 1e-4).astype(np.float32) if spread > 0 else "random"
    laid: Floats = TSNE(
        perplexity=perplexity, init=init, learning_rate="auto", max_iter=TSNE_STEPS, random_state=seed
    ).fit_transform(values)
    return laid.astype(np.float64)


def _timed(work: Callable[[], Floats]) -> tuple[Floats, float]:
    began = time.perf_counter()
    return work(), time.perf_counter() - began


def _standardised(values: Floats) -> Floats:
    spread = values.std(axis=0)
    scaled: Floats = (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return scaled


def _digits() -> Rows:
    from sklearn.datasets import load_digits

    found = load_digits()
    return Rows(
        values=found.data.tolist(), kind_of=found.target.tolist(), kinds=[str(digit) for digit in range(10)]
    )
