"""Honest splits of texts: near-duplicates stay together, and a text falls on the same side in every training.

A side is chosen by a hash of the content, so rows that one version was judged on are never trained on by a later one,
however the file was shuffled or grew meanwhile.
"""

import hashlib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

SHINGLE: Final = 5
HASHES: Final = 32
BANDS: Final = 8
ALIKE: Final = 0.7
"""Jaccard similarity of 5-character shingles from which on two texts are near-duplicates."""
_PRIME: Final = (1 << 61) - 1


def normalise(text: str) -> str:
    """Fold what templates vary: case, digits, punctuation, spaces."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"[\W_]+", " ", re.sub(r"\d", "0", folded)).strip()


def group_near_duplicates(texts: Sequence[str]) -> list[int]:
    """Return a group number for each text; near-duplicates, and theirs, have one number.

    Candidates by MinHash with banding (Broder 1997), then checked by Jaccard similarity.
    """
    import numpy as np

    shingles = [_shingles(normalise(text)) for text in texts]
    random = np.random.default_rng(7)
    a = random.integers(1, _PRIME, HASHES, dtype=np.uint64)
    b = random.integers(0, _PRIME, HASHES, dtype=np.uint64)
    parent = list(range(len(texts)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    buckets: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    width = HASHES // BANDS
    for index, found in enumerate(shingles):
        codes = np.fromiter((_code(s) for s in found), dtype=np.uint64, count=len(found))
        with np.errstate(over="ignore"):
            signature = ((codes[:, None] * a + b) >> np.uint64(3)).min(axis=0)
        for band in range(BANDS):
            buckets[band, signature[band * width : (band + 1) * width].tobytes()].append(index)
    for members in buckets.values():
        first = members[0]
        for other in members[1:]:
            if root(first) != root(other) and _alike(shingles[first], shingles[other]):
                parent[root(other)] = root(first)
    return [root(index) for index in range(len(texts))]


def holdout(texts: Sequence[str], share: float) -> list[bool]:
    """Tell for each text whether it is held out: about `share` of the groups of near-duplicates are, by their hash."""
    groups = group_near_duplicates(texts)
    key: dict[int, str] = {}
    for text, group in zip(texts, groups, strict=True):
        folded = normalise(text)
        key[group] = min(key.get(group, folded), folded)
    out = {group: _fraction(folded) < share for group, folded in key.items()}
    return [out[group] for group in groups]


def _fraction(text: str) -> float:
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:8], "big") / 2**64


def _shingles(text: str) -> frozenset[str]:
    return frozenset(text[i : i + SHINGLE] for i in range(max(1, len(text) - SHINGLE + 1)))


def _code(shingle: str) -> int:
    return int.from_bytes(hashlib.blake2b(shingle.encode("utf-8", "replace"), digest_size=8).digest(), "big")


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    return len(one & other) >= ALIKE * len(one | other)
