"""What lays many columns out in a plane, three ways, in the worker; what is done is in `reducing`."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self

import msgspec

from shared.model import Device, Failure


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of numbers of one length, and the kind of each, an index into `kinds`; both empty where none is known."""

    values: list[list[float]]
    kind_of: list[int]
    kinds: list[str]


class ReduceRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What to lay out; without `rows`, scikit-learn's digits. `below` stands under each picture, with {trust} in it."""

    rows: Rows | None
    perplexity: float
    neighbours: int
    seed: int
    title: str
    below: str


class Method(msgspec.Struct, frozen=True):
    """One way: how long it took, and how far the nearest neighbours in the picture are nearest in the table (0…1)."""

    name: str
    seconds: float
    trust: float


class ReduceResult(msgspec.Struct, frozen=True, kw_only=True):
    """The picture; PCA, t-SNE and UMAP; and the shares of the variance that PCA's two axes hold.

    `count` rows of `columns` numbers were laid out, after a sample of `of`.
    """

    png: bytes
    methods: list[Method]
    explained: tuple[float, float]
    count: int
    of: int
    columns: int
    perplexity: float
    neighbours: int


class Embeddings2D:
    """Lays rows out in a plane; needs no weights."""

    name: ClassVar[str] = "embeddings2d"
    request: ClassVar[type[msgspec.Struct]] = ReduceRequest
    result: ClassVar[type[msgspec.Struct]] = ReduceResult
    max_batch: ClassVar[int] = 1
    default: ClassVar[Path | None] = None
    warm: ClassVar[bool] = False

    @classmethod
    def load(cls, folder: Path | None, device: Device) -> Self:
        """Lay out a few rows, so that what it takes is imported."""
        few = Rows(
            values=[[float(at % 5), float(at % 7), float(at)] for at in range(24)], kind_of=[], kinds=[]
        )
        model = cls()
        model.predict(
            [ReduceRequest(rows=few, perplexity=5, neighbours=5, seed=0, title="…", below="{trust}")]
        )
        return model

    def predict(self, batch: Sequence[ReduceRequest]) -> Sequence[ReduceResult | Failure]:
        """Answer each request."""
        from plugins.lesson.reducing import reduce

        return [reduce(request) for request in batch]
