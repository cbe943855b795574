"""What the scorer knows of each sentence: where it stands, how long it is, what it shares with the rest.

What depends on a language's habits is given as a distance from the article's mean, so that the features of a Chinese
article look like those of an English one. Imported by the worker and the trainer only: it needs numpy.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from plugins.article.sentences import Document, Sentence
from plugins.article.words import content

MAX_TERMS: Final = 4096
"""Terms of one article that are looked at, the commonest first: bounds the memory."""
DAMPING: Final = 0.85
_ROUNDS: Final = 30
_OPENERS: Final = (
    "he she it they this that these those his her their its such there 他 她 它 牠 这 那 其 此 该",
    "and but or so yet however also meanwhile although while then still nevertheless 但 而 并 "
    "不过 然而 另外 同时 此外 因此",
)
_REFERRING, _JOINING = (frozenset(words.split()) for words in _OPENERS)
_NUMBER: Final = re.compile(r"\d[\d,.]*")
_QUOTED: Final = re.compile(r"[\"“「『][^\"”」』]{1,600}[\"”」』]")
_NAMED: Final = re.compile(r"(?<=[\w,'’)] )[A-Z][\w'’-]+")
_QUOTES: Final = '"“”「」『』'
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Seen:
    """An article taken apart: features (sentences × features), how alike its sentences are by shared words and by
    meaning, and their TextRank.
    """

    features: Floats
    words_alike: Floats
    meaning_alike: Floats
    text_rank: Floats


NAMES: Final = (
    "place", "from_start", "from_end", "first", "paragraph", "within", "opens_paragraph", "closes_paragraph",
    "words", "length_to_mean", "length_to_longest", "length_rank", "share_of_text",
    "to_centre", "to_centre_rank", "to_headline", "to_lead", "to_previous", "to_next", "nearest", "central",
    "text_rank", "text_rank_rank", "text_rank_share", "overlap", "overlap_rank", "jaccard", "jaccard_rank", "log_rank",
    "frequency", "frequency_rank", "topic", "salience", "rarity", "headline_words", "lead_words", "new_words",
    "content_share", "words_to_previous", "words_to_next", "nearest_words",
    "numbers", "has_quote", "opens_quote", "quoted_share", "named_share", "refers", "joins", "asks", "ended",
    "commas", "brackets", "dash",
    "sentences", "article_words", "mean_words", "spread_words", "mean_alike",
)  # fmt: skip


def look(document: Document, vectors: Floats, headline: Floats | None) -> Seen:
    """Return the features of each sentence; `vectors` are the sentences' embeddings, `headline` that of the title.

    The document has one sentence at least.
    """
    rows = document.sentences
    words = np.array([row.words for row in rows], dtype=np.float32)
    meaning = vectors @ vectors.T
    shared = _Shared.of(rows, document.headline)
    columns = [
        *_places(rows),
        *_lengths(words),
        *_meanings(vectors, headline, meaning),
        *shared.columns(),
        *_surface(rows, words),
    ]
    whole = (len(rows), words.sum(), words.mean(), words.std(), shared.alike.mean())
    columns += [np.full(len(rows), value, dtype=np.float32) for value in whole]
    features = np.stack([np.asarray(column, dtype=np.float32) for column in columns], axis=1)
    return Seen(features, shared.alike, meaning, shared.text_rank)


def page_rank(weights: Floats) -> Floats:
    """Return how central each row of a matrix of similarities is (Mihalcea & Tarau 2004); they add up to one."""
    count = len(weights)
    links = weights.astype(np.float32)
    np.fill_diagonal(links, 0)
    out = links.sum(1, keepdims=True)
    links = np.divide(links, out, out=np.full_like(links, 1 / count), where=out > 0)
    rank = np.full(count, 1 / count, dtype=np.float32)
    for _ in range(_ROUNDS):
        rank = (1 - DAMPING) / count + DAMPING * (rank @ links)
    return rank


def _places(rows: Sequence[Sentence]) -> list[Floats]:
    count = len(rows)
    at = np.arange(count, dtype=np.float32)
    paragraph = np.array([row.paragraph for row in rows], dtype=np.float32)
    within = np.array([row.within for row in rows], dtype=np.float32)
    changes = paragraph[1:] != paragraph[:-1]
    return [
        at / max(1, count - 1), at, count - 1 - at, at == 0, paragraph, within,
        np.append(True, changes), np.append(changes, True),
    ]  # fmt: skip


def _lengths(words: Floats) -> list[Floats]:
    # A text without any word has sentences too, of signs alone.
    least = np.float32(1e-6)
    return [
        words,
        words / max(words.mean(), least),
        words / max(words.max(), least),
        _rank(words),
        words / max(words.sum(), least),
    ]


def _meanings(vectors: Floats, headline: Floats | None, alike: Floats) -> list[Floats]:
    count = len(vectors)
    centre = vectors.mean(0)
    to_centre = vectors @ (centre / max(float(np.linalg.norm(centre)), 1e-6))
    unknown = np.full(count, np.nan, dtype=np.float32)
    return [
        _deviation(to_centre),
        _rank(to_centre),
        _deviation(vectors @ headline) if headline is not None else unknown,
        _deviation(alike[0]),
        *_beside(alike),
        _deviation((alike - 2 * np.eye(count, dtype=np.float32)).max(1)),
        _deviation(page_rank(np.clip(alike, 0, None))),
    ]


@dataclass(frozen=True)
class _Shared:
    """Which terms of what an article is about stand in which of its sentences."""

    counts: Floats
    alike: Floats
    text_rank: Floats
    headline: Floats
    sizes: Floats

    @classmethod
    def of(cls, rows: Sequence[Sentence], headline: str) -> "_Shared":
        """Count the terms (sentences × terms), and compare the sentences by them."""
        found = [content(row.text) for row in rows]
        occurs = Counter(term for each in found for term in each)
        known = {term: at for at, (term, _) in enumerate(occurs.most_common(MAX_TERMS))}
        counts = np.zeros((len(rows), max(1, len(known))), dtype=np.float32)
        for row, each in enumerate(found):
            for term in each:
                if (column := known.get(term)) is not None:
                    counts[row, column] += 1
        marked = np.zeros(counts.shape[1], dtype=np.float32)
        marked[[known[term] for term in content(headline) if term in known]] = 1
        alike = _cosines(counts)
        sizes = np.array([max(1, len(row.terms)) for row in rows], dtype=np.float32)
        return cls(counts, alike, page_rank(alike), marked, sizes)

    def columns(self) -> list[Floats]:
        """Return the features that come of shared terms."""
        rows, present = len(self.counts), (self.counts > 0).astype(np.float32)
        kinds, length = np.maximum(present.sum(1), 1), np.maximum(self.counts.sum(1), 1)
        common = present @ present.T
        jaccard = page_rank(common / np.maximum(kinds[:, None] + kinds - common, 1))
        logarithmic = page_rank(common / (np.log1p(kinds)[:, None] + np.log1p(kinds)))
        overlap = page_rank(common / ((length[:, None] + length) / 2))
        total, spread = self.counts.sum(0), present.sum(0)
        frequency = self.counts @ total / length
        weighed = self.counts * (np.log((1 + rows) / (1 + spread)) + 1)
        salience = page_rank(_cosines(weighed.astype(np.float32)))
        # How much each sentence has of the direction that most of them share.
        unit = self.counts / np.maximum(np.linalg.norm(self.counts, axis=1, keepdims=True), 1e-6)
        topic = unit @ (total / max(float(np.linalg.norm(total)), 1e-6))
        earlier = np.vstack([np.zeros_like(present[:1]), np.maximum.accumulate(present, 0)[:-1]])
        return [
            _deviation(self.text_rank), _rank(self.text_rank), self.text_rank * rows,
            _deviation(overlap), _rank(overlap), _deviation(jaccard), _rank(jaccard), _deviation(logarithmic),
            _deviation(frequency), _rank(frequency), _deviation(topic), _deviation(salience),
            _deviation((present / np.maximum(spread, 1)).sum(1) / kinds),
            _deviation(present @ self.headline), _deviation(self.alike[0]),
            _deviation((present * (1 - earlier)).sum(1) / kinds), _deviation(length / self.sizes),
            *_beside(self.alike), _deviation((self.alike - 2 * np.eye(rows, dtype=np.float32)).max(1)),
        ]  # fmt: skip


def _surface(rows: Sequence[Sentence], words: Floats) -> list[Floats]:
    texts = [row.text for row in rows]
    closed = [text.rstrip("\"'”’」』）)") for text in texts]
    starts = [{row.terms[0], "".join(row.terms[:2])} if row.terms else set[str]() for row in rows]
    named = np.array([len(_NAMED.findall(text)) for text in texts], dtype=np.float32)
    values: list[Sequence[float]] = [
        [len(_NUMBER.findall(text)) for text in texts],
        [any(c in text for c in _QUOTES) for text in texts],
        [text[0] in _QUOTES for text in texts],
        [sum(len(m) for m in _QUOTED.findall(text)) / len(text) for text in texts],
        (named / np.maximum(words, 1)).tolist(),
        [bool(start & _REFERRING) for start in starts],
        [bool(start & _JOINING) for start in starts],
        [text.endswith(("?", "？")) for text in closed],
        [text.endswith((".", "。", "!", "！", "?", "？")) for text in closed],
        [sum(text.count(c) for c in ",，、;；") for text in texts],
        ["(" in text or "（" in text for text in texts],
        [" - " in text or "—" in text for text in texts],
    ]
    return [np.asarray(value, dtype=np.float32) for value in values]


def _cosines(rows: Floats) -> Floats:
    unit = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
    alike: Floats = unit @ unit.T
    return alike


def _beside(alike: Floats) -> tuple[Floats, Floats]:
    """Return how alike each sentence is to the one before, and to the one after, beside the article's mean."""
    count = len(alike)
    mean = (alike.sum() - count) / max(1, count * (count - 1))
    near = np.diagonal(alike, 1) - mean
    nothing = np.float32(np.nan)
    return np.append(nothing, near), np.append(near, nothing)


def _deviation(values: Floats) -> Floats:
    """Return values as distances from their mean, in standard deviations."""
    spread = float(values.std())
    if spread <= 1e-6:
        return np.zeros_like(values)
    deviation: Floats = ((values - values.mean()) / spread).astype(np.float32)
    return deviation


def _rank(values: Floats) -> Floats:
    """Return each value's place from the largest, 0…1."""
    order = np.argsort(np.argsort(-values, kind="stable"), kind="stable")
    return (order / max(1, len(values) - 1)).astype(np.float32)
