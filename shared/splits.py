"""Honest splits of texts: near-duplicates stay together, and what was once held out is held out for ever.

Whether a text is held out follows from its own content and from that of its near-duplicates, never from its place in
the file. So rows that one version was judged on are not trained on by a later one, however the file is shuffled or
grows meanwhile; a row that was trained on may be held out later, when a near-duplicate of it comes in that is.
"""

import hashlib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SHINGLE: Final = 5
ALIKE: Final = 0.7
"""Jaccard similarity of 5-character shingles from which on two texts are near-duplicates."""
BANDS: Final = 20
ROWS: Final = 4
"""Values of a MinHash signature a band: a pair at similarity 0.7 is found with probability 0.996."""
PASSAGE: Final = 20
"""Characters of the passages that draw a text's lot: so long that only near-duplicates share them."""
_PRIME: Final = (1 << 61) - 1


def normalise(text: str) -> str:
    """Fold what templates vary: case, digits, punctuation, spaces."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"[\W_]+", " ", re.sub(r"\d", "0", folded)).strip()


def group_near_duplicates(texts: Sequence[str]) -> list[int]:
    """Return a group number for each text; near-duplicates, and theirs, have one number, that of the first.

    Candidates by MinHash with banding (Broder 1997; Leskovec et al., Mining of Massive Datasets, ch. 3), then
    checked by Jaccard similarity; the groups are the connected components.
    """
    kinds: dict[str, list[int]] = defaultdict(list)
    for index, text in enumerate(texts):
        kinds[normalise(text)].append(index)
    root = _joined(list(kinds))
    members: dict[int, list[int]] = defaultdict(list)
    for kind, rows in enumerate(kinds.values()):
        members[root[kind]] += rows
    groups = [0] * len(texts)
    for rows in members.values():
        first = min(rows)
        for row in rows:
            groups[row] = first
    return groups


def holdout(texts: Sequence[str], share: float, groups: Sequence[int] | None = None) -> list[bool]:
    """Tell for each text whether it is held out; `groups` are those of `group_near_duplicates`, where at hand.

    Each text draws a lot in 0…1, by a hash of its content that near-duplicates mostly share; a group is held out where
    the lowest lot in it is below `share`. So a little more than `share` of the groups are.
    """
    groups = group_near_duplicates(texts) if groups is None else groups
    lowest: dict[int, float] = {}
    for text, group in zip(texts, groups, strict=True):
        lowest[group] = min(lowest.get(group, 1.0), _lot(normalise(text)))
    return [lowest[group] < share for group in groups]


def _lot(folded: str) -> float:
    """Return a number in 0…1: the least hash of the passages, hashed again to be uniform."""
    least = min(_digest(passage) for passage in _pieces(folded, PASSAGE))
    return int.from_bytes(_digest(least.hex()), "big") / 2**64


def _joined(folded: Sequence[str]) -> list[int]:
    """Return for each of these distinct texts the root of its connected component."""
    parent = list(range(len(folded)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    shingles = [frozenset(_pieces(text, SHINGLE)) for text in folded]
    for members in _buckets(shingles):
        # All pairs, not only those with the first: the components must not hang on the order of the rows.
        for one, other in combinations(members, 2):
            if (a := root(one)) != (b := root(other)) and _alike(shingles[one], shingles[other]):
                parent[b] = a
    return [root(index) for index in range(len(folded))]


def _buckets(shingles: Sequence[frozenset[str]]) -> Iterable[list[int]]:
    """Return the sets of texts that share a band of their MinHash signature."""
    import numpy as np

    random = np.random.default_rng(7)
    factors = random.integers(1, _PRIME, BANDS * ROWS, dtype=np.uint64) | np.uint64(1)
    offsets = random.integers(0, _PRIME, BANDS * ROWS, dtype=np.uint64)
    buckets: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    for index, found in enumerate(shingles):
        signature = _signature(found, factors, offsets)
        for band in range(BANDS):
            buckets[band, signature[band * ROWS : (band + 1) * ROWS].tobytes()].append(index)
    return [members for members in buckets.values() if len(members) > 1]


def _signature(
    shingles: frozenset[str], factors: "NDArray[np.uint64]", offsets: "NDArray[np.uint64]"
) -> "NDArray[np.uint64]":
    import numpy as np

    codes = np.frombuffer(b"".join(map(_digest, shingles)), dtype=np.uint64)
    with np.errstate(over="ignore"):
        # Multiply-shift hashing modulo 2^64: the high bits are the good ones.
        hashed = (codes[:, None] * factors + offsets) >> np.uint64(16)
    least: NDArray[np.uint64] = hashed.min(axis=0)
    return least


def _pieces(text: str, length: int) -> Iterable[str]:
    return (text[at : at + length] for at in range(max(1, len(text) - length + 1)))


def _digest(piece: str) -> bytes:
    return hashlib.blake2b(piece.encode("utf-8", "replace"), digest_size=8).digest()


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    return len(one & other) >= ALIKE * len(one | other)
