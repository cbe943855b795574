"""The words of reviews: Chinese cut by jieba, other scripts by their letters; counted, without stop words.

Imported by the worker and by heavy work alone: it needs jieba and scikit-learn.
"""

import logging
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.sparse import csr_matrix

from plugins.reviews.stopwords import STOPWORDS

_HAN: Final = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
_RUN: Final = re.compile(rf"[{_HAN}]+|[^\W\d_{_HAN}]+(?:['’][^\W\d_{_HAN}]+)*")
_CHINESE: Final = re.compile(f"[{_HAN}]")
_PLURAL: Final = re.compile(r"(?<=[a-z]{3})(?<!s)(?<!u)(?<!i)s$|['’]s$")
LONGEST: Final = 30
"""Characters of a word at most: what is longer is no word."""


@dataclass(frozen=True)
class Terms:
    """How often each term (column) stands in each text (row), and how people write the term."""

    counts: csr_matrix
    names: list[str]
    shown: list[str]


class WordCutter:
    """Cuts folded texts into terms. Reads jieba's dictionary once, which takes a second."""

    def __init__(self) -> None:
        import jieba

        jieba.setLogLevel(logging.WARNING)
        self._jieba = jieba.Tokenizer()
        # Its own start would read a cache from a folder that anybody may write to.
        self._jieba.FREQ, self._jieba.total = self._jieba.gen_pfdict(self._jieba.get_dict_file())
        self._jieba.initialized = True

    def cut(self, folded: str) -> list[tuple[str, int, int]]:
        """Return the terms of a text, each with the place where it stands; stop words are left out."""
        found: list[tuple[str, int, int]] = []
        for run in _RUN.finditer(folded):
            if not _CHINESE.match(run.group()):
                word = _PLURAL.sub("", run.group())
                if 1 < len(word) <= LONGEST and word not in STOPWORDS and run.group() not in STOPWORDS:
                    found.append((word, run.start(), run.end()))
                continue
            at = run.start()
            for word in self._jieba.cut(run.group()):
                if word not in STOPWORDS and len(word) <= LONGEST:
                    found.append((word, at, at + len(word)))
                at += len(word)
        return found


def count_terms(
    cutter: WordCutter, folded: Sequence[str], written: Sequence[str], least: int = 2, most: float = 1.0
) -> Terms:
    """Count the terms that stand in `least` texts or more, and in a share of at most `most` of them.

    `written` are the same texts, place by place, as people wrote them: terms are shown as they stand there.
    """
    texts = [cutter.cut(text) for text in folded]
    spread = Counter(word for text in texts for word in {word for word, _, _ in text})
    bound = max(least, most * len(texts))
    names = sorted(word for word, count in spread.items() if least <= count <= bound)
    column = {name: at for at, name in enumerate(names)}
    forms: list[Counter[str]] = [Counter() for _ in names]
    rows, columns = [], []
    for row, (text, original) in enumerate(zip(texts, written, strict=True)):
        for word, start, end in text:
            if (at := column.get(word)) is not None:
                rows.append(row)
                columns.append(at)
                if start < len(original):
                    forms[at][original[start:end]] += 1
    counts = csr_matrix(
        (np.ones(len(rows)), (rows, columns)), shape=(len(texts), len(names)), dtype=np.float64
    )
    counts.sum_duplicates()
    shown = [_shown(name, form) for name, form in zip(names, forms, strict=True)]
    return Terms(counts, names, shown)


def _shown(name: str, forms: Counter[str]) -> str:
    """Return the commonest writing of a term; of words with letters the term itself, without its plural."""
    if not forms or not _CHINESE.match(name):
        return name
    return min(forms.items(), key=lambda item: (-item[1], item[0]))[0]
