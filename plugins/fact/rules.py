"""The patterns of the checklist: what a named source, a date, a number or a shout looks like, in English and Chinese.

The Chinese ones are in simplified characters, for a text that was made so. Every repetition is bounded, so that each
takes time linear in the text.
"""

import re
from typing import Final, NamedTuple


class Rule(NamedTuple):
    """A pattern for the text as it is, and one for its simplified form."""

    english: re.Pattern[str]
    chinese: re.Pattern[str]


def _any(*words: str) -> str:
    return f"(?:{'|'.join(words)})"


_SAYING: Final = _any(
    "said", "says", "told", "announced", "reported", "confirmed", "stated", "wrote", "testified", "tweeted",
    "explained", "warned", "added",
)  # fmt: skip
_NAME: Final = r"[A-Z][\w.'’-]{1,30}(?:[ \t]{1,2}(?:[A-Z][\w.'’-]{0,30}|of|the|for|and)){0,6}"
_ZH_SAYING: Final = _any("表示", "指出", "说明", "宣布", "公布", "证实", "强调")
_ZH_OFFICE: Final = _any(
    "部", "局", "署", "会", "院", "大学", "公司", "中心", "总统", "部长", "局长", "署长", "主任", "教授", "医师",
    "发言人",
)  # fmt: skip
_OFFICE: Final = _any(
    "police", "authority", "ministry", "department", "council", "government", "court", "agency", "committee", "office",
    "bank", "university", "hospital", "company", "spokes(?:man|woman|person)", "mayor", "minister",
)  # fmt: skip
SOURCE: Final = Rule(
    re.compile(
        rf"\b[Aa]ccording to (?:the )?{_NAME}|\b{_NAME},? {_SAYING}\b|\b{_SAYING} {_NAME}"
        rf"|\b[Tt]he (?:[a-z]{{2,20}} ){{0,2}}{_OFFICE} {_SAYING}\b"
        rf"|\b(?:[Pp]ublished|[Rr]eported) (?:in|by) (?:the )?{_NAME}"
    ),
    re.compile(
        # "According to figures of …", "as the … Times reports", "minister … said": somebody that can be asked.
        r"(?:根据|依据)[^，。！？\n]{2,24}?(?:报导|报道|资料|统计|研究|指出|表示|公布)"
        r"|据[《「]?[^，。！？\n]{2,16}?[》」]?(?:报导|报道)"
        rf"|[\u4e00-\u9fff]{{1,12}}{_ZH_OFFICE}[\u4e00-\u9fff]{{0,6}}{_ZH_SAYING}"
    ),
)
_UNNAMED: Final = _any(
    "experts", "scientists", "doctors", "researchers", "insiders?", "officials", "sources", "studies", "critics",
    "observers", "people", "witnesses", "reports",
)  # fmt: skip
VAGUE: Final = Rule(
    re.compile(
        rf"\b(?:(?:some|many|several|top|leading|unnamed|anonymous) )?{_UNNAMED} "
        r"(?:say|says|said|claim|claims|believe|agree|warn|suggest|show|confirm)\b"
        r"|\b(?:a source close to|it is (?:said|rumou?red|believed|claimed)|rumou?r has it|they say|word is)\b",
        re.IGNORECASE,
    ),
    re.compile(
        r"(?:专家|学者|网友|知情人士|有人|消息人士|业内人士|医生|科学家|外媒|媒体)(?:们|都|也|纷纷|均){0,2}"
        r"(?:表示|指出|说|称|认为|爆料|透露|警告)|据传|据说|听说|网传|传闻|据悉"
    ),
)
_MONTH: Final = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)[a-z]{0,6}\.?"
_TH: Final = r"(?:st|nd|rd|th)?"
DATE: Final = Rule(
    re.compile(
        rf"\b{_MONTH} \d{{1,2}}{_TH}\b(?:,? \d{{4}}\b)?|\b\d{{1,2}}{_TH} (?:of )?{_MONTH}(?:,? \d{{4}}\b)?"
        rf"|\b{_MONTH},? \d{{4}}\b|\b(?:19|20)\d\d[-/.]\d{{1,2}}[-/.]\d{{1,2}}\b"
        r"|\b\d{1,2}[/.]\d{1,2}[/.](?:19|20)?\d\d\b"
    ),
    re.compile(
        r"(?:(?:(?:19|20)\d\d|民国\s?\d{2,3}|今|去|昨)\s?年\s?)?\d{1,2}\s?月\s?\d{1,2}\s?[日号]"
        r"|(?:(?:19|20)\d\d|民国\s?\d{2,3})\s?年(?:\s?\d{1,2}\s?月)?"
    ),
)
QUOTE: Final = re.compile(r"“[^”\n]{8,400}”|\"[^\"\n]{8,400}\"|「[^」\n]{4,300}」|『[^』\n]{4,300}』")
_UNIT: Final = _any(
    "%", r"percent\b", r"per cent\b", r"million\b", r"billion\b", r"thousand\b", r"people\b", r"deaths\b",
    r"cases\b",
)  # fmt: skip
NUMBER: Final = Rule(
    re.compile(
        rf"(?<![\w.])[$€£¥]?\d[\d,.]{{0,15}}\s?{_UNIT}|(?<![\w.])[$€£¥]\d[\d,.]{{0,15}}"
        r"|(?<![\w.,])\d{1,3}(?:,\d{3}){1,4}(?![\w,])"
    ),
    re.compile(
        r"(?:\d[\d,.]{0,15}|[一二三四五六七八九十百千两]{1,6})\s?(?:万|亿|人|例|名|倍|成(?!为|功|立|员|长|果)|％)"
    ),
)
SHOUTING: Final = re.compile(
    r"(?<![\w.])[A-Z]{4,20}(?:[ \t][A-Z]{2,20}){1,20}(?!\w)|[!！]{2,20}|[?？][!！]|[!！][?？]|[?？]{3,20}"
)
URGING: Final = Rule(
    re.compile(
        r"\b(?:share (?:this|it|before|now|with everyone)|forward this|pass (?:this|it) on|spread the word"
        r"|before (?:it'?s|they) (?:delete|take it down|taken down)|they don['’]?t want you to (?:know|see)"
        r"|mainstream media (?:won['’]?t|will not|refuses)|you won['’]?t believe|wake up,? (?:people|america)|act now"
        r"|must (?:see|read|watch)|send (?:this|it) to (?:everyone|all))",
        re.IGNORECASE,
    ),
    re.compile(
        r"转发|转传|快分享|请分享|分享出去|告诉(?:你的)?(?:亲友|家人|朋友)|不转不是|千万(?:不要|别)|赶快|紧急通知"
        r"|(?:被|遭)删|震惊|不敢报"
    ),
)
