"""Texts come out as they were written, whatever their encoding; what is no text is told from it."""

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.charsets import decode
from tests.kit.web import CHINESE, ENGLISH, SIMPLIFIED

FRENCH = (
    "Le maire a déclaré que l’été serait très chaud à Genève, où les écoles fermeront plus tôt cette année."
)
JAPANESE = "東京都は今日、来月から市内のバスをすべて電気自動車に切り替えると発表した。三年以内に完了する予定だという。"
KOREAN = "서울시는 오늘 다음 달부터 시내 버스를 모두 전기차로 바꾸겠다고 발표했다. 삼 년 안에 끝낼 계획이다."
MIXED = "港務局 (Harbour Authority) 表示，Pier 9 將於 2026 年 10 月底關閉，詳見 https://example.org/notice 的公告。"
TEXTS = {
    "english": (ENGLISH, ("utf-8", "utf-8-sig", "ascii", "cp1252", "utf-16", "utf-16-le", "utf-16-be", "utf-32")),
    "traditional": (CHINESE, ("utf-8", "utf-8-sig", "big5", "big5hkscs", "utf-16", "utf-16-le", "utf-16-be", "gbk")),
    "simplified": (SIMPLIFIED, ("utf-8", "gb2312", "gbk", "gb18030", "utf-16", "utf-16-le", "utf-16-be")),
    "mixed": ([MIXED], ("utf-8", "big5", "gb18030", "utf-16-le", "utf-16-be")),
    "french": ([FRENCH], ("utf-8", "cp1252", "utf-16-le")),
    "japanese": ([JAPANESE], ("utf-8", "cp932", "euc_jp", "utf-16-le")),
    "korean": ([KOREAN], ("utf-8", "cp949", "utf-16")),
}  # fmt: skip
CASES = [(sentences, encoding) for sentences, encodings in TEXTS.values() for encoding in encodings]


def written(text: str, encoding: str) -> bytes:
    """Write what the encoding has; typographic quotes are not in ASCII."""
    return text.encode(encoding, "ignore")


@pytest.mark.parametrize(("sentences", "encoding"), CASES)
def test_a_text_is_read_in_its_encoding_without_being_told(sentences: list[str], encoding: str) -> None:
    for text in ("\n".join(sentences), *sentences):
        data = written(text, encoding)
        assert decode(data) == data.decode(encoding)


@pytest.mark.parametrize("encoding", ["big5", "gbk", "utf-16-le", "utf-8"])
@pytest.mark.parametrize("length", [6, 10, 20])
def test_a_few_words_of_chinese_are_enough(encoding: str, length: int) -> None:
    for sentence in CHINESE:
        assert decode(sentence[:length].encode(encoding)) == sentence[:length]


@given(st.permutations(CHINESE * 3), st.sampled_from(["big5", "gb18030", "utf-16-le", "utf-16-be", "utf-8"]))
def test_any_order_of_sentences_is_read_right(sentences: list[str], encoding: str) -> None:
    text = "".join(sentences)
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize(
    "declared", ["gb2312", "GBK", "x-nonsense", "utf-8", "", "\0", "idna", "base64", None]
)
def test_what_was_declared_counts_only_where_it_fits(declared: str | None) -> None:
    assert decode(CHINESE[0].encode("utf-8"), (declared,)) == CHINESE[0]
    assert decode(SIMPLIFIED[0].encode("gbk"), (declared,)) == SIMPLIFIED[0]


def test_a_broken_character_in_a_long_text_does_not_spoil_it() -> None:
    for encoding in ("utf-8", "big5", "gb18030"):
        data = "".join(CHINESE * 20).encode(encoding)
        text = decode(data[:1001] + b"\xff" + data[1003:], (encoding,))
        assert text is not None
        assert CHINESE[0] in text


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\0", b"\0" * 1000, b"MZ\x90\0\x03\0\0\0", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)),
        b"PK\x03\x04\x14\0\x06\0\x08\0" + random.Random(1).randbytes(3000), random.Random(2).randbytes(100_000),
        b"\x7fELF\x02\x01\x01" + random.Random(3).randbytes(5000), b"GIF89a" + random.Random(4).randbytes(5000),
        b"\xff\xfe" + random.Random(5).randbytes(5000), b"\xef\xbb\xbf" + random.Random(6).randbytes(5000),
        "".join(ENGLISH).encode() * 20 + random.Random(7).randbytes(50_000),
    ],
)  # fmt: skip
def test_what_is_no_text_is_refused(data: bytes) -> None:
    assert not decode(data)


def test_a_program_named_as_a_text_is_refused() -> None:
    assert decode(Path("/bin/sh").resolve().read_bytes()) is None


@given(st.binary(max_size=600), st.sampled_from([None, "utf-8", "big5", "utf-16", "gb18030", "cp1252"]))
def test_any_bytes_are_read_or_refused(data: bytes, declared: str | None) -> None:
    text = decode(data, (declared,))
    assert text is None or isinstance(text, str)


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["C"]), max_size=300))
def test_every_text_in_utf_8_comes_back(text: str) -> None:
    assert decode(text.encode()) == text.removeprefix("\ufeff")
