"""Clusters three ways: one point joins two of DBSCAN's and where none can, it is said."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from plugins.lesson.clustering import bridge, dbscan, hdbscan, kmeans, matched
from plugins.lesson.points import Points, drawn

TWO = np.array([(x + side, y) for side in (0.0, 1.5) for x in (0.0, 0.25, 0.5) for y in (0.0, 0.25, 0.5)])
"""Two grids of nine points, 1 apart."""


@pytest.mark.parametrize("seed", range(4))
def test_one_point_joins_two_moons_for_dbscan_and_hardly_moves_k_means(seed: int) -> None:
    points = drawn("moons", 200, 0.07, seed)
    places = np.array(points.places)
    before = dbscan(places, 0.22, 4)
    assert len(set(before.tolist()) - {-1}) == 2
    point, gap = bridge(places, before, 0.22, 4)
    assert gap is not None
    assert gap < 0.44
    more = np.vstack([places, point])
    assert set(dbscan(more, 0.22, 4).tolist()) - {-1} == {0}
    assert adjusted_rand_score(kmeans(places, 2, 0), kmeans(more, 2, 0)[:-1]) > 0.9


@pytest.mark.parametrize(("seed", "clusters"), [(0, 2), (3, 4)])
def test_hdbscan_mostly_stands_one_point_more_but_not_always(seed: int, clusters: int) -> None:
    places = np.array(drawn("moons", 200, 0.07, seed).places)
    point, _ = bridge(places, dbscan(places, 0.22, 4), 0.22, 4)
    assert set(hdbscan(places, 15).tolist()) - {-1} == {0, 1}
    assert len(set(hdbscan(np.vstack([places, point]), 15).tolist()) - {-1}) == clusters


def test_the_point_lies_in_the_middle_of_the_gap() -> None:
    point, gap = bridge(TWO, dbscan(TWO, 0.6, 3), 0.6, 3)
    assert gap == pytest.approx(1.0)
    assert point[0] == pytest.approx(1.0)
    assert set(dbscan(np.vstack([TWO, point]), 0.6, 3).tolist()) == {0}


@pytest.mark.parametrize(("eps", "min_samples"), [(0.4, 3), (0.55, 8)])
def test_where_no_single_point_can_join_none_does(eps: float, min_samples: int) -> None:
    before = dbscan(TWO, eps, min_samples)
    assert len(set(before.tolist()) - {-1}) == 2
    point, gap = bridge(TWO, before, eps, min_samples)
    assert gap == pytest.approx(1.0)
    assert len(set(dbscan(np.vstack([TWO, point]), eps, min_samples).tolist()) - {-1}) == 2


def test_without_two_clusters_there_is_no_gap() -> None:
    point, gap = bridge(TWO, dbscan(TWO, 2.0, 3), 2.0, 3)
    assert gap is None
    assert point == pytest.approx(TWO.mean(axis=0))


def test_clusters_keep_their_colours_where_their_numbers_change() -> None:
    before, after = np.array([0, 0, 0, 1, 1, -1]), np.array([1, 1, 2, 0, 0, -1, 1])
    assert matched(before, after).tolist() == [0, 0, 2, 1, 1, -1, 0]


def test_drawn_sets_follow_from_their_seed_and_are_half_of_each_kind() -> None:
    for name in ("moons", "circles", "blobs"):
        made: Points = drawn(name, 60, 0.1, 5)
        assert made == drawn(name, 60, 0.1, 5)
        assert made != drawn(name, 60, 0.1, 6)
        assert sum(made.kind_of) == 30
