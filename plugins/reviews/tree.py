"""The tree of topics: small groups of reviews that are joined step by step, cut where the topics are.

It travels as a bounded blob that is enough to cut elsewhere: coarser, finer, one split, some merged.
"""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from shared.errors import BadInput

MAX_BYTES: Final = 2 * 2**20
MAX_ROWS: Final = 10_000
MAX_LEAVES: Final = 200
NOISE: Final = 255
"""The leaf of a row that belongs to no topic."""
VERSION: Final = 1


class Tree(msgspec.Struct, frozen=True, kw_only=True):
    """Leaves, their joins and the cut.

    `leaf` is a byte a row. `joins` holds (one, other, height): nodes are numbered leaves first, then joins in their
    order; the last join is the root. `cut` holds for each leaf its topic. `typical` is a byte a row: how near to the
    middle of its leaf, 255 nearest. `x` and `y` are 16 bits a row. `terms` are the words; `counts` holds for each leaf
    (term, count) pairs, flat. `positive` is a byte a row: the probability that it is meant well; empty where unknown.
    """

    version: int
    leaf: bytes
    joins: list[tuple[int, int, float]]
    cut: list[int]
    typical: bytes
    x: bytes
    y: bytes
    terms: list[str]
    counts: list[list[int]]
    positive: bytes = b""

    @property
    def leaves(self) -> int:
        """How many leaves there are."""
        return len(self.cut)

    def pack(self) -> bytes:
        """Return the blob."""
        return msgspec.msgpack.encode(self)

    def rows_topic(self) -> NDArray[np.int64]:
        """Return each row's topic, -1 for noise."""
        leaf = np.frombuffer(self.leaf, dtype=np.uint8)
        return np.append(np.array(self.cut, dtype=np.int64), np.full(256 - self.leaves, -1))[leaf]

    def points(self) -> list[tuple[float, float]]:
        """Return where each row stands in the picture, in 0…1."""
        x, y = (np.frombuffer(side, dtype="<u2") / 65535 for side in (self.x, self.y))
        return [(round(float(a), 4), round(float(b), 4)) for a, b in zip(x, y, strict=True)]


def unpack(blob: bytes, rows: int) -> Tree:
    """Read a blob that may come from anywhere. Raises `BadInput` where it is none, or not of so many rows."""
    wrong = BadInput("These topics cannot be read any more: cluster the reviews again.")
    if len(blob) > MAX_BYTES:
        raise wrong
    try:
        tree = msgspec.msgpack.decode(blob, type=Tree)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise wrong from None
    leaves = tree.leaves
    leaf = np.frombuffer(tree.leaf, dtype=np.uint8)
    sound = (
        tree.version == VERSION
        and rows == len(leaf) <= MAX_ROWS
        and leaves <= MAX_LEAVES
        and len(tree.typical) == rows
        and len(tree.x) == len(tree.y) == 2 * rows
        and len(tree.positive) in (0, rows)
        and len(tree.counts) == leaves
        and len(tree.joins) == max(0, leaves - 1)
        and all(0 <= topic < leaves for topic in tree.cut)
        and bool(((leaf < leaves) | (leaf == NOISE)).all())
        and _joins_once(tree.joins, leaves)
        and all(
            len(pairs) % 2 == 0
            and all(0 <= term < len(tree.terms) for term in pairs[::2])
            and all(0 <= count <= 10**9 for count in pairs[1::2])
            for pairs in tree.counts
        )
    )
    if not sound:
        raise wrong
    return tree


def _joins_once(joins: list[tuple[int, int, float]], leaves: int) -> bool:
    """Tell whether each node is joined once, after it was made."""
    seen: set[int] = set()
    for at, (one, other, _) in enumerate(joins):
        if one == other or not (0 <= one < leaves + at and 0 <= other < leaves + at) or seen & {one, other}:
            return False
        seen |= {one, other}
    return True


def members(tree: Tree) -> list[frozenset[int]]:
    """Return the leaves under each node."""
    found = [frozenset([leaf]) for leaf in range(tree.leaves)]
    for one, other, _ in tree.joins:
        found.append(found[one] | found[other])
    return found


def coarser(tree: Tree) -> Tree:
    """Join the two topics that the tree joins first. Raises `BadInput` where there is one topic only."""
    cut = tree.cut
    for one, other, _ in _joins_with_members(tree):
        topics = {cut[leaf] for leaf in one | other}
        if len(topics) > 1:
            return merge(tree, sorted(topics))
    raise BadInput("There is only one topic: it cannot be coarser.")


def finer(tree: Tree) -> Tree:
    """Split the topic whose parts are least alike. Raises `BadInput` where every topic is a leaf."""
    for one, other, _ in reversed(_joins_with_members(tree)):
        if (parted := _parted(tree, one, other, None)) is not None:
            return parted
    raise BadInput("The topics are as fine as they get.")


def split(tree: Tree, topic: int) -> Tree:
    """Split one topic where the tree joined it last. Raises `BadInput` where it is not there, or a leaf."""
    if topic not in tree.cut:
        raise BadInput("There is no such topic.")
    for one, other, _ in reversed(_joins_with_members(tree)):
        if (parted := _parted(tree, one, other, topic)) is not None:
            return parted
    raise BadInput("This topic is as fine as it gets.")


def merge(tree: Tree, topics: list[int]) -> Tree:
    """Make one topic of two or more. Raises `BadInput` where there are fewer, or one is not there."""
    wanted = set(topics)
    if len(wanted) < 2:
        raise BadInput("Choose two topics or more to merge.")
    for topic in sorted(wanted):
        if topic not in tree.cut:
            raise BadInput("There is no such topic.")
    kept = min(wanted)
    return with_cut(tree, [kept if topic in wanted else topic for topic in tree.cut])


def with_cut(tree: Tree, cut: list[int]) -> Tree:
    """Return the tree with another cut; topics are numbered anew, the largest first."""
    sizes = np.bincount(np.frombuffer(tree.leaf, dtype=np.uint8), minlength=256)[: tree.leaves]
    weight: dict[int, int] = {}
    for leaf, topic in enumerate(cut):
        weight[topic] = weight.get(topic, 0) + int(sizes[leaf])
    # Of equal size: in the order of their leaves, whatever they were called before.
    ranked = sorted(weight, key=lambda topic: (-weight[topic], cut.index(topic)))
    order = {topic: at for at, topic in enumerate(ranked)}
    return msgspec.structs.replace(tree, cut=[order[topic] for topic in cut])


def _joins_with_members(tree: Tree) -> list[tuple[frozenset[int], frozenset[int], float]]:
    """Return the leaves on both sides of each join, lowest first."""
    under = members(tree)
    return [(under[one], under[other], height) for one, other, height in tree.joins]


def _parted(tree: Tree, one: frozenset[int], other: frozenset[int], topic: int | None) -> Tree | None:
    """Split the topic that has leaves on both sides of a join, and, where asked for, is `topic`."""
    cut = tree.cut
    for shared in sorted({cut[leaf] for leaf in one} & {cut[leaf] for leaf in other}):
        if topic in (None, shared):
            parts = [
                len(cut) if leaf in other and cut[leaf] == shared else cut[leaf] for leaf in range(len(cut))
            ]
            return with_cut(tree, parts)
    return None
