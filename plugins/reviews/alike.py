"""Which topics are most alike, to be offered for merging: those whose reviews lie nearest in the picture."""

from itertools import combinations
from statistics import median

from plugins.reviews.model import Clustering


def medians(clustering: Clustering) -> dict[int, tuple[float, float]]:
    """Return the middle of each topic in the picture."""
    rows: dict[int, list[tuple[float, float]]] = {topic.id: [] for topic in clustering.topics}
    for topic, point in zip(clustering.topic, clustering.points, strict=True):
        if topic >= 0:
            rows[topic].append(point)
    return {
        topic: (median(x for x, _ in points), median(y for _, y in points))
        for topic, points in rows.items()
        if points
    }


def nearest_pairs(clustering: Clustering, most: int) -> list[tuple[int, int]]:
    """Return the pairs of topics, the most alike first: near in the picture, or with words in common."""
    middle = medians(clustering)
    words = {topic.id: set(topic.words) for topic in clustering.topics}

    def distance(pair: tuple[int, int]) -> float:
        (x, y), (other_x, other_y) = middle[pair[0]], middle[pair[1]]
        one, other = words[pair[0]], words[pair[1]]
        shared = len(one & other) / max(1, min(len(one), len(other)))
        return float(((x - other_x) ** 2 + (y - other_y) ** 2) ** 0.5 * (1 - shared))

    return sorted(combinations(sorted(middle), 2), key=distance)[:most]
