"""What a topic is about: the words that set it apart, by class-based TF-IDF, and its most typical reviews.

Both are read from the tree and from the texts as they are: nothing is embedded, nothing is cut into words.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from plugins.reviews.tree import Tree
from shared.language import simplified

WORDS: Final = 10
QUOTES: Final = 5
_SHORTEST, _LONGEST = 6, 160
_ALIKE: Final = 0.5
"""Share of all letter pairs of two reviews that both have, up to which both are quoted."""
_WITHIN: Final = 0.75
"""The same of the pairs of the shorter one: from there on it is said within the longer."""
_CANDIDATES: Final = 60
_STRETCHED: Final = re.compile(r"(.)\1{2,}")


def topic_words(tree: Tree) -> list[list[str]]:
    """Return the words of each topic, most telling first (class-based TF-IDF; Grootendorst 2022).

    A word that is part of one that says more is left out.
    """
    topics = max(tree.cut, default=-1) + 1
    counts = np.zeros((topics, len(tree.terms)))
    for leaf, pairs in enumerate(tree.counts):
        np.add.at(counts[tree.cut[leaf]], pairs[::2], pairs[1::2])
    # Equal weight to each topic: of a topic ten times as large every word would be typical.
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    # A word that all topics have alike sets none apart.
    lift = np.log(np.maximum(share * topics / np.maximum(share.sum(0, keepdims=True), 1e-12), 1.0))
    score = np.sqrt(share) * (lift if topics > 1 else 1.0) * np.minimum(counts / 3, 1)
    ranked = [[int(term) for term in np.argsort(-row, kind="stable")[:40] if row[term] > 0] for row in score]
    return [_distinct([tree.terms[term] for term in terms]) for terms in ranked]


def _distinct(words: Sequence[str]) -> list[str]:
    found: list[str] = []
    for word in words:
        if not any(word in kept or kept in word for kept in found):
            found.append(word)
    return found[:WORDS]


def topic_quotes(tree: Tree, texts: Sequence[str]) -> list[list[int]]:
    """Return the rows of each topic's quotes, most typical first: neither long nor like one another."""
    topic = tree.rows_topic()
    typical = np.frombuffer(tree.typical, dtype=np.uint8).astype(int)
    return [
        _quotes(np.flatnonzero(topic == each), typical, texts)
        for each in range(max(tree.cut, default=-1) + 1)
    ]


def _quotes(rows: NDArray[np.int64], typical: NDArray[np.int64], texts: Sequence[str]) -> list[int]:
    ranked = sorted(rows.tolist(), key=lambda row: (-int(typical[row]), row))
    readable = [row for row in ranked if _SHORTEST <= len(texts[row].strip()) <= _LONGEST][:_CANDIDATES]
    chosen: list[int] = []
    seen: list[frozenset[str]] = []
    for row in readable or ranked[:_CANDIDATES]:
        pairs = _pairs(texts[row])
        if not any(_same(pairs, other) for other in seen):
            chosen.append(row)
            seen.append(pairs)
        if len(chosen) == QUOTES:
            break
    return chosen


def _same(pairs: frozenset[str], other: frozenset[str]) -> bool:
    both = len(pairs & other)
    return both > _ALIKE * len(pairs | other) or both >= _WITHIN * min(len(pairs), len(other))


def _pairs(text: str) -> frozenset[str]:
    """Return the pairs of letters of a text: whatever its width, case, script, spaces, signs and stretched letters."""
    plain = simplified(unicodedata.normalize("NFKC", text[:500]).casefold())
    letters = _STRETCHED.sub(r"\1", "".join(filter(str.isalnum, plain)))
    return frozenset(letters[at : at + 2] for at in range(max(1, len(letters) - 1)))
