"""The checklist finds what a reader should look for, in English and in Chinese, and says where."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.fact.checklist import EXAMPLES, Topic, check, headline


def found(text: str) -> dict[Topic, tuple[bool, list[str]]]:
    return {each.topic: (each.ok, [text[s.start : s.end] for s in each.spans]) for each in check(text)}


@pytest.mark.parametrize(
    ("text", "topic", "ok", "example"),
    [
        ("According to the World Health Organization, cases fell.", "source", True, "World Health Organization"),
        ("Mayor Jane Doe said that the bridge is safe.", "source", True, "Jane Doe said"),
        ("The harbour authority said that it is safe.", "source", True, "The harbour authority said"),
        ("The bridge is safe.", "source", False, None),
        ("根據衛福部統計，病例下降。", "source", True, "根據衛福部統計"),
        ("衛福部長陳時中表示，病例下降。", "source", True, "表示"),
        ("中央氣象局長宣布放假。", "source", True, "局長宣布"),
        ("病例下降了。", "source", False, None),
        ("It happened on March 3, 2020.", "date", True, "March 3, 2020"),
        ("It happened on 2020-03-01.", "date", True, "2020-03-01"),
        ("民國109年3月5日發生。", "date", True, "民國109年3月5日"),
        ("2020年3月發生。", "date", True, "2020年3月"),
        ("昨天發生。", "date", False, None),
        ("See https://example.org/a for more.", "links", True, None),
        ("See the site for more.", "links", False, None),
        ('John Smith said: "The bridge is perfectly safe."', "quotes", True, "perfectly"),
        ('"The bridge will fall down tomorrow."', "quotes", False, "fall down"),
        ("「這座橋明天就會垮掉」，請小心。", "quotes", False, "垮掉"),
        ("About 20,000 people saw it.", "numbers", False, "20,000"),
        ("According to Reuters, 20,000 people saw it.", "numbers", True, "20,000"),
        ("已有三萬人死亡。", "numbers", False, "三萬"),
        ("Experts say that it works.", "vague", False, "Experts say"),
        ("專家表示有效。", "vague", False, "專家表示"),
        ("网友们都说有效。", "vague", False, "网友们都说"),
        ("據傳有效。", "vague", False, "據傳"),
        ("THIS IS HUGE news", "shouting", False, "THIS IS HUGE"),
        ("太可怕了！！！", "shouting", False, "！！！"),
        ("Share this before they delete it", "urging", False, "Share this"),
        ("請趕快轉發給親友", "urging", False, "趕快"),
    ],
)  # fmt: skip
def test_a_rule_finds_its_place(text: str, topic: Topic, ok: bool, example: str | None) -> None:
    said, spans = found(text)[topic]
    assert said is ok
    assert (spans == []) if example is None else any(example in each for each in spans), spans


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("NASA and the FBI met.", "shouting"),
        ("What a day!", "shouting"),
        ("People said hello at the Market.", "urging"),
        ("They met in room 12.", "numbers"),
        ("He called it a “hoax”.", "quotes"),
        ("總統府說明了專案。", "vague"),
        ("完成工作，成為成員。", "numbers"),
    ],
)
def test_a_rule_stays_silent_where_nothing_is(text: str, topic: Topic) -> None:
    assert topic not in found(text)


def test_traditional_and_simplified_characters_are_alike() -> None:
    traditional = "根據衛福部統計，2020年3月5日已有三萬人感染，專家表示請趕快轉發！！"
    simple = "根据卫福部统计，2020年3月5日已有三万人感染，专家表示请赶快转发！！"
    assert [(f.topic, f.ok, f.spans) for f in check(traditional)] == [
        (f.topic, f.ok, f.spans) for f in check(simple)
    ]


def test_what_to_doubt_comes_first() -> None:
    findings = check("Mayor Jane Doe said on March 3, 2020 that 500 people came!!! Share this.")
    assert [each.ok for each in findings] == sorted(each.ok for each in findings)
    assert len({each.ok for each in findings}) == 2


@given(st.text(max_size=300))
@settings(deadline=None)
def test_any_text_can_be_checked_and_places_are_in_it(text: str) -> None:
    findings = check(text)
    assert {"source", "date", "links"} <= {each.topic for each in findings}
    for each in findings:
        assert len(each.spans) <= EXAMPLES
        assert all(0 <= span.start < span.end <= len(text) for span in each.spans)
    assert len(headline(text)) <= 100


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Bridge opens again\n\nThe bridge was opened.", "Bridge opens again"),
        ("The bridge opened. It is long.", "The bridge opened."),
        ("震驚！喝熱水可以殺死病毒。", "震驚！ 喝熱水可以殺死病毒。"),
        ("Cases fell. https://t.co/abc", "Cases fell."),
        ("", ""),
        ("word " * 100, "word " * 19 + "word"),
    ],
)
def test_the_headline_is_what_to_search_for(text: str, words: str) -> None:
    assert headline(text) == words


@pytest.mark.parametrize(
    "text", ["A" * 20_000, "A b " * 5000, "“" * 20_000, "1," * 10_000, "部" * 20_000, "據" * 20_000]
)
def test_hostile_texts_are_checked_in_a_moment(text: str) -> None:
    assert check(text)
