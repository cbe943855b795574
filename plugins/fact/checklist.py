"""What to check in a text, found by plain rules, in English and in Chinese.

They need no model, so they serve texts that no verdict is given on. Each finding names the place in the text that it is
about; a rule that finds nothing is a finding too, since a missing source is what a reader should look for. The rules
take time linear in the text.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from plugins.fact.cleaning import clean, title_end
from shared.language import Span, sentences

Topic = Literal["source", "vague", "date", "links", "quotes", "numbers", "shouting", "urging"]
LONGEST: Final = 20_000
"""Characters that are looked through."""
EXAMPLES: Final = 3

_SAYING: Final = (
    r"(?:said|says|told|announced|reported|confirmed|stated|wrote|testified|tweeted|explained|warned|added)"
)
_NAME: Final = r"[A-Z][\w.'’-]{1,30}(?:[ \t]{1,2}(?:[A-Z][\w.'’-]{0,30}|of|the|for|and)){0,6}"
_SOURCE: Final = re.compile(
    rf"\b[Aa]ccording to (?:the )?{_NAME}|\b{_NAME},? {_SAYING}\b|\b{_SAYING} {_NAME}"
    rf"|\b(?:[Pp]ublished|[Rr]eported) (?:in|by) (?:the )?{_NAME}"
    # "根據衛福部統計", "據《自由時報》報導", "衛福部長陳時中表示": somebody or some body that can be asked.
    r"|(?:根據|根据|依據|依据)[^，。！？\n]{2,24}?(?:報導|报道|資料|资料|統計|统计|研究|指出|表示|公布)"
    r"|據[《「]?[^，。！？\n]{2,16}?[》」]?(?:報導|报道)"
    r"|[\u4e00-\u9fff]{2,12}(?:部|局|署|會|会|院|大學|大学|公司|中心|總統|总统|部長|部长|局長|局长|主任|教授|醫師|医师|發言人|发言人)"
    r"[\u4e00-\u9fff]{0,6}(?:表示|指出|說明|说明|宣布|公布|證實|证实|強調|强调)"
)
_VAGUE: Final = re.compile(
    r"\b(?:(?:some|many|several|top|leading|unnamed|anonymous) )?(?:experts|scientists|doctors|researchers|insiders?|officials|"
    r"sources|studies|critics|observers|people|witnesses|reports) (?:say|says|said|claim|claims|believe|agree|warn|suggest|show|confirm)\b"
    r"|\b(?:a source close to|it is (?:said|rumou?red|believed|claimed)|rumou?r has it|they say|word is)\b"
    r"|(?:專家|专家|學者|学者|網友|网友|知情人士|有人|消息人士|業內人士|业内人士|醫生|医生|科學家|科学家|外媒|媒體|媒体)(?:們|们)?"
    r"(?:們|们|都|也|紛紛|纷纷|均)?(?:表示|指出|說|说|稱|称|認為|认为|爆料|透露|警告)"
    r"|據傳|据传|據說|据说|聽說|听说|網傳|网传|傳聞|传闻|據悉|据悉",
    re.IGNORECASE,
)
_MONTH: Final = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec)[a-z]{0,6}\.?"
_DATE: Final = re.compile(
    rf"\b{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?(?:,? \d{{4}})?\b|\b\d{{1,2}}(?:st|nd|rd|th)? (?:of )?{_MONTH}(?:,? \d{{4}})?\b|\b{_MONTH} \d{{4}}\b"
    r"|\b(?:19|20)\d{2}[-/.]\d{1,2}[-/.]\d{1,2}\b|\b\d{1,2}[/.]\d{1,2}[/.](?:19|20)?\d{2}\b"
    r"|(?:(?:19|20)\d{2}|民國\s?\d{2,3}|今|去|昨)?年?\s?\d{1,2}\s?月\s?\d{1,2}\s?[日號号]|(?:19|20)\d{2}\s?年(?:\s?\d{1,2}\s?月)?"
)
_QUOTE: Final = re.compile(r"“[^”\n]{8,400}”|\"[^\"\n]{8,400}\"|「[^」\n]{4,300}」|『[^』\n]{4,300}』")
_NUMBER: Final = re.compile(
    r"(?<![\w.])[$€£¥]?\d[\d,.]*\s?(?:%|percent\b|per cent\b|million\b|billion\b|thousand\b|people\b|deaths\b|cases\b|[萬万億亿]|[人例名]|倍|成)"
    r"|(?<![\w.])[$€£¥]\d[\d,.]*|(?<![\w.,])\d{1,3}(?:,\d{3})+(?![\w,])"
)
_CAPITALS: Final = re.compile(
    r"(?<![\w.])[A-Z]{4,}(?:[ \t][A-Z]{2,}){1,}(?![\w])|[!！]{2,}|[?？]!|!\?|[?？]{3,}"
)
_URGING: Final = re.compile(
    r"\b(?:share (?:this|it|before|now|with everyone)|forward this|pass (?:this|it) on|spread the word|before (?:it'?s|they) (?:deleted?|taken? (?:it )?down)"
    r"|they don'?t want you to (?:know|see)|mainstream media (?:won'?t|will not|refuses)|what (?:they|the media) (?:aren'?t|are not|isn'?t|won'?t) tell"
    r"|wake up|act now|must (?:see|read|watch)|you won'?t believe|send (?:this|it) to (?:everyone|all))"
    r"|轉發|转发|轉傳|转传|快分享|請分享|请分享|分享出去|告訴(?:你的)?(?:親友|家人|朋友)|告诉(?:你的)?(?:亲友|家人|朋友)|不轉不是|不转不是"
    r"|千萬(?:不要|別)|千万(?:不要|别)|趕快|赶快|緊急通知|紧急通知|被刪|被删|震驚|震惊|不敢報|不敢报|真相",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Finding:
    """What a rule says: `ok` where the text gives what a reader needs; `spans` are the places, none where it is missing."""

    topic: Topic
    ok: bool
    spans: tuple[Span, ...] = ()
    count: int = 0


def check(text: str) -> list[Finding]:
    """Look through a text; what to doubt comes first. A rule that has nothing to say of it is left out."""
    text = text[:LONGEST]
    sources = _spans(_SOURCE, text)
    findings = [
        Finding("source", bool(sources), tuple(sources[:EXAMPLES]), len(sources)),
        _dates(text),
        *_links(text),
        *_quotes(text, sources),
        *_numbers(text, sources),
        *(
            Finding(topic, False, tuple(spans[:EXAMPLES]), len(spans))
            for topic, rule in _DOUBTFUL
            if (spans := _spans(rule, text))
        ),
    ]
    return sorted(findings, key=lambda each: each.ok)


_DOUBTFUL: Final[tuple[tuple[Topic, re.Pattern[str]], ...]] = (
    ("vague", _VAGUE),
    ("shouting", _CAPITALS),
    ("urging", _URGING),
)


def headline(text: str, longest: int = 120) -> str:
    """Return words to search other outlets by: the title, or the first sentence; without links and handles."""
    bare = clean(text[:LONGEST]).text
    end = title_end(bare)
    first = bare[:end] if end else next((bare[s.start : s.end] for s in sentences(bare[:2000])), "")
    words = " ".join(first.split())
    if len(words) <= longest:
        return words
    cut = words[:longest]
    return (cut.rpartition(" ")[0] or cut) if " " in cut else cut


def _dates(text: str) -> Finding:
    spans = _spans(_DATE, text)
    return Finding("date", bool(spans), tuple(spans[:EXAMPLES]), len(spans))


def _links(text: str) -> Iterable[Finding]:
    count = len(clean(text).domains)
    yield Finding("links", count > 0, (), count)


def _quotes(text: str, sources: Sequence[Span]) -> Iterable[Finding]:
    """Say whether what is quoted has somebody who said it, in the same sentence or the next."""
    quotes = _spans(_QUOTE, text)
    if not quotes:
        return
    alone = [quote for quote in quotes if not _near(quote, sources, 160)]
    yield Finding("quotes", not alone, tuple((alone or quotes)[:EXAMPLES]), len(alone or quotes))


def _numbers(text: str, sources: Sequence[Span]) -> Iterable[Finding]:
    """Say whether numbers stand near somebody who gave them."""
    numbers = _spans(_NUMBER, text)
    if not numbers:
        return
    bare = [number for number in numbers if not _near(number, sources, 200)]
    yield Finding("numbers", not bare, tuple((bare or numbers)[:EXAMPLES]), len(bare or numbers))


def _near(place: Span, others: Sequence[Span], reach: int) -> bool:
    """Tell whether one of `others`, which are in order, lies within `reach` characters."""
    at = bisect_left(others, Span(place.start - reach, 0))
    return any(
        other.start <= place.end + reach and other.end >= place.start - reach
        for other in others[max(0, at - 1) : at + 2]
    )


def _spans(rule: re.Pattern[str], text: str) -> list[Span]:
    return [Span(*match.span()) for match in rule.finditer(text)]
