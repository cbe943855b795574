"""What to check in a text, found by plain rules, in English and in Chinese.

They need no model, so they serve texts that no verdict is given on. Each finding names the place in the text that it is
about; a rule that finds nothing is a finding too, since a missing source is what a reader should look for. The rules
take time linear in the text.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from plugins.fact.cleaning import clean, title_end
from plugins.fact.rules import DATE, NUMBER, QUOTE, SHOUTING, SOURCE, URGING, VAGUE, Rule
from shared.language import Span, sentences, simplified

Topic = Literal["source", "vague", "date", "links", "quotes", "numbers", "shouting", "urging"]
LONGEST: Final = 20_000
"""Characters that are looked through."""
EXAMPLES: Final = 3
REACH: Final = 160
"""Characters between a quote or number and the source that it is taken to have."""
FEW: Final = 12
"""Characters that are too few to search by."""


@dataclass(frozen=True)
class Finding:
    """What a rule says: `ok` where the text gives what a reader needs.

    `spans` are the first places that it is about, none where something is missing; `count` is the number of all.
    """

    topic: Topic
    ok: bool
    spans: tuple[Span, ...] = ()
    count: int = 0


def check(text: str) -> list[Finding]:
    """Look through a text; what to doubt comes first. A rule that has nothing to say of it is left out."""
    text = text[:LONGEST]
    simple = simplified(text)
    sources = _spans(SOURCE, text, simple)
    dates, numbers = _spans(DATE, text, simple), _spans(NUMBER, text, simple)
    quotes = [Span(*match.span()) for match in QUOTE.finditer(text)]
    shouts = [Span(*match.span()) for match in SHOUTING.finditer(text)]
    findings = [
        _finding("source", bool(sources), sources),
        _finding("date", bool(dates), dates),
        Finding("links", bool(links := clean(text).domains), (), len(links)),
        *_sourced("quotes", quotes, sources),
        *_sourced("numbers", numbers, sources),
        *_doubtful("vague", _spans(VAGUE, text, simple)),
        *_doubtful("shouting", shouts),
        *_doubtful("urging", _spans(URGING, text, simple)),
    ]
    return sorted(findings, key=lambda each: each.ok)


def headline(text: str, longest: int = 100) -> str:
    """Return words to search other outlets by: the title, or the first sentences; without links and handles."""
    bare = clean(text[:LONGEST]).text
    end = title_end(bare)
    words = " ".join(bare[:end].split())
    for sentence in sentences(bare[end : end + 2000]):
        if len(words) >= FEW:
            break
        words = " ".join([words, *bare[end + sentence.start : end + sentence.end].split()]).strip()
    if len(words) <= longest:
        return words
    cut = words[: longest + 1]
    return (cut.rpartition(" ")[0] or cut[:-1]).rstrip()


def _finding(topic: Topic, ok: bool, spans: Sequence[Span]) -> Finding:
    return Finding(topic, ok, tuple(spans[:EXAMPLES]), len(spans))


def _doubtful(topic: Topic, spans: Sequence[Span]) -> Iterable[Finding]:
    if spans:
        yield _finding(topic, False, spans)


def _sourced(topic: Topic, places: Sequence[Span], sources: Sequence[Span]) -> Iterable[Finding]:
    """Say whether all of these places have a source near."""
    if places:
        alone = [place for place in places if not _near(place, sources)]
        yield _finding(topic, not alone, alone or places)


def _near(place: Span, others: Sequence[Span]) -> bool:
    """Tell whether one of `others`, which are in order, lies within reach."""
    at = bisect_left(others, Span(place.start - REACH, 0))
    return any(
        other.start <= place.end + REACH and other.end >= place.start - REACH
        for other in others[max(0, at - 1) : at + 2]
    )


def _spans(rule: Rule, text: str, simple: str) -> list[Span]:
    """Return what either pattern finds, in order; overlaps once."""
    found = sorted(
        Span(*match.span())
        for pattern, where in ((rule.english, text), (rule.chinese, simple))
        for match in pattern.finditer(where)
    )
    kept: list[Span] = []
    for span in found:
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
    return kept
