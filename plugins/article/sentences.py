"""Which sentences of an article can stand in a summary: its headline, its sentences, their words and paragraphs.

The same code cuts articles for training and for answering. Everything takes time linear in the text.
"""

import re
from dataclasses import dataclass
from typing import Final

from shared.language import Language, Span, language_of, sentences, simplified

MAX_CHARACTERS: Final = 200_000
MAX_SENTENCES: Final = 800
"""Sentences that are weighed at most: the first ones that say something."""
FEWEST_WORDS: Final = 4
FEWEST_HAN: Final = 6
"""A sentence that has fewer is a fragment: a byline, a heading, a cry."""
HEADLINE: Final = 160
"""Characters of a headline at most."""
HAN_A_WORD: Final = 1.6
"""Chinese characters that weigh as much as an English word: so many stand for one in translations."""
_TERM: Final = re.compile(
    r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]|[^\W_]+(?:['’][^\W_]+)?"
)
_HAN: Final = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]")
_ENDED: Final = re.compile(r"[.!?。！？…｡:：;；][\"'”’」』）)\]》]*$")


@dataclass(frozen=True)
class Sentence:
    """A sentence at `span` of the text: its terms (words; Chinese by characters), and where it stands.

    `paragraph` counts paragraphs, `within` the sentences of the paragraph before it.
    """

    span: Span
    text: str
    terms: tuple[str, ...]
    words: float
    paragraph: int
    within: int


@dataclass(frozen=True)
class Document:
    """An article as the scorer sees it.

    `sentences` are those that say something, each once; `spans` are all that there are, but for the headline.
    `read_share` is how much of the text was looked at (0…1).
    """

    text: str
    language: Language
    headline: str
    sentences: tuple[Sentence, ...]
    spans: tuple[Span, ...]
    read_share: float


def read(text: str, title: str | None = None, language: Language | None = None) -> Document:
    """Cut an article into sentences; of a very long one its beginning. A title in its first line is its headline."""
    length = max(1, len(text))
    text = text[:MAX_CHARACTERS]
    spans = sentences(text)
    end = len(text)
    headline = (title or "").strip()[:HEADLINE]
    if first := _headline(text, spans):
        headline = headline or first
        spans = spans[1:]
    found: list[Sentence] = []
    fragments: list[Sentence] = []
    known: set[tuple[str, ...]] = set()
    paragraph = within = at = 0
    for span in spans:
        if found and "\n" in text[at : span.start]:
            paragraph, within = paragraph + 1, 0
        at = span.end
        if len(found) == MAX_SENTENCES:
            end = span.start
            break
        # Most of a text of fragments is told by their length alone.
        if span.end - span.start < FEWEST_HAN and len(fragments) == MAX_SENTENCES:
            continue
        sentence = _sentence(text, span, paragraph, within)
        key = sentence.terms or (sentence.text,)
        if key in known:
            continue
        known.add(key)
        if _says_something(sentence):
            found.append(sentence)
            within += 1
        elif len(fragments) < MAX_SENTENCES:
            fragments.append(sentence)
    # A text of nothing but fragments is summarised by them.
    if not found and len(fragments) == MAX_SENTENCES:
        end = fragments[-1].span.end
    return Document(
        text, language or language_of(text), headline, tuple(found or fragments), tuple(spans), end / length
    )


def terms(text: str) -> tuple[str, ...]:
    """Return the words of a text in lower case, Chinese as simplified characters."""
    return tuple(_TERM.findall(simplified(text).lower()))


def count_words(text: str) -> tuple[int, int]:
    """Count the words that are no Chinese, and the Chinese characters."""
    found = _TERM.findall(text)
    han = sum(1 for term in found if _HAN.match(term))
    return len(found) - han, han


def _headline(text: str, spans: list[Span]) -> str:
    """Return the first line where it is a headline: short, without a full stop, and an article below it."""
    if len(spans) < 3:
        return ""
    line = text[spans[0].start : spans[0].end]
    alone = "\n" in text[spans[0].end : spans[1].start]
    return line if alone and len(line) <= HEADLINE and not _ENDED.search(line) else ""


def _sentence(text: str, span: Span, paragraph: int, within: int) -> Sentence:
    piece = text[span.start : span.end]
    found = terms(piece)
    han = sum(1 for term in found if _HAN.match(term))
    return Sentence(span, piece, found, len(found) - han + han / HAN_A_WORD, paragraph, within)


def _says_something(sentence: Sentence) -> bool:
    han = sum(1 for term in sentence.terms if _HAN.match(term))
    return len(sentence.terms) - han >= FEWEST_WORDS or han >= FEWEST_HAN
