"""Tells in which encoding a text is, and decodes it: Chinese in particular, where the encodings overlap.

A wrong encoding of Chinese gives valid but rare characters. So each candidate that decodes at all is judged by how many
of its characters are frequent ones; statistics of bytes, as libraries use them, err on short texts.
"""

import codecs
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

SAMPLE: Final = 40_000
"""Bytes, from the start, that candidates are judged on."""
FEW_BYTES: Final = 40
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CANDIDATES: Final = ("utf-16-le", "utf-16-be", "big5hkscs", "gb18030", "cp932", "euc_jp", "cp949")
# As browsers read these labels: what says GB2312 may hold characters of its successors.
_LABELS: Final = {
    "big5": "big5hkscs", "cp950": "big5hkscs", "gb2312": "gb18030", "gbk": "gb18030", "cp936": "gb18030",
    "hz": "hz", "iso8859-1": "cp1252", "ascii": "cp1252", "shift_jis": "cp932", "euc_kr": "cp949",
    "utf-7": "", "unicode_escape": "", "raw_unicode_escape": "", "idna": "", "punycode": "", "undefined": "",
}  # fmt: skip
_FREQUENT: Final = frozenset(
    "的一是不了在人有我他這这個个們们中來来上大為为和國国地到以說说時时要就出會会可也你對对生能而子那得於于著着下自之年過过"
    "發发後后作裡里用道行所然家種种事成方多經经么麼去法學学如都同現现當当沒没動动面起看定天分還还進进好小部其些主樣样理心"
    "她本前開开但因只從从想實实日軍军者意無无力它與与長长把機机十民第公此已工使情明性知全三又關关點点正業业外將将兩两高間间"
    "由問问很最重並并物手應应戰战向頭头文體体政美相見见被利什二等產产或新己制身果加西斯月話话合回特代內内信表化老給给世位"
    "次度門门任常先海通教兒儿原東东聲声提立及比員员解水名真論论處处走義义各入幾几口認认條条平系氣气題题活爾尔更別别打女變变"
    "四神總总何電电數数安少報报才結结反受目太量再感建務务做接必場场件計计管期市直德資资命山金指克許许統统區区保至隊队形社便"
    "空決决治展馬马科司五基眼書书非則则聽听白卻却界達达光放強强即像難难且權权思王象完設设式色路記记南品住告類类求據据程北邊边"
    "死張张該该交規规萬万取拉格望覺觉術术領领共確确傳传師师觀观清今切院讓让識识候帶带導导爭争運运笑飛飞風风步改收根幹干造言聯联"
    "持組组每濟济車车親亲極极林服快辦办議议往元英士證证近失轉转夫令準准布始怎呢存未遠远叫台單单影具羅罗字愛爱擊击流備备兵連连調调"
    "深商算質质團团集百需價价花黨党華华城石級级整府離离況况亞亚請请技際际約约示復复病息究線线似官火斷断精滿满支視视消越器容照須须"
    "九增研寫写稱称企八功嗎吗包片史委乎查輕轻易早曾除農农找裝装廣广顯显吧阿李標标談谈吃圖图念六引歷历首醫医局突專专費费號号盡尽"
    "另週周較较注語语僅仅考落青隨随選选列縣县銀银灣湾港香股"
)
_PUNCTUATION: Final = frozenset("，。、；：！？「」『』（）《》〈〉“”‘’—…・　【】％")


