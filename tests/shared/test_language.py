"""Sentences, languages and simplified characters."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.language import LONGEST, has_han, language_of, sentences, simplified


def split(text: str) -> list[str]:
    return [text[s.start : s.end] for s in sentences(text)]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("Mr. Smith met Dr. Wu. They spoke.", ["Mr. Smith met Dr. Wu.", "They spoke."]),
        ("U.S. troops left. J. K. Rowling wrote.", ["U.S. troops left.", "J. K. Rowling wrote."]),
        ("It rose 3.5 % on Dec. 12. Then it fell.", ["It rose 3.5 % on Dec. 12.", "Then it fell."]),
        ('"Why?" he asked. "Because." She left.', ['"Why?" he asked.', '"Because."', "She left."]),
        ("The end.The next begins.", ["The end.", "The next begins."]),
        ("Read example.com and Node.js today.", ["Read example.com and Node.js today."]),
        ("it was bad. never again.", ["it was bad.", "never again."]),
        ("A headline\nA line that\ngoes on here.", ["A headline", "A line that\ngoes on here."]),
        ("1. Wash your hands. 2. Dry them.", ["1. Wash your hands.", "2. Dry them."]),
        (
            "他說：「我不去。」然後走了。真的嗎？是！",
            ["他說：「我不去。」", "然後走了。", "真的嗎？", "是！"],
        ),
        ("價格是3.5元.明天漲價。", ["價格是3.5元.", "明天漲價。"]),
        ("We met in Taipei 台北。It rained.", ["We met in Taipei 台北。", "It rained."]),
        ("等等…… 他走了……然後呢", ["等等……", "他走了……然後呢"]),
        ("no stop at all", ["no stop at all"]),
        ("", []),
        (" \n\t ", []),
        ("...", ["..."]),
    ],
)
def test_a_text_falls_into_its_sentences(text: str, wanted: list[str]) -> None:
    assert split(text) == wanted


@given(st.text(alphabet=st.sampled_from(list("aB .!?\n\"'」。！…，中文5é🙂")), max_size=300) | st.text())
def test_every_visible_character_lies_in_one_sentence(text: str) -> None:
    spans = sentences(text)
    assert all(a.end <= b.start for a, b in pairwise(spans))
    assert all(
        0 < s.end - s.start <= LONGEST and text[s.start : s.end].strip() == text[s.start : s.end]
        for s in spans
    )
    assert "".join("".join(text[s.start : s.end].split()) for s in spans) == "".join(text.split())


def test_a_text_without_stops_is_cut_between_words() -> None:
    text = "word " * 1000
    assert all(
        len(each) <= LONGEST and each.startswith("word") and each.endswith("word") for each in split(text)
    )
    assert [len(each) for each in split("x" * (2 * LONGEST + 1))] == [LONGEST, LONGEST, 1]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Good morning", "en"),
        ("早安，今天天氣很好", "zh"),
        ("我買了 iPhone 15 Pro Max，很好用", "zh"),
        ("The sign says 出口 and nothing else at all", "en"),
        ("12345 !?", "en"),
        ("", "en"),
    ],
)
def test_the_language_is_told_by_its_characters(text: str, wanted: str) -> None:
    assert language_of(text) == wanted


def test_traditional_characters_become_simplified_ones_in_their_places() -> None:
    assert simplified("這是臺灣的後面，乾淨 OK 🙂") == "这是台湾的后面，干净 OK 🙂"


@given(st.text())
def test_simplifying_keeps_every_place_and_is_done_once(text: str) -> None:
    once = simplified(text)
    assert len(once) == len(text)
    assert simplified(once) == once
    assert has_han(once) == has_han(text)
