"""k-means, DBSCAN and HDBSCAN, and the one point that joins two of DBSCAN's clusters. Imported by the worker only."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import DBSCAN, HDBSCAN, KMeans
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from plugins.lesson.clusterings import ClusterRequest, ClusterResult, Found
from plugins.lesson.panels import Panel, side_by_side
from plugins.lesson.points import drawn, scaled

Floats = NDArray[np.float64]
Groups = NDArray[np.int64]
COUNT: Final = 200
NOISE: Final = 0.07
"""Points of a set that is drawn, and how far they are scattered."""
TRIED: Final = 2000
"""Narrow places that are tried for the point at most, the narrowest first."""


def cluster(request: ClusterRequest) -> ClusterResult:
    """Cluster the points three ways, before and after one more is among them."""
    points = request.points or drawn(request.data, COUNT, NOISE, request.seed)
    places = scaled(points)[0] if request.points else np.array(points.places, dtype=np.float64)
    with threadpool_limits(limits=1):
        before = dbscan(places, request.eps, request.min_samples)
        point, gap = bridge(places, before, request.eps, request.min_samples)
        more = np.vstack([places, point])
        ways: dict[str, Callable[[Floats], Groups]] = {
            "k-means": lambda at: kmeans(at, request.k, request.seed),
            "DBSCAN": lambda at: dbscan(at, request.eps, request.min_samples),
            "HDBSCAN": lambda at: hdbscan(at, request.min_cluster_size),
        }
        found = {name: (way(places), way(more)) for name, way in ways.items()}
    truth = points.kind_of or None
    methods = [_found(name, first, second, truth) for name, (first, second) in found.items()]
    words, last = request.words, len(places)

    def panel(name: str, at: Floats, groups: Groups, marked: int | None) -> Panel:
        noise = int((groups < 0).sum())
        below = words.counted.format(clusters=_count(groups), noise=noise)
        return Panel(name, below, at, groups.tolist(), marked=marked)

    joins = any(f.name == "DBSCAN" and f.clusters[1] < f.clusters[0] for f in methods)
    rows = [
        [panel(name, places, first, None) for name, (first, _) in found.items()],
        [
            panel(f"{name} {words.one_more}", more, matched(first, second), last)
            for name, (first, second) in found.items()
        ],
    ]
    return ClusterResult(
        png=side_by_side(words.title, rows),
        methods=methods,
        point=(float(point[0]), float(point[1])),
        joins=joins,
        gap=gap,
        count=last,
    )


def kmeans(places: Floats, k: int, seed: int) -> Groups:
    """Return the cluster of each point, the best of ten beginnings; no more clusters than there are places."""
    most = min(k, len(np.unique(places, axis=0)))
    found: Groups = KMeans(n_clusters=most, n_init=10, random_state=seed).fit_predict(places)
    return found.astype(np.int64)


def dbscan(places: Floats, eps: float, min_samples: int) -> Groups:
    """Return the cluster of each point; -1: in none."""
    found: Groups = DBSCAN(eps=eps, min_samples=min_samples).fit_predict(places)
    return found.astype(np.int64)


def hdbscan(places: Floats, min_cluster_size: int) -> Groups:
    """Return the cluster of each point; -1: in none."""
    size = min(min_cluster_size, len(places))
    found: Groups = HDBSCAN(min_cluster_size=size, min_samples=min(5, size), copy=True).fit_predict(places)
    return found.astype(np.int64)


def bridge(places: Floats, groups: Groups, eps: float, min_samples: int) -> tuple[Floats, float | None]:
    """Return the point that joins two clusters of DBSCAN, and the width of the gap that it bridges.

    It lies in the middle of two points of different clusters that are less than 2 eps apart, and has itself
    `min_samples` within eps, which makes it a core point. Where none does, the middle of the narrowest gap, or of all
    points where there are not two clusters (and no gap).
    """
    far = np.linalg.norm(places[:, None] - places[None], axis=2)
    inside = groups >= 0
    across = (groups[:, None] != groups[None]) & inside[:, None] & inside[None]
    if not across.any():
        return places.mean(axis=0), None
    one, other = np.nonzero(np.triu(across))
    order = np.argsort(far[one, other], kind="stable")
    for at in order[:TRIED]:
        if far[one[at], other[at]] >= 2 * eps:
            break
        middle = (places[one[at]] + places[other[at]]) / 2
        near = np.linalg.norm(places - middle, axis=1) <= eps
        if near.sum() + 1 >= min_samples:
            after = dbscan(np.vstack([places, middle]), eps, min_samples)
            if _count(after) < _count(groups):
                return middle, float(far[one[at], other[at]])
    narrowest = order[0]
    middle = (places[one[narrowest]] + places[other[narrowest]]) / 2
    return middle, float(far[one[narrowest], other[narrowest]])


def matched(before: Groups, after: Groups) -> Groups:
    """Return `after` with its clusters numbered as those of `before` that they share most points with: for colours."""
    from scipy.optimize import linear_sum_assignment

    size = max(_top(before), _top(after))
    shared = np.zeros((size, size))
    for old, new in zip(before, after, strict=False):
        if old >= 0 and new >= 0:
            shared[new, old] += 1
    renumbered = (
        dict(zip(*(side.tolist() for side in linear_sum_assignment(-shared)), strict=True)) if size else {}
    )
    return np.array([renumbered.get(int(group), -1) for group in after], dtype=np.int64)


def _found(name: str, before: Groups, after: Groups, truth: list[int] | None) -> Found:
    return Found(
        name=name,
        clusters=(_count(before), _count(after)),
        noise=(int((before < 0).sum()), int((after < 0).sum())),
        alike=float(adjusted_rand_score(before, after[: len(before)])),
        truth=float(adjusted_rand_score(truth, before)) if truth is not None else None,
    )


def _count(groups: Groups) -> int:
    return len(np.unique(groups[groups >= 0]))


def _top(groups: Groups) -> int:
    return int(groups.max(initial=-1)) + 1
