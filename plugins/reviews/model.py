"""The reviews model: reviews into topics whose number nobody gives, and the same topics cut coarser or finer.

`cluster` is heavy work for a process of its own; cutting again is quick, and is what the warm worker answers.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, Self

import msgspec

from shared.errors import BadInput
from shared.model import Device, Failure, Part, Progress, Report

if TYPE_CHECKING:
    from plugins.reviews.tree import Tree

MAX_REVIEWS = 10_000
COLUMNS: Mapping[str, str] = {"text": "the review", "topic": "what it is about, for judging alone"}


class ClusterRequest(msgspec.Struct, frozen=True):
    """Reviews to sort, 10,000 at most; `cache` is the folder of the embedding cache, None for none."""

    texts: list[str]
    cache: str | None = None
    seed: int = 0


class Topic(msgspec.Struct, frozen=True):
    """A topic: its words, most telling first (10 at most), the rows of typical reviews (5 at most).

    `told` is of how many it can be told whether they are meant well; `positive` is the share of them that are, None
    where they are too few to speak for the topic.
    """

    id: int
    size: int
    words: list[str]
    quotes: list[int]
    positive: float | None = None
    told: int = 0


class Clustering(msgspec.Struct, frozen=True):
    """Each row's topic (-1: none), the topics, largest first, and where each row stands in a picture (0…1).

    `noise` is the share of rows without a topic. `tree` is what `RecutRequest` takes.
    """

    topic: list[int]
    topics: list[Topic]
    points: list[tuple[float, float]]
    noise: float
    tree: bytes


class RecutRequest(msgspec.Struct, frozen=True):
    """The same reviews, cut elsewhere: `split` takes one topic, `merge` two or more, the others none."""

    texts: list[str]
    tree: bytes
    how: Literal["coarser", "finer", "split", "merge"]
    topics: list[int] = msgspec.field(default_factory=list)


def cluster(request: ClusterRequest, progress: Progress) -> Clustering:
    """Sort reviews into topics.

    The same reviews and seed give the same topics. Raises `BadInput` where there are too many reviews.
    """
    from plugins.reviews.clustering import grow_tree

    if len(request.texts) > MAX_REVIEWS:
        raise BadInput("At most {count} reviews can be sorted at once.", count=MAX_REVIEWS)
    cache = Path(request.cache) if request.cache else None
    return described(grow_tree(request.texts, cache, request.seed, progress), request.texts)


def described(tree: "Tree", texts: Sequence[str]) -> Clustering:
    """Say what the topics of a tree are about."""
    import numpy as np

    from plugins.reviews.positive import share_positive
    from plugins.reviews.telling import topic_quotes, topic_words

    topic = tree.rows_topic()
    words, quotes = topic_words(tree), topic_quotes(tree, texts)
    probabilities = np.frombuffer(tree.positive, dtype=np.uint8)
    topics = []
    for each in range(len(words)):
        rows = np.flatnonzero(topic == each)
        share, told = (
            share_positive([texts[row] for row in rows.tolist()], probabilities[rows])
            if len(probabilities)
            else (None, 0)
        )
        topics.append(Topic(each, len(rows), words[each], quotes[each], share, told))
    return Clustering(
        topic=topic.tolist(),
        topics=topics,
        points=tree.points(),
        noise=float((topic < 0).mean()) if len(topic) else 0.0,
        tree=tree.pack(),
    )


class Reviews:
    """Cuts topics elsewhere, and judges how well reviews are sorted; what ships with it is read where it is needed."""

    name: ClassVar[str] = "reviews"
    request: ClassVar[type[msgspec.Struct]] = RecutRequest
    result: ClassVar[type[msgspec.Struct]] = Clustering
    max_batch: ClassVar[int] = 1
    default: ClassVar[Path | None] = Path(__file__).parent / "weights"
    data_columns: ClassVar[Mapping[str, str]] = COLUMNS

    @classmethod
    def load(cls, folder: Path | None, device: Device) -> Self:
        """Import what cutting needs."""
        import plugins.reviews.telling  # noqa: F401

        return cls()

    def predict(self, batch: Sequence[RecutRequest]) -> Sequence[Clustering | Failure]:
        """Cut each tree anew; what cannot be cut so fails alone."""
        return [self._recut(request) for request in batch]

    @classmethod
    def train(cls, data: Path, folder: Path, progress: Progress) -> Report:
        """Refuse: topics are found anew in each set of reviews, nothing is learned beforehand."""
        raise BadInput("Topics are found anew in each set of reviews: there is nothing to train.")

    def evaluate(self, data: Path, part: Part = "all") -> Report:
        """Sort the reviews of `data` without their topics, and compare; see `plugins.reviews.judging`."""
        from plugins.reviews.judging import evaluate

        return evaluate(data)

    def _recut(self, request: RecutRequest) -> Clustering | Failure:
        from plugins.reviews import tree as trees

        try:
            tree = trees.unpack(request.tree, len(request.texts))
            match request.how, request.topics:
                case "coarser", _:
                    cut = trees.coarser(tree)
                case "finer", _:
                    cut = trees.finer(tree)
                case "merge", topics:
                    cut = trees.merge(tree, topics)
                case "split", [topic]:
                    cut = trees.split(tree, topic)
                case _:
                    raise BadInput("Choose one topic to split.")
            return described(cut, request.texts)
        except BadInput as error:
            return Failure(str(error), refusal=True)