def decode(data: bytes, declared: tuple[str | None, ...] = ()) -> str | None:
    """Return the text that bytes hold; None where they hold none.

    A byte order mark counts first, then UTF-8 and each `declared` encoding that fits without an error, then what
    the characters say; at last a declared encoding with some errors.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _plausible(data.decode(encoding, "replace"))
    labels = [label for each in declared if (label := _label(each))]
    # What is UTF-8 by chance is short.
    for label in ("utf-8", *labels) if len(data) > FEW_BYTES else (*labels, "utf-8"):
        if (text := _strictly(data, label)) is not None and _plausible(text) is not None:
            return text
    if (guessed := _guess(data)) is not None:
        return _plausible(data.decode(guessed, "replace"))
    for label in (*labels, "utf-8"):
        text = data.decode(label, "replace")
        if text.count("\ufffd") <= len(text) // 20:
            return _plausible(text)
    return None


def _label(declared: str | None) -> str:
    try:
        name = codecs.lookup((declared or "").strip().strip("\"'")[:40]).name
    # ValueError: a NUL in it.
    except (LookupError, ValueError):
        return ""
    name = _LABELS.get(name, name)
    return name if name and codecs.lookup(name)._is_text_encoding else ""


def _strictly(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (UnicodeError, ValueError):
        return None


def _plausible(text: str) -> str | None:
    """Return the text, unless its characters are those of a program or a picture."""
    middle = len(text) // 2
    sample = text[:SAMPLE] + text[max(SAMPLE, middle) : middle + SAMPLE // 4]
    strange = sum(
        c not in "\t\n\r\f\x1a\x1b" and (unicodedata.category(c) in ("Cc", "Cn", "Co") or c == "\ufffd")
        for c in sample
    )
    return text if strange * 50 <= len(sample) and sample.count("\0") * 1000 <= len(sample) else None


def _guess(data: bytes) -> str | None:
    scored = [(score, encoding) for encoding in _CANDIDATES if (score := _score(data, encoding)) > 0]
    if scored:
        # The first of those that are as good: a text of one character may be any of them.
        best = max(score for score, _ in scored)
        return next(encoding for score, encoding in scored if score == best)
    text = data[:SAMPLE].decode("cp1252", "replace")
    letters = sum(c.isascii() and (c.isalnum() or c.isspace()) for c in text)
    return "cp1252" if letters * 10 >= len(text) * 6 and _plausible(text) is not None else None


def _score(data: bytes, encoding: str) -> float:
    """Say how much decoded bytes look like a text of that encoding's languages; 0 where not at all."""
    # Any bytes are UTF-16: it takes more to believe it.
    doubtful = encoding.startswith("utf-16")
    if doubtful and (len(data) % 2 or len(data) < 8):
        return 0.0
    text = _sample(data, encoding)
    if text is None or _plausible(text) is None:
        return 0.0
    good = wide = 0.0
    for character in text:
        if character.isascii():
            # In UTF-16 the letters of English count too: as another encoding they are none.
            wide += doubtful
            good += doubtful and (character.isprintable() or character.isspace())
            continue
        wide += 1
        if character in _FREQUENT or character in _PUNCTUATION or "\u3041" <= character <= "\u30ff":
            good += 1
        elif "\uac00" <= character <= "\ud7a3" and encoding == "cp949":
            good += character in _frequent_hangul()
        elif character in _usual(encoding):
            good += 0.25
    return good / wide if wide and good >= (0.4 if doubtful else 0.2) * wide else 0.0


def _sample(data: bytes, encoding: str) -> str | None:
    # A cut in the midst of a character is no error.
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        text = decoder.decode(data[:SAMPLE])
        if len(data) <= SAMPLE:
            text += decoder.decode(b"", final=True)
    except UnicodeError:
        return _sample_with_errors(data, encoding)
    return text


def _sample_with_errors(data: bytes, encoding: str) -> str | None:
    """Allow for one broken character in a hundred: files are cut and joined."""
    if encoding.startswith("utf-16"):
        return None
    text = data[:SAMPLE].decode(encoding, "replace")
    return text if text.count("\ufffd") * 100 <= len(text) else None


@lru_cache(maxsize=8)
def _usual(encoding: str) -> frozenset[str]:
    """Return the characters that the makers of an encoding put first, by frequency of use."""
    match encoding:
        case "big5hkscs":
            return frozenset(_block(0xA4, 0xC6, encoding))
        case "gb18030":
            return frozenset(_block(0xB0, 0xD7, encoding))
        case "cp932":
            return frozenset(_block(0x88, 0x97, encoding))
        case "euc_jp":
            return frozenset(_block(0xB0, 0xCF, encoding))
        case "utf-16-le" | "utf-16-be":
            return _usual("big5hkscs") | _usual("gb18030")
    return frozenset()


def _block(first: int, last: int, encoding: str) -> Iterator[str]:
    for lead in range(first, last + 1):
        for trail in range(0x40 if encoding in ("big5hkscs", "cp932") else 0xA1, 0xFF):
            if (character := _strictly(bytes((lead, trail)), encoding)) is not None:
                yield character


@lru_cache(maxsize=1)
def _frequent_hangul() -> frozenset[str]:
    return frozenset(
        "이다는을의에가를고지한은하도로기서사나인어자그리대해스시아들만에서것일있수부보과라장주정제전상여"
    )
