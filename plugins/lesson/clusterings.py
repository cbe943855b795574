"""What clusters the same points three ways, before and after one more is added, in the worker; see `clustering`."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self

import msgspec

from plugins.lesson.points import Drawn, Points
from shared.model import Device, Failure


class ClusterWords(msgspec.Struct, frozen=True, kw_only=True):
    """The words on the picture; `counted` has {clusters} and {noise} in it, `one_more` is behind a method's name."""

    title: str
    counted: str
    one_more: str


class ClusterRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What to cluster (`points`, where there are some, in the place of `data`), and with which parameters."""

    data: Drawn
    points: Points | None
    k: int
    eps: float
    min_samples: int
    min_cluster_size: int
    seed: int
    words: ClusterWords


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What one method found before and after the point: clusters, points in none, and how alike both are (ARI).

    `truth` is the adjusted Rand index of the first against the kinds of the points; None where those are not known.
    """

    name: str
    clusters: tuple[int, int]
    noise: tuple[int, int]
    alike: float
    truth: float | None


class ClusterResult(msgspec.Struct, frozen=True, kw_only=True):
    """The picture; k-means, DBSCAN and HDBSCAN; and the point that was added.

    `joins`: it makes one of two clusters of DBSCAN. Where no single point can, `gap` is the width of the narrowest gap
    between two of its clusters (None where there are not two) and the point lies in the middle of it, or of all.
    """

    png: bytes
    methods: list[Found]
    point: tuple[float, float]
    joins: bool
    gap: float | None
    count: int


class Clusterings:
    """Clusters points; needs no weights."""

    name: ClassVar[str] = "clusterings"
    request: ClassVar[type[msgspec.Struct]] = ClusterRequest
    result: ClassVar[type[msgspec.Struct]] = ClusterResult
    max_batch: ClassVar[int] = 1
    default: ClassVar[Path | None] = None
    warm: ClassVar[bool] = False

    @classmethod
    def load(cls, folder: Path | None, device: Device) -> Self:
        """Cluster once, so that what it takes is imported."""
        words = ClusterWords(title="…", counted="{clusters} {noise}", one_more="")
        model = cls()
        model.predict(
            [
                ClusterRequest(
                    data="blobs",
                    points=None,
                    k=2,
                    eps=0.5,
                    min_samples=3,
                    min_cluster_size=5,
                    seed=0,
                    words=words,
                )
            ]
        )
        return model

    def predict(self, batch: Sequence[ClusterRequest]) -> Sequence[ClusterResult | Failure]:
        """Answer each request."""
        from plugins.lesson.clustering import cluster

        return [cluster(request) for request in batch]
